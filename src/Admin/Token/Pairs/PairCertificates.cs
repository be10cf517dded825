using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;

namespace ZwCa.Admin.Token;

/// <summary>The two certificates of an answer, before the envelope is opened. Who signed them is not asked here: the token has no trust anchors, as a USB key has none.</summary>
internal static class PairCertificates
{
    /// <param name="issuerKeyId">What an AuthorityKeyIdentifier has to say, where there is one.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.BadPublicKey"/> (not for the container's signing key, or the encryption certificate's key is not SM2), <see cref="Refusal.Malformed"/> (they do not belong together).
    /// </exception>
    public static void Require(TokenContainer container, Certificate signing, Certificate encryption, ReadOnlyMemory<byte> issuerKeyId)
    {
        if (signing.Tbs.SubjectPublicKeyInfo != container.PublicKey)
        {
            throw new RefusalException(
                Refusal.BadPublicKey,
                $"签名证书的公钥（指纹 {TokenContainer.FingerprintOf(signing.Tbs.SubjectPublicKeyInfo)}）不是容器“{container.Name}”的公钥（指纹 {container.Fingerprint}），未导入。请核对令牌、容器和证书。");
        }

        if (!encryption.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out _))
        {
            throw new RefusalException(Refusal.BadPublicKey, "加密证书的公钥不是SM2，未导入。请核对证书。");
        }

        if (!AreOfOne(signing.Tbs.Subject, encryption.Tbs.Subject) || signing.Tbs.Issuer != encryption.Tbs.Issuer || signing.Tbs.SerialNumber == encryption.Tbs.SerialNumber)
        {
            throw Refused("签名证书与加密证书的主体或签发者不同，或序列号相同，不是同一用户的一对证书，未导入。请核对文件。");
        }

        // An encryption certificate that may sign, or the two exchanged, is no pair of the dual-certificate system.
        if (MayBeUsed(encryption, KeyUsage.Signing) || MayBeUsed(signing, KeyUsage.Encryption))
        {
            throw Refused("两张证书的密钥用途与签名、加密不符，未导入。请核对文件是否写反。");
        }

        if (!NamesNoOther(signing, issuerKeyId) || !NamesNoOther(encryption, issuerKeyId))
        {
            throw Refused("两张证书不是同一CA密钥签发的，未导入。请核对文件。");
        }
    }

    /// <returns>What the certificate says of its issuer's key; null: nothing.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static ReadOnlyMemory<byte>? IssuerKeyId(Certificate certificate) => Find<AuthorityKeyIdentifier>(certificate)?.KeyIdentifier;

    /// <summary>The same subject; or the same entity in it (serialNumber), for whose recovered key comes may work elsewhere by now.</summary>
    private static bool AreOfOne(Name signing, Name encryption) =>
        signing == encryption || (signing.Texts(Oids.SerialNumber).ToArray() is [{ Length: > 0 } entity] && encryption.Texts(Oids.SerialNumber).ToArray() is [var other] && entity == other);

    private static bool NamesNoOther(Certificate certificate, ReadOnlyMemory<byte> issuerKeyId) =>
        IssuerKeyId(certificate) is not { } named || named.Span.SequenceEqual(issuerKeyId.Span);

    private static bool MayBeUsed(Certificate certificate, KeyUsage use) => Find<KeyUsage>(certificate) is { } there && (there.Usages & use.Usages) != 0;

    private static T? Find<T>(Certificate certificate)
        where T : class, IExtensionValue<T>
    {
        try
        {
            return certificate.Tbs.Extensions?.Find<T>();
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "证书的扩展项已损坏，未导入。请向签发方重新索取。", inner: e);
        }
    }

    private static RefusalException Refused(string detail) => new(Refusal.Malformed, detail);
}
