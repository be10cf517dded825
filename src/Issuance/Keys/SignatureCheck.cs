using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// Whether a CA's signature holds, in one of the ways in which we sign: SM2 with SM3 under the default identity, ECDSA on P-256 with SHA-256, RSA with SHA-256, SHA-384 or
/// SHA-512. Pure; safe for concurrent use.
/// </summary>
public sealed class SignatureCheck
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

    /// <summary>Null: another algorithm.</summary>
    private readonly Sm2PublicKey? _sm2Key;

    public SignatureCheck(SubjectPublicKeyInfo key, AlgorithmIdentifier algorithm)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(algorithm);
        _key = key;
        _algorithm = algorithm;
        key.TryGetSm2Key(out _sm2Key);
    }

    /// <summary>For many signatures of one key: <see cref="Sm2PublicKey.Prepare"/>.</summary>
    /// <returns>This.</returns>
    public SignatureCheck Prepare()
    {
        _sm2Key?.Prepare();
        return this;
    }

    /// <param name="signature">As in signatureValue.</param>
    /// <returns>False also for a key, an algorithm or a form that is none of these.</returns>
    public static bool Holds(SubjectPublicKeyInfo key, AlgorithmIdentifier algorithm, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature) =>
        new SignatureCheck(key, algorithm).Holds(message.Span, signature);

    /// <param name="signature">As in signatureValue.</param>
    public bool Holds(ReadOnlySpan<byte> message, ReadOnlyMemory<byte> signature) => Holds(message, isDigest: false, signature);

    /// <summary>Of a message that is too long to be held.</summary>
    /// <param name="digest">For SM2 e = SM3(Z ‖ message), otherwise the hash that the algorithm names.</param>
    /// <param name="signature">As in signatureValue.</param>
    public bool HoldsDigest(ReadOnlySpan<byte> digest, ReadOnlyMemory<byte> signature) => Holds(digest, isDigest: true, signature);

    /// <summary>For the digest of a message that is too long to be held.</summary>
    /// <returns>Null: a key or an algorithm that is none of these, so no signature holds.</returns>
    internal SignedDigest? BeginMessage()
    {
        if (_sm2Key is not null)
        {
            return _algorithm == AlgorithmIdentifier.Sm3WithSm2 ? new SignedDigest(_sm2Key) : null;
        }

        if (_key.Algorithm != AlgorithmIdentifier.Rsa)
        {
            return _algorithm == AlgorithmIdentifier.EcdsaWithSha256 && _key.NamedCurve == Oids.P256 ? new SignedDigest(HashAlgorithmName.SHA256) : null;
        }

        foreach ((AlgorithmIdentifier algorithm, HashAlgorithmName hash, _) in RsaSchemes)
        {
            if (_algorithm == algorithm)
            {
                return new SignedDigest(hash);
            }
        }

        return null;
    }

    private bool Holds(ReadOnlySpan<byte> signed, bool isDigest, ReadOnlyMemory<byte> signature)
    {
        try
        {
            return _sm2Key is not null ? _algorithm == AlgorithmIdentifier.Sm3WithSm2 && HoldsSm2(_sm2Key, signed, isDigest, Der.Decode<Sm2Signature>(signature).Raw.Span)
                : _key.Algorithm == AlgorithmIdentifier.Rsa ? HoldsRsa(signed, isDigest, signature.Span)
                : _algorithm == AlgorithmIdentifier.EcdsaWithSha256 && _key.NamedCurve == Oids.P256 && HoldsEcdsa(signed, isDigest, signature.Span);
        }
        catch (Exception e) when (e is DerException or CryptographicException)
        {
            // A signature that cannot be read.
            return false;
        }
    }

    private static bool HoldsSm2(Sm2PublicKey key, ReadOnlySpan<byte> signed, bool isDigest, ReadOnlySpan<byte> signature) =>
        isDigest ? key.VerifyDigest(signed, signature) : key.Verify(signed, signature);

    private bool HoldsEcdsa(ReadOnlySpan<byte> signed, bool isDigest, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(_key), out _);
        return isDigest
            ? ecdsa.VerifyHash(signed, signature, DSASignatureFormat.Rfc3279DerSequence)
            : ecdsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    private bool HoldsRsa(ReadOnlySpan<byte> signed, bool isDigest, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(_key), out _);
        foreach ((AlgorithmIdentifier algorithm, HashAlgorithmName hash, RSASignaturePadding padding) in RsaSchemes)
        {
            if (_algorithm == algorithm)
            {
                return isDigest ? rsa.VerifyHash(signed, signature, hash, padding) : rsa.VerifyData(signed, signature, hash, padding);
            }
        }

        return false;
    }
}
