using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>An enrollment whose parts fit each other: what applications are built from.</summary>
internal sealed record CheckedEnrollment
{
    public required EnrollmentKind Kind { get; init; }

    public required string ProfileName { get; init; }

    public required EnrollmentProfileOptions Profile { get; init; }

    public required Subscriber Subscriber { get; init; }

    public required EnrollmentContent Content { get; init; }

    /// <summary>Of the request; null where there is none.</summary>
    public SubjectPublicKeyInfo? Key { get; init; }

    /// <summary>That is followed or decided about; null: a new one.</summary>
    public IssuedCertificate? Certificate { get; init; }

    /// <summary>Of a recovery: the signing certificate to whose key the other one comes.</summary>
    public IssuedCertificate? Recipient { get; init; }

    /// <summary>SM3 of the key; null where there is none.</summary>
    public byte[]? KeyHash => Key is null ? null : Sm3.HashData(Der.Encode(Key));
}

/// <summary>What is known of what an enrollment names.</summary>
internal sealed record EnrollmentFacts
{
    public required Subscriber Subscriber { get; init; }

    /// <summary>That is followed or decided about; null: a new one.</summary>
    public IssuedCertificate? Certificate { get; init; }

    /// <summary>Of a recovery.</summary>
    public IssuedCertificate? Recipient { get; init; }

    /// <summary>Of the request; null where there is none.</summary>
    public SubjectPublicKeyInfo? Key { get; init; }

    /// <summary>Whether a certificate was issued for the key before.</summary>
    public bool IsKeyCertified { get; init; }
}

/// <summary>Whether what is applied for can be: when it is taken in or changed, and again when it is submitted. The CA has the last word; this tells the clerk while the applicant is there.</summary>
internal sealed class CheckEnrollment(Database database, EnrollmentProfiles profiles, SubscriberStore subscribers, TimeProvider time)
{
    private const int MaxDepartments = 4;
    private const int MaxDepartment = 64;
    private const int MaxNames = 32;

    private static readonly RevocationReason[] Reasons =
    [
        RevocationReason.Unspecified, RevocationReason.KeyCompromise, RevocationReason.AffiliationChanged, RevocationReason.Superseded, RevocationReason.CessationOfOperation,
        RevocationReason.PrivilegeWithdrawn,
    ];

    /// <param name="region">Where it is taken in: of whom it is and what it is about lie there.</param>
    /// <param name="profileName">Null: that of the certificate.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/>, <see cref="Refusal.UnknownProfile"/>, <see cref="Refusal.Malformed"/>, <see cref="Refusal.BadCsr"/>, <see cref="Refusal.BadPublicKey"/>, <see cref="Refusal.WrongState"/>,
    /// <see cref="Refusal.ValidityTooLong"/>, <see cref="Refusal.SubjectNotAllowed"/>.
    /// </exception>
    public async Task<CheckedEnrollment> RunAsync(
        EnrollmentKind kind, RegionCode region, string? profileName, byte[] subscriberId, CertificateName? certificate, EnrollmentContent content, CancellationToken cancellationToken)
    {
        // Step 1: of whom.
        Subscriber subscriber = await subscribers.FindAsync(subscriberId, cancellationToken) ?? throw new RefusalException(Refusal.NotFound, "没有该主体。");

        // Step 2: what it names besides.
        RequireParts(kind, certificate, content);
        IssuedCertificate? old = certificate is null ? null : await FindAsync(certificate, subscriberId, cancellationToken);
        IssuedCertificate? recipient = content.Recipient is null ? null : await FindAsync(content.Recipient, subscriberId, cancellationToken);
        SubjectPublicKeyInfo? key = content.Csr is null ? null : CsrKeys.Read(content.Csr);
        byte[] keyHash = key is null ? [] : Sm3.HashData(Der.Encode(key));
        bool isCertified = key is not null && await database.ReadAsync(transaction => IssuedCertificateStore.IsCertifiedAsync(transaction, keyHash), cancellationToken);

        // Step 3: whether that fits.
        return Check(kind, region, profileName, content, new EnrollmentFacts { Subscriber = subscriber, Certificate = old, Recipient = recipient, Key = key, IsKeyCertified = isCertified });
    }

