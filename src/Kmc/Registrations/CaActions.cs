using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Links;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Kmc.Registrations;

/// <summary>Commands about CAs: which ones this KMC serves. The device has a policy of its own, which m of its holders sign: it opens no key for a CA that is registered only here.</summary>
internal sealed class CaActions(ServiceOptions service)
{
    public const string Register = "ca.register";
    public const string Change = "ca.change";
    public const string Freeze = "ca.freeze";
    public const string Unfreeze = "ca.unfreeze";

    private const int MaxNameLength = 64;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    public IReadOnlyList<CommandAction> All =>
    [
        new CommandAction(Register, OfficerActions.ForRegions) { CheckAsync = CheckRegisterAsync, DoAsync = RegisterAsync },
        new CommandAction(Change, OfficerActions.ForRegions) { CheckAsync = CheckChangeAsync, DoAsync = ChangeAsync },
        new CommandAction(Freeze, OfficerActions.OnePerson) { TakesAwayOnly = true, CheckAsync = CheckSwitchAsync, DoAsync = context => MoveAsync(context, Freeze, ServedCaState.Served, ServedCaState.Frozen) },
        new CommandAction(Unfreeze, OfficerActions.ForRegions) { CheckAsync = CheckSwitchAsync, DoAsync = context => MoveAsync(context, Unfreeze, ServedCaState.Frozen, ServedCaState.Served) },
    ];

    private static async Task RegisterAsync(CommandContext context)
    {
        CaRegistration registration = context.Read<CaRegistration>();
        byte[] keyHash = Sm3.HashData(Der.Encode(registration.Certificate.Tbs.SubjectPublicKeyInfo));
        short last = await context.Transaction.GetAsync<short>("SELECT COALESCE(MAX(ca_id), 0) FROM served_ca");
        bool isNew = await ServedCa.TryAddAsync(context.Transaction, new ServedCa
        {
            CaId = (short)(last + 1),
            Name = registration.Name,
            Certificate = Der.Encode(registration.Certificate),
            KeyHash = keyHash,
            LinkName = registration.Link,
            State = ServedCaState.Served,
            SignedPart = registration.SignedPart,
            SignatureForm = registration.SignatureForm,
            RegisteredAt = context.Now,
            ChangedAt = context.Now,
        });
        if (!isNew)
        {
            bool isKnown = await ServedCa.FindAsync(context.Transaction, registration.Name) is not null || await ServedCa.FindAsync(context.Transaction, keyHash) is not null;
            throw isKnown
                ? new RefusalException(Refusal.Duplicate, "该名称或密钥的CA已经登记。")
                : new RefusalException(Refusal.InProgress, "另一CA正在登记，请稍后重试。", RetryAfter);
        }

        await RecordAsync(context, Register, registration);
    }

    /// <summary>The same CA: with another message certificate before the old one ends, another link, other switches. Its keys stay its keys.</summary>
    private static async Task ChangeAsync(CommandContext context)
    {
        CaRegistration registration = context.Read<CaRegistration>();
        byte[] keyHash = Sm3.HashData(Der.Encode(registration.Certificate.Tbs.SubjectPublicKeyInfo));
        Require(
            await ServedCa.ChangeAsync(
                context.Transaction, registration.Name, Der.Encode(registration.Certificate), keyHash, registration.Link, registration.SignedPart, registration.SignatureForm, context.Now),
            Refusal.Duplicate,
            "该密钥的CA已经登记。");
        await RecordAsync(context, Change, registration);
    }

    private static Task RecordAsync(CommandContext context, string action, CaRegistration registration) =>
        context.RecordAsync(action, ObjectOf(registration.Name), reason: null, FieldsOf(registration));

