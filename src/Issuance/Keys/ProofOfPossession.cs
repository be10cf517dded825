using System.Formats.Asn1;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// The public key of a certification request whose sender holds the private key. It is all that a request contributes: names, extensions and attributes in it
/// are never looked at; the subject comes from the RA's registration.
/// </summary>
public sealed class CsrKey
{
    internal CsrKey(SubjectPublicKeyInfo publicKey, bool usesEmptyId)
    {
        PublicKey = publicKey;
        UsesEmptyId = usesEmptyId;
    }

    /// <summary>Of the right form; whether it is weak, <see cref="KeyQuality.Require"/> says.</summary>
    public SubjectPublicKeyInfo PublicKey { get; }

    /// <summary>The SM2 signature holds under the empty identity instead of the default one. For the log.</summary>
    public bool UsesEmptyId { get; }
}

/// <summary>Verifies a request's signature by the key in it (RFC 2986 §3). Pure; safe for concurrent use.</summary>
public static class ProofOfPossession
{
    /// <summary>A request with the longest RSA key and signature that are accepted has some 2.5 KiB.</summary>
    public const int MaxRequestLength = 16 * 1024;

    private static readonly byte[] DerNull = [0x05, 0x00];

    // RFC 4055 §5: NULL is to be written, and its absence to be accepted.
    private static readonly (string Algorithm, HashAlgorithmName Hash)[] Pkcs1Schemes =
    [
        (Oids.Sha256WithRsa, HashAlgorithmName.SHA256), (Oids.Sha384WithRsa, HashAlgorithmName.SHA384), (Oids.Sha512WithRsa, HashAlgorithmName.SHA512),
    ];

    private static readonly (string Algorithm, HashAlgorithmName Hash, int Length)[] PssHashes =
    [
        (Oids.Sha256, HashAlgorithmName.SHA256, 32), (Oids.Sha384, HashAlgorithmName.SHA384, 48), (Oids.Sha512, HashAlgorithmName.SHA512, 64),
    ];

    /// <summary>
    /// SM2 with SM3 under the default identity; ECDSA on P-256 with SHA-256; RSA with SHA-256, SHA-384 or SHA-512, PKCS #1 v1.5 or PSS with MGF1 over
    /// the same hash and a salt as long as the hash: what .NET verifies. openssl makes a longer one unless told <c>rsa_pss_saltlen:-1</c>.
    /// </summary>
    /// <param name="allowEmptyId">
    /// Also takes SM2 signatures under the empty identity: openssl 1.1.1 to 3.x makes them unless told otherwise. For profiles that say so.
    /// </param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.BadPublicKey"/>: the form of the key; <see cref="Refusal.BadCsr"/>: too long, an algorithm that is not accepted or does not fit
    /// the key, or a signature that does not hold.
    /// </exception>
    public static CsrKey Verify(CertificationRequest csr, bool allowEmptyId)
    {
        ArgumentNullException.ThrowIfNull(csr);
        if (csr.InfoBytes.Length + csr.Signature.Length > MaxRequestLength)
        {
            throw CsrFile.TooLong();
        }

        SubjectPublicKeyInfo key = csr.Info.SubjectPublicKeyInfo;
        KeyQuality.RequireForm(key);
        if (key.TryGetSm2Key(out Sm2PublicKey? sm2Key))
        {
            return new CsrKey(key, VerifySm2(csr, sm2Key, allowEmptyId));
        }

        bool holds = key.Algorithm == AlgorithmIdentifier.Rsa ? VerifyRsa(csr, key) : VerifyEcdsa(csr, key);
        return holds ? new CsrKey(key, usesEmptyId: false) : throw BadSignature();
    }

