using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>The key of a certification request whose sender has the private key. The CA looks again, and at more: this tells the clerk while the applicant is still there.</summary>
internal static class CsrKeys
{
    private const int MaxLength = 16 * 1024;

    private static readonly Dictionary<string, HashAlgorithmName> RsaHashes = new()
    {
        [Oids.Sha256WithRsa] = HashAlgorithmName.SHA256,
        [Oids.Sha384WithRsa] = HashAlgorithmName.SHA384,
        [Oids.Sha512WithRsa] = HashAlgorithmName.SHA512,
    };

    /// <param name="bytes">DER of PKCS #10.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.BadCsr"/>: too long, none, or its signature does not hold.</exception>
    public static SubjectPublicKeyInfo Read(byte[]? bytes)
    {
        Require(bytes is { Length: > 0 and <= MaxLength }, "该业务须附证书请求（PKCS#10，DER编码，不超过16KiB）。");
        CertificationRequest csr;
        try
        {
            csr = Der.Decode<CertificationRequest>(bytes);
            Require(HasSigned(csr), "证书请求的签名无效：请求者未证明持有私钥。请用令牌重新生成证书请求。");
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            throw new RefusalException(Refusal.BadCsr, "不是有效的证书请求（PKCS#10）。请用令牌的工具重新生成。", inner: e);
        }

        return csr.Info.SubjectPublicKeyInfo;
    }

    /// <returns>Whether the key made a signature over the data: SM2 under the default identity, DER; or RSA PKCS #1 v1.5 with SHA-256.</returns>
    public static bool Verify(SubjectPublicKeyInfo key, ReadOnlySpan<byte> data, byte[] signature)
    {
        try
        {
            if (key.TryGetSm2Key(out Sm2PublicKey? sm2))
            {
                return sm2.Verify(data, Der.Decode<Sm2Signature>(signature).Raw.Span);
            }

            using RSA rsa = OpenRsa(key);
            return rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            return false;
        }
    }

    private static bool HasSigned(CertificationRequest csr)
    {
        SubjectPublicKeyInfo key = csr.Info.SubjectPublicKeyInfo;
        if (key.TryGetSm2Key(out Sm2PublicKey? sm2))
        {
            ReadOnlySpan<byte> raw = Der.Decode<Sm2Signature>(csr.Signature).Raw.Span;

            // Older openssl signs under the empty identity; whether that is taken, the CA's profile says.
            return sm2.Verify(csr.InfoBytes.Span, raw) || sm2.Verify(csr.InfoBytes.Span, raw, []);
        }

        if (!RsaHashes.TryGetValue(csr.SignatureAlgorithm.Algorithm, out HashAlgorithmName hash))
        {
            return false;
        }

        using RSA rsa = OpenRsa(key);
        return rsa.VerifyData(csr.InfoBytes.Span, csr.Signature.Span, hash, RSASignaturePadding.Pkcs1);
    }

    private static RSA OpenRsa(SubjectPublicKeyInfo key)
    {
        var rsa = RSA.Create();
        try
        {
            rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
            return rsa;
        }
        catch
        {
            rsa.Dispose();
            throw;
        }
    }

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.BadCsr, detail);
        }
    }
}
