using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;

namespace ZwCa.Officers;

/// <summary>An approval that holds by itself: <see cref="ApprovalVerifier"/> made it. Nothing may be done on it before the officer's standing is known.</summary>
public sealed class SignedApproval
{
    internal SignedApproval(Approval approval, OfficerCertificate officer, Role role, ReadOnlyMemory<byte> applicationDigest)
    {
        Approval = approval;
        Officer = officer;
        Role = role;
        ApplicationDigest = applicationDigest;
    }

    public Approval Approval { get; }

    public OfficerCertificate Officer { get; }

    public Role Role { get; }

    internal ReadOnlyMemory<byte> ApplicationDigest { get; }

    /// <summary>For who has no directory of officers: the certificate is on no revocation list of its issuer.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: it is revoked, or has expired; <see cref="Refusal.BadSignature"/>: the list is another issuer's.</exception>
    public VerifiedApproval WithCrl(OfficerCrl crl)
    {
        ArgumentNullException.ThrowIfNull(crl);
        crl.RequireNotRevoked(Officer);
        return new VerifiedApproval(this);
    }
}

/// <summary>An approval that holds, by an officer who is in office.</summary>
public sealed class VerifiedApproval
{
    /// <summary>Only who has looked at the officer's standing calls this.</summary>
    internal VerifiedApproval(SignedApproval signed) => Signed = signed;

    public SignedApproval Signed { get; }

    public OfficerCertificate Officer => Signed.Officer;

    public ApprovalStep Step => Signed.Approval.Tbs.Step;
}

/// <summary>An application that two persons decided about, one by entry and one by review. Whatever acts on a decision takes this and never a bool.</summary>
public sealed class ApprovedApplication
{
    private ApprovedApplication(Application application, byte[] digest, VerifiedApproval entry, VerifiedApproval review)
    {
        Application = application;
        Digest = digest;
        Entry = entry;
        Review = review;
    }

    public Application Application { get; }

    /// <summary>SM3 of the application, 32 bytes: what a decision is known by.</summary>
    public ReadOnlyMemory<byte> Digest { get; }

    public VerifiedApproval Entry { get; }

    public VerifiedApproval Review { get; }

    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotApproved"/>: not one entry and one review of this application; <see cref="Refusal.SecondOfficerRequired"/>: both by one person, or with one key.
    /// </exception>
    public static ApprovedApplication Create(Application application, VerifiedApproval entry, VerifiedApproval review)
    {
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(review);
        byte[] digest = application.Digest;
        Require(
            entry.Signed.ApplicationDigest.Span.SequenceEqual(digest) && review.Signed.ApplicationDigest.Span.SequenceEqual(digest),
            Refusal.NotApproved,
            "审批意见不包含该申请。");
        Require(entry.Step == ApprovalStep.Entry && review.Step == ApprovalStep.Review, Refusal.NotApproved, "须有一份录入意见和一份审核意见。");

        // Two certificates of one person are one person; so are two of one key.
        Require(
            !entry.Officer.IsOfPerson(review.Officer.Identity.Person.Span)
                && entry.Officer.Certificate.Tbs.SubjectPublicKeyInfo != review.Officer.Certificate.Tbs.SubjectPublicKeyInfo,
            Refusal.SecondOfficerRequired,
            "审核人与录入人不能是同一人。");
        return new ApprovedApplication(application, digest, entry, review);
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
