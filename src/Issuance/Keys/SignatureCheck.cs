using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>Whether a CA's signature holds: of certificates, CRLs and OCSP responses as we make them. Pure; safe for concurrent use.</summary>
public static class SignatureCheck
{
    /// <summary>SM2 with SM3 under the default identity, ECDSA on P-256 with SHA-256, RSA PKCS #1 v1.5 and PSS with SHA-256, SHA-384 or SHA-512.</summary>
    /// <param name="signature">The content of signatureValue.</param>
    /// <returns>False also for a key, an algorithm or a form that is none of these.</returns>
    public static bool Holds(SubjectPublicKeyInfo signer, AlgorithmIdentifier algorithm, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(algorithm);
        try
        {
            if (algorithm == AlgorithmIdentifier.Sm3WithSm2)
            {
                return signer.TryGetSm2Key(out Sm2PublicKey? key) && Holds(key, message, signature);
            }

            if (algorithm == AlgorithmIdentifier.EcdsaWithSha256)
            {
                using var ecdsa = ECDsa.Create();
                ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(signer), out _);
                return signer.NamedCurve == Oids.P256 && ecdsa.VerifyData(message.Span, signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            }

            if (FindRsa(algorithm) is not { } scheme)
            {
                return false;
            }

            using var rsa = RSA.Create();
            rsa.ImportSubjectPublicKeyInfo(Der.Encode(signer), out _);
            return rsa.VerifyData(message.Span, signature.Span, scheme.Hash, scheme.Padding);
        }
        catch (Exception e) when (e is CryptographicException or DerException)
        {
            // A key or signature that cannot be read proves nothing.
            return false;
        }
    }

    /// <summary>For an SM2 key that is kept, because <see cref="Sm2PublicKey.Prepare"/> more than doubles the speed.</summary>
    internal static bool Holds(Sm2PublicKey signer, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature)
    {
        try
        {
            return signer.Verify(message.Span, Der.Decode<Sm2Signature>(signature).Raw.Span);
        }
        catch (DerException)
        {
            return false;
        }
    }

    private static (HashAlgorithmName Hash, RSASignaturePadding Padding)? FindRsa(AlgorithmIdentifier algorithm) =>
        algorithm == AlgorithmIdentifier.Sha256WithRsa ? (HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        : algorithm == AlgorithmIdentifier.Sha384WithRsa ? (HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1)
        : algorithm == AlgorithmIdentifier.Sha512WithRsa ? (HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)
        : algorithm == AlgorithmIdentifier.RsaPss(Oids.Sha256, 32) ? (HashAlgorithmName.SHA256, RSASignaturePadding.Pss)
        : algorithm == AlgorithmIdentifier.RsaPss(Oids.Sha384, 48) ? (HashAlgorithmName.SHA384, RSASignaturePadding.Pss)
        : algorithm == AlgorithmIdentifier.RsaPss(Oids.Sha512, 64) ? (HashAlgorithmName.SHA512, RSASignaturePadding.Pss)
        : null;
}
