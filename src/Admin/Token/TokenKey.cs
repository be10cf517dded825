using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Token;

/// <summary>What a container's key pair is.</summary>
internal enum TokenKeyKind
{
    Sm2,
    P256,
    Rsa2048,
}

/// <summary>A private key of a container, opened.</summary>
internal sealed class TokenKey : IDisposable
{
    private const int RsaBits = 2048;

    private readonly byte[] _pkcs8;

    /// <param name="pkcs8">DER of a PrivateKeyInfo; kept, and zeroed by <see cref="Dispose"/>.</param>
    public TokenKey(TokenKeyKind kind, SubjectPublicKeyInfo publicKey, byte[] pkcs8)
    {
        Kind = kind;
        PublicKey = publicKey;
        _pkcs8 = pkcs8;
    }

    public TokenKeyKind Kind { get; }

    public SubjectPublicKeyInfo PublicKey { get; }

    /// <summary>DER of a PrivateKeyInfo.</summary>
    public ReadOnlyMemory<byte> Pkcs8 => _pkcs8;

    public AlgorithmIdentifier SignatureAlgorithm => Kind switch
    {
        TokenKeyKind.Sm2 => AlgorithmIdentifier.Sm3WithSm2,
        TokenKeyKind.P256 => AlgorithmIdentifier.EcdsaWithSha256,
        _ => AlgorithmIdentifier.Sha256WithRsa,
    };

    /// <returns>Null: of a kind that no container has.</returns>
    public static TokenKeyKind? KindOf(SubjectPublicKeyInfo key) =>
        key.Algorithm == AlgorithmIdentifier.Sm2Key ? TokenKeyKind.Sm2
        : key.Algorithm == AlgorithmIdentifier.EcKey(Oids.P256) ? TokenKeyKind.P256
        : key.Algorithm == AlgorithmIdentifier.Rsa ? TokenKeyKind.Rsa2048
        : null;

    public static TokenKey Generate(TokenKeyKind kind)
    {
        if (kind == TokenKeyKind.Sm2)
        {
            using var key = Sm2PrivateKey.Generate();
            return FromSm2(key);
        }

        using AsymmetricAlgorithm other = kind == TokenKeyKind.P256 ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(RsaBits);
        return new TokenKey(kind, Der.Decode<SubjectPublicKeyInfo>(other.ExportSubjectPublicKeyInfo()), other.ExportPkcs8PrivateKey());
    }

    /// <param name="key">Copied; the caller disposes it.</param>
    public static TokenKey FromSm2(Sm2PrivateKey key)
    {
        byte[] point = key.PublicKey.ToBytes();
        byte[] d = GC.AllocateArray<byte>(Sm2.ScalarSizeInBytes, pinned: true);
        key.ExportBytes(d);
        byte[] inner = Der.Encode(new EcPrivateKey(d, publicKey: point));
        CryptographicOperations.ZeroMemory(d);
        byte[] pkcs8 = Der.Encode(new PrivateKeyInfo(AlgorithmIdentifier.Sm2Key, inner));
        CryptographicOperations.ZeroMemory(inner);
        return new TokenKey(TokenKeyKind.Sm2, SubjectPublicKeyInfo.ForSm2(point), pkcs8);
    }

    /// <summary>Signs a message, never a digest from outside: SM2 with SM3 and the default identity, ECDSA and RSA (PKCS #1 v1.5) with SHA-256.</summary>
    /// <returns>The signature as certificates and requests have it: for SM2 and ECDSA the DER of SEQUENCE { r, s }.</returns>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        switch (Kind)
        {
            case TokenKeyKind.Sm2:
                using (Sm2PrivateKey key = OpenSm2())
                {
                    byte[] signature = new byte[Sm2.SignatureSizeInBytes];
                    key.Sign(message, signature);
                    return Der.Encode(Sm2Signature.FromRaw(signature));
                }

            case TokenKeyKind.P256:
                using (var key = ECDsa.Create())
                {
                    key.ImportPkcs8PrivateKey(_pkcs8, out _);
                    return key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
                }

            default:
                using (var key = RSA.Create())
                {
                    key.ImportPkcs8PrivateKey(_pkcs8, out _);
                    return key.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                }
        }
    }

    /// <returns>The caller disposes it.</returns>
    /// <exception cref="InvalidOperationException">Another kind.</exception>
    public Sm2PrivateKey OpenSm2() => Kind == TokenKeyKind.Sm2
        ? Sm2PrivateKey.FromBytes(Der.Decode<EcPrivateKey>(Der.Decode<PrivateKeyInfo>(_pkcs8).PrivateKey).PrivateKey.Span)
        : throw new InvalidOperationException("The key is not SM2.");

    public void Dispose() => CryptographicOperations.ZeroMemory(_pkcs8);
}
