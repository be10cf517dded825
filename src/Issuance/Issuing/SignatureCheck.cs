using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>Whether a signature holds, in one of the ways in which we sign. Safe for concurrent use.</summary>
internal sealed class SignatureCheck
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

    private readonly SubjectPublicKeyInfo _key;
    private readonly AlgorithmIdentifier _algorithm;

    /// <summary>Kept, because a known key verifies twice as fast.</summary>
    private readonly Sm2PublicKey? _sm2Key;

    public SignatureCheck(SubjectPublicKeyInfo key, AlgorithmIdentifier algorithm)
    {
        _key = key;
        _algorithm = algorithm;
        key.TryGetSm2Key(out _sm2Key);
    }

    /// <param name="signature">As in signatureValue.</param>
    public bool Holds(ReadOnlySpan<byte> message, ReadOnlyMemory<byte> signature)
    {
        try
        {
            return _sm2Key is not null ? _algorithm == AlgorithmIdentifier.Sm3WithSm2 && _sm2Key.Verify(message, Der.Decode<Sm2Signature>(signature).Raw.Span)
                : _key.Algorithm == AlgorithmIdentifier.Rsa ? HoldsRsa(message, signature.Span)
                : _algorithm == AlgorithmIdentifier.EcdsaWithSha256 && HoldsEcdsa(message, signature.Span);
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            // A signature that cannot be read.
            return false;
        }
    }

    private bool HoldsEcdsa(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(_key), out _);
        return ecdsa.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private bool HoldsRsa(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(_key), out _);
        foreach ((AlgorithmIdentifier algorithm, HashAlgorithmName hash, RSASignaturePadding padding) in RsaSchemes)
        {
            if (_algorithm == algorithm)
            {
                return rsa.VerifyData(message, signature, hash, padding);
            }
        }

        return false;
    }
}
