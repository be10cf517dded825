using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>As <see cref="SignatureCheck"/>, of a message that is too long to be held.</summary>
internal static class DigestSignature
{
    /// <param name="digest">For SM2 e = SM3(Z ‖ message).</param>
    /// <param name="signature">The content of signatureValue.</param>
    public static bool Holds(SubjectPublicKeyInfo signer, AlgorithmIdentifier algorithm, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (signer.TryGetSm2Key(out Sm2PublicKey? key))
        {
            return key.VerifyDigest(digest, Der.Decode<Sm2Signature>(signature.ToArray()).Raw.Span);
        }

        if (signer.Algorithm != AlgorithmIdentifier.Rsa)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(signer), out _);
            return ecdsa.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(signer), out _);
        HashAlgorithmName hash = digest.Length switch
        {
            SHA384.HashSizeInBytes => HashAlgorithmName.SHA384,
            SHA512.HashSizeInBytes => HashAlgorithmName.SHA512,
            _ => HashAlgorithmName.SHA256,
        };
        return rsa.VerifyHash(digest, signature, hash, algorithm.Algorithm == Oids.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }
}