    /// <inheritdoc cref="RunAsync"/>
    /// <param name="facts">As they were found: of many at once.</param>
    public CheckedEnrollment Check(EnrollmentKind kind, RegionCode region, string? profileName, EnrollmentContent content, EnrollmentFacts facts)
    {
        // Step 1: of whom.
        (Subscriber subscriber, IssuedCertificate? old) = (facts.Subscriber, facts.Certificate);
        Require(region.Covers(subscriber.Region), "该主体不属于受理区域，请在其所属区域受理，或先变更主体的区域。", Refusal.OutOfScope);

        // Step 2: what it follows, or is about.
        Require(profileName is null || old is null || profileName == old.Profile, "业务类型与原证书不同。");
        string name = old?.Profile ?? profileName ?? throw new RefusalException(Refusal.Malformed, "请选择业务类型。");
        EnrollmentProfileOptions profile = profiles.Get(name);
        Require(profile.Subscriber == subscriber.Kind, "该业务类型不适用于此类主体。", Refusal.SubjectNotAllowed);
        if (old is not null)
        {
            RequireState(kind, old);

            // What is decided about a certificate, the CA takes from where it was issued; who follows another may have moved.
            Require(
                kind is EnrollmentKind.Renew or EnrollmentKind.Rekey || region.Covers(RegionCode.Parse(old.Region)),
                $"原证书由区域{old.Region}受理，请在该区域或其上级办理。",
                Refusal.OutOfScope);
        }

        // Step 3: the key, where it has come: without one nothing is submitted.
        bool isForCertificate = IsForCertificate(kind);
        SubjectPublicKeyInfo? key = facts.Key;
        if (key is not null)
        {
            bool isSame = old is not null && old.KeyHash.AsSpan().SequenceEqual(Sm3.HashData(Der.Encode(key)));
            Require(kind != EnrollmentKind.Renew || isSame, "更新须使用原证书的密钥；更换密钥请办理换发。", Refusal.BadPublicKey);
            Require(kind == EnrollmentKind.Renew || !facts.IsKeyCertified, "该公钥已签发过证书，请用令牌重新生成密钥。", Refusal.BadPublicKey);
            Require(profile.Encryption is null || key.TryGetSm2Key(out _), "双证书须使用SM2密钥。", Refusal.BadPublicKey);
        }

        // Step 4: what goes into the certificate besides.
        Require(isForCertificate || (content.Days is null && content.Departments.Count == 0 && content.AlternativeNames.Count == 0), "此类业务不填写有效期、部门和备用名称。");
        Require(content.Days is null or > 0, "有效期应为正数。");
        Require(content.Days is null || content.Days <= profile.Days, $"有效期不得超过{profile.Days}天。", Refusal.ValidityTooLong);
        Require(content.Departments.Count <= MaxDepartments, $"部门最多{MaxDepartments}级。");
        Require(
            content.Departments.All(each => each is not null && VisibleText.Find(each, MaxDepartment) == each),
            $"部门名称有误：应为1至{MaxDepartment}个可见字符，前后无空格，不得含控制字符、方向控制符等不可见字符。");

        Require(content.AlternativeNames.Count <= MaxNames, $"备用名称最多{MaxNames}个。");
        _ = AlternativeNames.Read(content.AlternativeNames);

        // Step 5: why, and for whom the key is.
        Require(
            kind == EnrollmentKind.Revoke ? ReasonOf(content.RevocationReason) is { } reason && Reasons.Contains(reason) : content.RevocationReason is null,
            kind == EnrollmentKind.Revoke ? $"请填写吊销原因：{string.Join('、', Reasons.Select(NameOf))}之一。" : "此类业务不填写吊销原因。");
        Require(
            facts.Recipient is null || (facts.Recipient is { Half: CertificateHalf.Signing, State: CertificateState.Valid } && facts.Recipient.NotAfter > time.GetUtcNow()),
            "接收密钥的须是该主体有效的签名证书。",
            Refusal.WrongState);
        return new CheckedEnrollment
        {
            Kind = kind, ProfileName = name, Profile = profile, Subscriber = subscriber, Content = content, Key = key, Certificate = old, Recipient = facts.Recipient,
        };
    }