    /// <summary>By which <see cref="CheckCas"/> knows the row again.</summary>
    public static IReadOnlyList<AuditField> FieldsOf(CaRegistration registration) =>
    [
        new AuditField.Octets("certificate", Sm3.HashData(Der.Encode(registration.Certificate))),
        new AuditField.Octets("key", Sm3.HashData(Der.Encode(registration.Certificate.Tbs.SubjectPublicKeyInfo))),
        new AuditField.Text("link", registration.Link),
        new AuditField.Text("signedPart", registration.SignedPart.ToString()),
        new AuditField.Text("signatureForm", registration.SignatureForm.ToString()),
    ];

    private static async Task CheckSwitchAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        Require(await ServedCa.FindAsync(context.Transaction, context.Read<CaSwitch>().Name) is not null, Refusal.NotFound, "没有该CA。");
    }

    private static async Task MoveAsync(CommandContext context, string action, ServedCaState from, ServedCaState to)
    {
        CaSwitch change = context.Read<CaSwitch>();
        Require(
            await ServedCa.MoveAsync(context.Transaction, change.Name, from, to, context.Now),
            Refusal.WrongState,
            to == ServedCaState.Frozen ? "该CA已被冻结。" : "该CA没有被冻结。");
        await context.RecordAsync(action, ObjectOf(change.Name), change.Reason);
    }

    private static AuditObject ObjectOf(string name) => new("ca", name);

    /// <summary>Who the CA is, both officers answer for: it may be another authority's, so its certificate's issuer is none that this KMC knows.</summary>
    private async Task CheckRegisterAsync(CommandContext context)
    {
        CaRegistration registration = await CheckAsync(context);
        Require(await ServedCa.FindAsync(context.Transaction, registration.Name) is null, Refusal.Duplicate, "该名称已经使用。");
    }

    private async Task CheckChangeAsync(CommandContext context)
    {
        CaRegistration registration = await CheckAsync(context);
        Require(await ServedCa.FindAsync(context.Transaction, registration.Name) is not null, Refusal.NotFound, "没有该CA。");
    }

    private async Task<CaRegistration> CheckAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        CaRegistration registration = context.Read<CaRegistration>();
        TbsCertificate certificate = registration.Certificate.Tbs;
        Require(registration.Name.Length <= MaxNameLength && registration.Link.Length <= MaxNameLength, Refusal.Malformed, $"CA名称和链路名称最多{MaxNameLength}个字符。");
        Require(certificate.SubjectPublicKeyInfo.TryGetSm2Key(out _), Refusal.BadPublicKey, "CA消息证书的公钥不是有效的SM2公钥。");
        Require(
            certificate.Extensions?.Find<KeyUsage>() is not { } usage || usage.Usages.HasFlag(KeyUsages.DigitalSignature),
            Refusal.SubjectNotAllowed,
            "CA消息证书不能用于签名。");
        Require(certificate.Validity.NotBefore.Value <= context.Now && context.Now <= certificate.Validity.NotAfter.Value, Refusal.Expired, "CA消息证书不在有效期内。");
        Require(
            service.Mode != ServiceMode.Production || !ServiceCertificates.IsDemo(registration.Certificate), Refusal.SubjectNotAllowed, "演示用的证书不能用于生产系统。");
        Require(
            await context.Transaction.GetAsync<long>(
                "SELECT COUNT(*) FROM registered_client WHERE name = @Link AND kind = @Kind AND enabled = 1", new { registration.Link, Kind = ClientKind.Ca }) > 0,
            Refusal.NotFound,
            "没有该名称的CA链路，请先接入链路证书。");

        // What it signs besides GM/T 0014 names the certificate's serial number alone, as officers' messages do.
        Require(
            (await ServedCa.ListAsync(context.Transaction)).All(each => each.Name == registration.Name || each.DecodeCertificate().Tbs.SerialNumber != certificate.SerialNumber)
                && !await OfficerDirectory.IsInOfficeAsync(context.Transaction, certificate.SerialNumber),
            Refusal.Duplicate,
            "该证书序列号已经使用。");
        return registration;
    }
}