    /// <returns>Whether the identity is the empty one.</returns>
    private static bool VerifySm2(CertificationRequest csr, Sm2PublicKey key, bool allowEmptyId)
    {
        // Tolerance: NULL parameters, as GM/T 0015-2012 annex D has them.
        AlgorithmIdentifier algorithm = csr.SignatureAlgorithm;
        if (algorithm.Algorithm != Oids.Sm3WithSm2 || algorithm.Parameters is { } parameters && !parameters.Span.SequenceEqual(DerNull))
        {
            throw WrongAlgorithm();
        }

        ReadOnlySpan<byte> signature = DecodeSignature(csr.Signature).Raw.Span;
        if (key.Verify(csr.InfoBytes.Span, signature))
        {
            return false;
        }

        if (!key.Verify(csr.InfoBytes.Span, signature, []))
        {
            throw BadSignature();
        }

        return allowEmptyId ? true : throw new RefusalException(
            Refusal.BadCsr,
            "证书申请以空的SM2签名者标识签名，此证书模板不接受。请以默认标识1234567812345678重新签名（openssl：-sigopt distid:1234567812345678）。");
    }

    private static Sm2Signature DecodeSignature(ReadOnlyMemory<byte> signature)
    {
        try
        {
            return Der.Decode<Sm2Signature>(signature);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.BadCsr, "证书申请的签名编码不正确（应为SM2签名的DER编码）。请检查生成申请的软件并重新生成。", inner: e);
        }
    }

    private static bool VerifyEcdsa(CertificationRequest csr, SubjectPublicKeyInfo key)
    {
        if (csr.SignatureAlgorithm != AlgorithmIdentifier.EcdsaWithSha256)
        {
            throw WrongAlgorithm();
        }

        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        return ecdsa.VerifyData(csr.InfoBytes.Span, csr.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private static bool VerifyRsa(CertificationRequest csr, SubjectPublicKeyInfo key)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        (HashAlgorithmName hash, RSASignaturePadding padding) = RsaScheme(csr.SignatureAlgorithm) ?? throw WrongAlgorithm();
        return rsa.VerifyData(csr.InfoBytes.Span, csr.Signature.Span, hash, padding);
    }

    private static (HashAlgorithmName Hash, RSASignaturePadding Padding)? RsaScheme(AlgorithmIdentifier algorithm)
    {
        foreach ((string oid, HashAlgorithmName hash) in Pkcs1Schemes)
        {
            if (algorithm == new AlgorithmIdentifier(oid, DerNull) || algorithm == new AlgorithmIdentifier(oid))
            {
                return (hash, RSASignaturePadding.Pkcs1);
            }
        }

        if (algorithm.Algorithm != Oids.RsaPss)
        {
            return null;
        }

        // Each accepted form is written and compared: what is none of them need not be understood.
        foreach ((string oid, HashAlgorithmName hash, int length) in PssHashes)
        {
            if (algorithm == AlgorithmIdentifier.RsaPss(oid, length) || algorithm == RsaPssWithoutNull(oid, length))
            {
                return (hash, RSASignaturePadding.Pss);
            }
        }

        return null;
    }

    /// <summary>RSASSA-PSS with absent parameters of the hash, as .NET writes it (RFC 4055 §2.1 allows both).</summary>
    private static AlgorithmIdentifier RsaPssWithoutNull(string hash, int saltLength)
    {
        var hashAlgorithm = new AlgorithmIdentifier(hash);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                hashAlgorithm.Write(writer);
            }

            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1)))
            {
                new AlgorithmIdentifier(Oids.Mgf1, Der.Encode(hashAlgorithm)).Write(writer);
            }

            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 2)))
            {
                writer.WriteInteger(saltLength);
            }
        }

        return new AlgorithmIdentifier(Oids.RsaPss, writer.Encode());
    }

    private static RefusalException WrongAlgorithm() => new(
        Refusal.BadCsr,
        "证书申请的签名算法不被接受或与公钥不符：SM2公钥应为SM3withSM2，P-256公钥应为ECDSA-SHA256，"
        + "RSA公钥应为SHA-256、SHA-384或SHA-512（PKCS#1 v1.5，或盐长等于杂凑长度的PSS）。请改用相应算法重新生成证书申请。");

    private static RefusalException BadSignature() =>
        new(Refusal.BadCsr, "证书申请的签名验证未通过，不能证明申请者持有私钥。请用与公钥对应的私钥重新生成证书申请。");
}
