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

    /// <inheritdoc cref="SoftwareToken.Find"/>
    public TokenContainer? Find(string name) => _token.Find(name);

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

    /// <summary>
    /// Takes the answer to an order of a pair, or to a recovery: opens the envelope with the container's signing key, keeps what is in it, and signs the
    /// receipt. The same answer again changes nothing; another encryption pair stays beside the earlier ones, which go on opening what was encrypted to them.
    /// </summary>
    /// <param name="signing">For the container's signing key.</param>
    /// <param name="encryption">Of the same subject and issuer. In a recovery the earlier one, whose key was lost.</param>
    /// <param name="envelope">See <see cref="DeliveredEnvelope"/>.</param>
    /// <param name="pairId">16 bytes, as <see cref="DeliveryReceipt.Pair"/>.</param>
    /// <param name="issuerKeyId">SubjectKeyIdentifier of the CA.</param>
    /// <returns>
    /// The receipt. With <see cref="DeliveryOutcome.KeyMismatch"/> the envelope was for this container, but not the encryption certificate's key was in it, and nothing was kept.
    /// </returns>
    /// <exception cref="RefusalException">
    /// Nothing was kept: <see cref="Refusal.BadPublicKey"/> (the signing certificate or the envelope is for another key, or the container's is not SM2),
    /// <see cref="Refusal.Malformed"/> (certificates that do not belong together, or no envelope), <see cref="Refusal.Duplicate"/> (another certificate with that serial number),
    /// <see cref="Refusal.NotFound"/>, <see cref="Refusal.WrongState"/> (damaged).
    /// </exception>
    public SignedReceipt ImportPair(
        string container,
        Certificate signing,
        Certificate encryption,
        ReadOnlyMemory<byte> envelope,
        ReadOnlyMemory<byte> pairId,
        ReadOnlyMemory<byte> issuerKeyId)
    {
        // Step 1: what can be wrong without a secret.
        TokenContainer opened = RequireSm2(_token.Container(container));
        PairCertificates.Require(opened, signing, encryption, issuerKeyId);
        var delivered = DeliveredEnvelope.Parse(envelope);
        Time now = Time.Truncate(_time.GetUtcNow());

        // Step 2: the key, and whether it is the certificate's.
        using Sm2PrivateKey signer = OpenSm2(opened);
        using Sm2PrivateKey? key = delivered.Open(signer);
        bool matches = key is not null && SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()) == encryption.Tbs.SubjectPublicKeyInfo;

        // Step 3: the key first. A crash before the signing certificate leaves both pairs usable, and the same import ends what it began.
        if (matches)
        {
            using var pair = TokenKey.FromSm2(key!);
            opened.AddEncryption(_token.Document.Id, pair, _key, encryption);
            opened.Keep(signing);
        }

        // Step 4: only now the receipt, for who reads it erases the envelope.
        return SignedReceipt.Create(
            new DeliveryReceipt(
                pairId,
                issuerKeyId,
                signing.Tbs.SerialNumber,
                encryption.Tbs.SerialNumber,
                delivered.Digest,
                matches ? DeliveryOutcome.Accepted : DeliveryOutcome.KeyMismatch,
                now),
            signer);
    }

    /// <summary>Decrypts what was encrypted to one of the container's encryption certificates.</summary>
    /// <param name="serial">Of the certificate; null: the one that fits.</param>
    /// <returns>The caller zeroes it.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/> (no encryption key, or not that one), <see cref="Refusal.BadPublicKey"/> (it is for another key),
    /// <see cref="Refusal.Malformed"/> (its content was changed), <see cref="Refusal.WrongState"/> (damaged).
    /// </exception>
    public byte[] Decrypt(string container, Ciphertext cipher, SerialNumber? serial = null)
    {
        foreach (TokenPair pair in RequireEncryption(_token.Container(container), serial))
        {
            using TokenKey key = pair.Open(_token.Document.Id, _key);
            using Sm2PrivateKey opened = key.OpenSm2();
            if (cipher.TryDecrypt(opened) is { } plaintext)
            {
                return plaintext;
            }
        }

        throw new RefusalException(
            Refusal.BadPublicKey,
            $"密文不是用容器“{LabelText.Shown(container)}”的{(serial is null ? "任何一张加密证书" : $"加密证书 {serial} ")}加密的，或已损坏，无法解密。请核对令牌和容器，或向发件人重新索取。");
    }

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

    /// <summary>What a client of a service needs: a signer of its messages, and its link's certificate with its key.</summary>
    /// <param name="officer">Container with the officer's certificate.</param>
    /// <param name="link">Container with the link's certificate.</param>
    /// <exception cref="RefusalException">As <see cref="SignApproval"/>; <see cref="Refusal.WrongState"/>: there is no link certificate; <see cref="Refusal.BadPublicKey"/>: of another key than P-256.</exception>
    public TokenLogin OpenLogin(string officer, string link)
    {
        TokenContainer signing = RequireOfficerKey(_token.Container(officer), _time.GetUtcNow());
        TokenContainer linked = TokenLogin.Require(_token.Container(link));
        using TokenKey linkKey = linked.Open(_token.Document.Id, _key);
        return TokenLogin.Create(OpenSm2(signing), signing.Certificate!, linkKey, linked.Certificate!);
    }

    /// <summary>Signs the bytes of a statement, as hsm-sim and the ceremony take it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/>: its key is not SM2.</exception>
    public StatementSignature SignStatement(string container, ReadOnlySpan<byte> statement)
    {
        using Sm2PrivateKey key = OpenSm2(RequireSm2(_token.Container(container)));
        return StatementSignature.Create(statement, key);
    }

    /// <summary>The signing key. Demo tokens only.</summary>
    /// <param name="password">Not empty. The caller zeroes it.</param>
    /// <returns>PKCS #8 in PEM, ENCRYPTED PRIVATE KEY.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: it is no demo token.</exception>
    public string ExportPrivateKey(string container, ReadOnlySpan<char> password)
    {
        RequireDemo();
        using TokenKey key = Open(container);
        return Encrypt(key, password);
    }

    /// <summary>An encryption key. Demo tokens only.</summary>
    /// <param name="serial">Of its certificate; null: the one that became valid last.</param>
    /// <inheritdoc cref="ExportPrivateKey"/>
    public string ExportEncryptionKey(string container, ReadOnlySpan<char> password, SerialNumber? serial = null)
    {
        RequireDemo();
        using TokenKey key = RequireEncryption(_token.Container(container), serial)[0].Open(_token.Document.Id, _key);
        return Encrypt(key, password);
    }

    /// <summary>The signing key as it is, for what a demonstration leaves to other tools. Demo tokens only.</summary>
    /// <returns>DER of PKCS #8; the caller zeroes it where it matters.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: it is no demo token.</exception>
    public byte[] RevealPrivateKey(string container)
    {
        RequireDemo();
        using TokenKey key = Open(container);
        return key.Pkcs8.ToArray();
    }

    /// <summary>The encryption key whose certificate became valid last. Null: there is none.</summary>
    /// <inheritdoc cref="RevealPrivateKey"/>
    public byte[]? RevealEncryptionKey(string container)
    {
        RequireDemo();
        TokenContainer opened = _token.Container(container);
        if (opened.EncryptionPairs().Count == 0)
        {
            return null;
        }

        using TokenKey key = RequireEncryption(opened, null)[0].Open(_token.Document.Id, _key);
        return key.Pkcs8.ToArray();
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

    /// <returns>One at least.</returns>
    /// <param name="serial">Null: all.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.WrongState"/> (damaged).</exception>
    public static IReadOnlyList<TokenPair> RequireEncryption(TokenContainer container, SerialNumber? serial)
    {
        IReadOnlyList<TokenPair> all = container.EncryptionPairs();
        TokenPair[] fitting = [.. all.Where(pair => serial is null || pair.Certificate!.Tbs.SerialNumber == serial)];
        return fitting.Length > 0
            ? fitting
            : throw new RefusalException(
                Refusal.NotFound,
                all.Count == 0
                    ? $"容器“{container.Name}”没有加密密钥。请先用 zwca token import 导入加密证书及其密钥信封。"
                    : $"容器“{container.Name}”没有加密证书 {serial} 的密钥。已有：{string.Join("、", all.Select(pair => pair.Certificate!.Tbs.SerialNumber))}。");
    }

    private void RequireDemo()
    {
        if (!IsDemo)
        {
            throw new RefusalException(Refusal.NotAllowed, "只有演示令牌可以导出私钥；本令牌的私钥不得导出。");
        }
    }

    private static string Encrypt(TokenKey key, ReadOnlySpan<char> password) =>
        Pem.Encode(Pem.EncryptedPrivateKey, Der.Encode(EncryptedPrivateKeyInfo.Encrypt(Der.Decode<PrivateKeyInfo>(key.Pkcs8), password)));

    private Sm2PrivateKey OpenSm2(TokenContainer container)
    {
        using TokenKey key = container.Open(_token.Document.Id, _key);
        return key.OpenSm2();
    }

    private TokenKey Open(string container) => _token.Container(container).Open(_token.Document.Id, _key);
}