    /// <returns>The name that RFC 5280 §5.3.1 has for it.</returns>
    public static string NameOf(RevocationReason reason) => char.ToLowerInvariant(reason.ToString()[0]) + reason.ToString()[1..];

    /// <returns>Null: no such reason.</returns>
    public static RevocationReason? ReasonOf(string? name) => Reasons.Where(each => NameOf(each) == name).Select(each => (RevocationReason?)each).FirstOrDefault();

    private static bool IsForCertificate(EnrollmentKind kind) => kind is >= EnrollmentKind.New and <= EnrollmentKind.Replace;

    /// <summary>What has to be named, and what not.</summary>
    private static void RequireParts(EnrollmentKind kind, CertificateName? certificate, EnrollmentContent content)
    {
        Require((kind == EnrollmentKind.New) == (certificate is null), kind == EnrollmentKind.New ? "新办业务不填写原证书。" : "请填写原证书的签发者标识和序列号。");
        Require(IsForCertificate(kind) || content.Csr is null, "此类业务不附证书请求。");
        Require((kind == EnrollmentKind.Recovery) == (content.Recipient is not null), kind == EnrollmentKind.Recovery ? "请填写接收密钥的签名证书。" : "此类业务不填写接收证书。");
    }

    private async Task<IssuedCertificate> FindAsync(CertificateName reference, byte[] subscriberId, CancellationToken cancellationToken)
    {
        Require(IssuedCertificateStore.IsReference(reference.Issuer, reference.Serial), "证书的签发者标识和序列号应为小写十六进制数。");
        IssuedCertificate? found = await database.ReadAsync(transaction => IssuedCertificateStore.FindAsync(transaction, reference.Issuer, reference.Serial), cancellationToken);
        return found is not null && found.SubscriberId.AsSpan().SequenceEqual(subscriberId) && found.Half != CertificateHalf.Encryption
            ? found
            : throw new RefusalException(Refusal.NotFound, "该主体没有这张证书（双证书请填写签名证书）。");
    }

    private void RequireState(EnrollmentKind kind, IssuedCertificate certificate)
    {
        bool isRight = kind switch
        {
            EnrollmentKind.Renew or EnrollmentKind.Rekey or EnrollmentKind.Change or EnrollmentKind.Suspend => certificate.State == CertificateState.Valid,
            EnrollmentKind.Resume => certificate.State == CertificateState.Held,
            EnrollmentKind.Revoke => certificate.State is CertificateState.Valid or CertificateState.Held,

            // What is lost may have been held or revoked by then; a key is recovered of what has ended, too.
            EnrollmentKind.Replace => true,
            EnrollmentKind.Recovery => certificate.Half == CertificateHalf.Signing,
            _ => false,
        };
        string state = certificate.State switch { CertificateState.Revoked => "已吊销", CertificateState.Held => "已冻结", _ => "有效" };
        Require(isRight, kind == EnrollmentKind.Recovery ? "只有双证书才有可恢复的加密密钥。" : $"原证书{state}，不能办理此业务。", Refusal.WrongState);
        Require(
            kind is EnrollmentKind.Replace or EnrollmentKind.Recovery || certificate.NotAfter > time.GetUtcNow(),
            "原证书已过期，请新办。",
            Refusal.WrongState);
    }

    private static void Require(bool met, string detail, Refusal kind = Refusal.Malformed)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
