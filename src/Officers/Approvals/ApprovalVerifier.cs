using System.Runtime.CompilerServices;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;

namespace ZwCa.Officers;

/// <summary>Whether an approval holds by itself (trust.md §3); who gave it, is asked afterwards. Safe for concurrent use.</summary>
public sealed class ApprovalVerifier(OfficerIssuers issuers, RoleCatalogue roles, TimeProvider time)
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(30);
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    private const string NotSigned = "审批意见的签名无效。";

    /// <summary>
    /// Of approvals over several applications the signature is verified once for each object in memory, which nobody can change: by which certificate it held. Nothing else is remembered.
    /// </summary>
    private readonly ConditionalWeakTable<Approval, OfficerCertificate> _held = [];

    public OfficerIssuers Issuers { get; } = issuers;

    public RoleCatalogue Roles { get; } = roles;

    /// <summary>Of an application about a certificate or a key: entry and review are duties of operators, and a county is an acceptance point, which reviews nothing.</summary>
    /// <inheritdoc cref="Verify(Approval, Application, Func{Role, bool})"/>
    /// <exception cref="ArgumentException">A command, whose action says who may decide.</exception>
    public SignedApproval Verify(Approval approval, Application application)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(application);
        if (application.Kind == DecisionKind.Command)
        {
            throw new ArgumentException("Who may decide about a command, its action says.", nameof(application));
        }

        SignedApproval signed = Verify(approval, application, MayDecide(approval));
        RequireLevel(approval, signed.Officer);
        return signed;
    }

    /// <summary>
    /// All about an approval by itself that can be known without the applications that it is over: for who keeps one before they come. Each of them is asked about anew, by the methods above and below.
    /// </summary>
    /// <returns>Who gave it; whether he is in office, nobody has asked yet.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.BadSignature"/>, <see cref="Refusal.NotApproved"/> (too old, from the future), <see cref="Refusal.NotAllowed"/> (role, a county's review).</exception>
    public OfficerCertificate VerifyAlone(Approval approval)
    {
        ArgumentNullException.ThrowIfNull(approval);
        OfficerCertificate officer = RequireSigned(approval);
        RequireTime(approval, officer);
        RequireRole(officer, MayDecide(approval));
        RequireLevel(approval, officer);
        return officer;
    }

    /// <param name="mayDecide">Whether a role may take this step.</param>
    /// <returns>An approval that holds, by a certificate that held at its time. Whether the officer is in office, nobody has asked yet.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.BadSignature"/>, <see cref="Refusal.NotApproved"/> (another application, too old, from the future), <see cref="Refusal.NotAllowed"/>
    /// (role), <see cref="Refusal.OutOfScope"/> (region).
    /// </exception>
    public SignedApproval Verify(Approval approval, Application application, Func<Role, bool> mayDecide)
    {
        ArgumentNullException.ThrowIfNull(approval);
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(mayDecide);

        // Step 1: by an officer, and by his key.
        OfficerCertificate officer = RequireSigned(approval);

        // Step 2: about this application, and lately.
        byte[] digest = application.Digest;
        Require(approval.Tbs.Covers(digest), Refusal.NotApproved, "审批意见不包含该申请。");
        RequireTime(approval, officer);

        // Step 3: by a role that may, of the kind that the role is of, in a region that covers it.
        Role role = RequireRole(officer, mayDecide);
        Require(officer.Region.Covers(RegionCode.Parse(application.Region)), Refusal.OutOfScope, "该申请不在审批人的管辖区域内。");
        return new SignedApproval(approval, officer, role, digest);
    }

    private OfficerCertificate RequireSigned(Approval approval)
    {
        OfficerCertificate officer = Issuers.Verify(approval.Certificate);
        if (approval.Tbs.Digests.Count == 1)
        {
            Require(officer.HasSigned(approval), Refusal.BadSignature, NotSigned);
        }
        else if (!_held.TryGetValue(approval, out OfficerCertificate? by) || !ReferenceEquals(by, officer))
        {
            Require(officer.HasSigned(approval), Refusal.BadSignature, NotSigned);
            _held.AddOrUpdate(approval, officer);
        }

        return officer;
    }

    private void RequireTime(Approval approval, OfficerCertificate officer)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset at = approval.Tbs.Time.Value;
        Require(at >= now - MaxAge, Refusal.NotApproved, "审批意见已超过30天。");
        Require(at <= now + ClockSkew, Refusal.NotApproved, "审批意见的时间晚于当前时间。");
        Require(officer.IsValidAt(at), Refusal.NotApproved, "审批时人员证书不在有效期内。");
    }

    private Role RequireRole(OfficerCertificate officer, Func<Role, bool> mayDecide)
    {
        Role? role = Roles.Find(officer.Identity.Role);
        Require(role is not null && role.Kind == officer.Identity.Kind && mayDecide(role), Refusal.NotAllowed, "该角色无权作此审批。");
        return role!;
    }

    private static Func<Role, bool> MayDecide(Approval approval)
    {
        Duty duty = approval.Tbs.Step == ApprovalStep.Entry ? Duty.Entry : Duty.Review;
        return role => role.Duties.Contains(duty);
    }

    private static void RequireLevel(Approval approval, OfficerCertificate officer) =>
        Require(approval.Tbs.Step == ApprovalStep.Entry || officer.Region.Level != RegionLevel.County, Refusal.NotAllowed, "区县受理点只受理和发放，不能审核。");

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
