using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Registrations;

/// <summary>The command that has a certificate issued which no RA may ask for: of officers, of RAs' messages, of services, responders and servers of the system.</summary>
internal sealed class OrderActions(AuthorityList authorities, ProfileStore profiles, Places places, OfficerActions officers)
{
    public const string Order = "certificate.order";

    public CommandAction Action => new(Order, OfficerActions.TwoPersons) { CheckAsync = CheckAsync, DoAsync = DoAsync };

    /// <summary>The key is proven, the profile is the active version, its certificates are this CA's to issue.</summary>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.UnknownProfile"/>, <see cref="Refusal.OutOfScope"/> (CA), <see cref="Refusal.BadCsr"/>, <see cref="Refusal.BadPublicKey"/>, <see cref="Refusal.NotApproved"/>
    /// (another key), <see cref="Refusal.Malformed"/>.
    /// </exception>
    public async Task<Profile> RequireOrderAsync(CommandContext context, CertificateOrder order, Func<AuthorityList, Authority, Profile, bool> mayIssue)
    {
        CertificateBody body = order.Body;
        Profile profile = await profiles.GetActiveAsync(context.Transaction, body.Profile, body.ProfileHash);
        Authority? authority = authorities.Find(body.Issuer.Span);
        Require(authority is not null && mayIssue(authorities, authority, profile), Refusal.OutOfScope, "该CA不签发此证书模板的证书。");
        Require(body.Replaces is null, Refusal.Malformed, "命令不写明原证书：更新或换发时请直接申请新证书。");
        CsrKey key = ProofOfPossession.Verify(order.Request, profile.Options.EmptyIdAllowed);
        Require(key.PublicKey == body.SubjectPublicKeyInfo, Refusal.NotApproved, "证书请求中的公钥与命令所写的不同。");
        Require(profile.Takes(body.SubjectPublicKeyInfo), Refusal.BadPublicKey, "公钥的算法或长度不符合证书模板。");
        await places.OfAsync(context.Transaction, context.Application.Region);
        return profile;
    }

    /// <summary>What is ordered waits for <see cref="RunOrders"/>: the device is not asked in here.</summary>
    public static async Task InsertAsync(CommandContext context, CertificateBody body)
    {
        await context.Transaction.ExecuteAsync(
            "INSERT INTO certificate_order (order_id, state, ordered_at) VALUES (@Id, 0, @Now)", new { Id = context.CommandId, context.Now });
        await context.RecordAsync(
            Order,
            new AuditObject("order", Convert.ToHexStringLower(context.CommandId)),
            reason: null,
            new AuditField.Text("profile", body.Profile),
            new AuditField.Octets("profileHash", body.ProfileHash),
            new AuditField.Text("region", context.Application.Region),
            new AuditField.Octets("key", Sm3.HashData(Der.Encode(body.SubjectPublicKeyInfo))));
    }

    /// <summary>Who may issue what: officers, RAs and services are certified by the operations CA, links by the system CA, the rest by the others.</summary>
    private static bool MayIssue(AuthorityList authorities, Authority authority, Profile profile) =>
        profile.Options.OfficerIdentity || profile.Name is SystemProfile.Ra or SystemProfile.ServiceSigner
            ? authority == authorities.Operations
            : authority != authorities.System;

    private static Task DoAsync(CommandContext context) => InsertAsync(context, context.Read<CertificateOrder>().Body);

    private async Task CheckAsync(CommandContext context)
    {
        CertificateOrder order = context.Read<CertificateOrder>();
        CertificateBody body = order.Body;
        Profile profile = await RequireOrderAsync(context, order, MayIssue);
        Require(!profile.IsAuthority, Refusal.NotAllowed, "CA证书只在密钥仪式上签发。");
        Require(profile.Name is not (SystemProfile.Link or SystemProfile.OfficerLink), Refusal.NotAllowed, "链路证书请用登记客户端的命令申请。");
        Require(profile.Half != PairHalf.Encryption, Refusal.NotAllowed, "加密证书只与签名证书成对签发。");
        Require(profile.Options.OfficerIdentity == body.Officer is not null, Refusal.Malformed, "人员身份只写入人员证书，且必须写明。");
        if (body.Officer is { } identity)
        {
            await officers.RequireMayCertifyAsync(context, identity);
            Require(body.Entity == Convert.ToHexStringLower(identity.Person.Span), Refusal.SubjectNotAllowed, "人员证书的实体编号应为人员编号。");
            return;
        }

        Require(context.Proposer.Kind == OfficerKind.Administrator, Refusal.NotAllowed, "审计人员只能申请审计人员的证书。");
        if (profile.Name == SystemProfile.Ra)
        {
            // Whoever gets this one speaks for the RA: so both officers are responsible for its region.
            RegistrationAuthority ra = await RaStore.FindByEntityAsync(context.Transaction, body.Entity) ?? throw new RefusalException(Refusal.NotFound, "没有登记该实体的RA。");
            context.RequireRegion(ra.Region);
        }
        else if (RaActions.IsNeverAnRas(profile))
        {
            context.RequireRegion(RegionCode.Nation.Value);
        }
    }
}
