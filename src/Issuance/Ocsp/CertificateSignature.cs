using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>Whether a certificate is signed by a key, in one of the ways in which we sign.</summary>
internal static class CertificateSignature
{
    private static readonly (AlgorithmIdentifier Algorithm, HashAlgorithmName Hash, RSASignaturePadding Padding)[] RsaSchemes =
    [
        (AlgorithmIdentifier.Sha256WithRsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        (AlgorithmIdentifier.Sha384WithRsa, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        (AlgorithmIdentifier.Sha512WithRsa, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        (AlgorithmIdentifier.RsaPss(Oids.Sha256, 32), HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        (AlgorithmIdentifier.RsaPss(Oids.Sha384, 48), HashAlgorithmName.SHA384, RSASignaturePadding.Pss),
        (AlgorithmIdentifier.RsaPss(Oids.Sha512, 64), HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
    ];

    public static bool Holds(Certificate certificate, SubjectPublicKeyInfo key)
    {
        if (!certificate.AlgorithmsAgree)
        {
            return false;
        }

        try
        {
            return key.TryGetSm2Key(out Sm2PublicKey? sm2Key) ? HoldsSm2(certificate, sm2Key)
                : key.Algorithm == AlgorithmIdentifier.Rsa ? HoldsRsa(certificate, key)
                : HoldsEcdsa(certificate, key);
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            // A signature or a key that cannot be read.
            return false;
        }
    }

    private static bool HoldsSm2(Certificate certificate, Sm2PublicKey key) =>
        certificate.SignatureAlgorithm == AlgorithmIdentifier.Sm3WithSm2
        && key.Verify(certificate.TbsBytes.Span, Der.Decode<Sm2Signature>(certificate.Signature).Raw.Span);

    private static bool HoldsEcdsa(Certificate certificate, SubjectPublicKeyInfo key)
    {
        if (certificate.SignatureAlgorithm != AlgorithmIdentifier.EcdsaWithSha256)
        {
            return false;
        }

        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        return ecdsa.VerifyData(certificate.TbsBytes.Span, certificate.Signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private static bool HoldsRsa(Certificate certificate, SubjectPublicKeyInfo key)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        foreach ((AlgorithmIdentifier algorithm, HashAlgorithmName hash, RSASignaturePadding padding) in RsaSchemes)
        {
            if (certificate.SignatureAlgorithm == algorithm)
            {
                return rsa.VerifyData(certificate.TbsBytes.Span, certificate.Signature.Span, hash, padding);
            }
        }

        return false;
    }
}
