using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;

namespace ZwCa.Admin.Token;

/// <summary>A token whose PIN was given, until it is disposed. What its token.json says is proven. One thread at a time.</summary>
internal sealed class UnlockedToken : IDisposable
{
    private readonly SoftwareToken _token;
    private readonly MasterKey _key;
    private readonly TimeProvider _time;

    /// <param name="key">Owned from here on.</param>
    internal UnlockedToken(SoftwareToken token, MasterKey key, TimeProvider time)
    {
        _token = token;
        _key = key;
        _time = time;
    }

    public string Label => _token.Label;

    public bool IsDemo => _token.IsDemo;

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: one is damaged.</exception>
    public IReadOnlyList<TokenContainer> Containers => [.. _token.ContainerNames.Select(_token.Container)];

    /// <summary>Makes a key pair under a new name.</summary>
    /// <param name="name">See <see cref="LabelText.RequireContainer"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/> (name), <see cref="Refusal.Duplicate"/>.</exception>
    public TokenContainer CreateContainer(string name, TokenKeyKind kind)
    {
        LabelText.RequireContainer(name);
        using TokenKey key = TokenKey.Generate(kind);
        TokenContainer.Create(_token.Containers, name, _token.Document.Id, key, _key);
        return _token.Container(name);
    }

    /// <inheritdoc cref="SoftwareToken.ImportCertificate"/>
    public TokenContainer ImportCertificate(string name, Certificate certificate) => _token.ImportCertificate(name, certificate);

    /// <summary>PKCS #10 for the container's key, without attributes. The CA takes the public key from it and nothing else.</summary>
    public CertificationRequest CreateRequest(string container, Name subject)
    {
        using TokenKey key = Open(container);
        byte[] info = Der.Encode(new CertificationRequestInfo(subject, key.PublicKey));
        return CertificationRequest.Assemble(info, key.SignatureAlgorithm, key.Sign(info));
    }

    /// <inheritdoc cref="TokenKey.Sign"/>
    public byte[] Sign(string container, ReadOnlySpan<byte> message)
    {
        using TokenKey key = Open(container);
        return key.Sign(message);
    }

    /// <summary>The officer's decision over these applications, now, with the container's certificate.</summary>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.WrongState"/>: the container has no certificate, or one that is not valid now; <see cref="Refusal.BadPublicKey"/>: its key is not SM2.
    /// </exception>
    public Approval SignApproval(string container, ApprovalStep step, IReadOnlyList<Application> applications)
    {
        DateTimeOffset now = _time.GetUtcNow();
        TokenContainer opened = RequireOfficerKey(_token.Container(container), now);
        using Sm2PrivateKey key = OpenSm2(opened);
        return ApprovalSigning.Sign(ApprovalSigning.Build(step, applications, now), key, opened.Certificate!);
    }

    /// <summary>Signs the bytes of a statement, as hsm-sim and the ceremony take it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>: its key is not SM2.</exception>
    public StatementSignature SignStatement(string container, ReadOnlySpan<byte> statement)
    {
        using Sm2PrivateKey key = OpenSm2(RequireSm2(_token.Container(container)));
        return StatementSignature.Create(statement, key);
    }

    /// <summary>Demo tokens only.</summary>
    /// <param name="password">Not empty. The caller zeroes it.</param>
    /// <returns>PKCS #8 in PEM, ENCRYPTED PRIVATE KEY.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: it is no demo token.</exception>
    public string ExportPrivateKey(string container, ReadOnlySpan<char> password)
    {
        if (!IsDemo)
        {
            throw new RefusalException(Refusal.NotAllowed, "只有演示令牌可以导出私钥；本令牌的私钥不得导出。");
        }

        using TokenKey key = Open(container);
        return Pem.Encode(Pem.EncryptedPrivateKey, Der.Encode(EncryptedPrivateKeyInfo.Encrypt(Der.Decode<PrivateKeyInfo>(key.Pkcs8), password)));
    }

    public void Dispose() => _key.Dispose();

    /// <summary>What can be said about an approval by this container before the PIN is asked for.</summary>
    /// <exception cref="RefusalException">As for <see cref="SignApproval"/>.</exception>
    public static TokenContainer RequireOfficerKey(TokenContainer container, DateTimeOffset now)
    {
        RequireSm2(container);
        Validity validity = container.Certificate?.Tbs.Validity
            ?? throw new RefusalException(Refusal.WrongState, $"容器“{container.Name}”还没有证书，不能签署审批意见。请先用 zwca token import 导入人员证书。");
        return validity.NotBefore.Value <= now && now <= validity.NotAfter.Value
            ? container
            : throw new RefusalException(Refusal.WrongState, $"容器“{container.Name}”的证书现在不在有效期内（{LabelText.Shown(validity)}），不能签署。请检查系统时间，或换发证书。");
    }

    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>.</exception>
    public static TokenContainer RequireSm2(TokenContainer container) => container.Kind == TokenKeyKind.Sm2
        ? container
        : throw new RefusalException(Refusal.BadPublicKey, $"容器“{container.Name}”的密钥不是SM2，不能签署审批意见或声明。请使用SM2容器。");

    private Sm2PrivateKey OpenSm2(TokenContainer container)
    {
        using TokenKey key = container.Open(_token.Document.Id, _key);
        return key.OpenSm2();
    }

    private TokenKey Open(string container) => _token.Container(container).Open(_token.Document.Id, _key);
}
