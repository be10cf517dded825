using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Interop.Authorities;

/// <summary>A key pair in memory: SM2 by our code, P-256 and RSA by .NET; or one that somebody else holds.</summary>
internal sealed class TestKey
{
    private readonly Func<byte[], byte[]> _sign;

    private TestKey(KeyKind kind, SubjectPublicKeyInfo publicKey, Func<byte[], byte[]> sign)
    {
        Kind = kind;
        PublicKey = publicKey;
        _sign = sign;
    }

    public KeyKind Kind { get; }

    public SubjectPublicKeyInfo PublicKey { get; }

    public static TestKey Generate(KeyKind kind)
    {
        switch (kind)
        {
            case KeyKind.Sm2:
                return Of(Sm2PrivateKey.Generate());
            case KeyKind.P256:
                var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                return new TestKey(kind, Decode(ecdsa), m => ecdsa.SignData(m, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
            default:
                var rsa = RSA.Create(2048);
                return new TestKey(kind, Decode(rsa), m => rsa.SignData(m, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        }
    }

    public static TestKey Of(Sm2PrivateKey key) =>
        new(KeyKind.Sm2, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), m => Sign(key, m, Sm2.DefaultId));

    /// <param name="sign">From the message to the signature: for SM2 and ECDSA the DER of SEQUENCE { r, s }.</param>
    public static TestKey HeldElsewhere(KeyKind kind, SubjectPublicKeyInfo publicKey, Func<byte[], byte[]> sign) => new(kind, publicKey, sign);

    /// <returns>DER of SEQUENCE { r, s }.</returns>
    public static byte[] Sign(Sm2PrivateKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> id)
    {
        Span<byte> signature = stackalloc byte[Sm2.SignatureSizeInBytes];
        key.Sign(message, signature, id);
        return Der.Encode(Sm2Signature.FromRaw(signature));
    }

    /// <returns>For SM2 and ECDSA the DER of SEQUENCE { r, s }.</returns>
    public byte[] Sign(ReadOnlyMemory<byte> message)
    {
        // Keys are shared by tests that run in parallel; those of .NET are not made for that.
        lock (_sign)
        {
            return _sign(message.ToArray());
        }
    }

    /// <summary>Verifies what openssl signed: with our SM2 and the default identity, or with .NET.</summary>
    public static bool Verify(SubjectPublicKeyInfo key, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature)
    {
        if (key.NamedCurve == Oids.Sm2)
        {
            return VerifySm2(key, message, signature, Sm2.DefaultId);
        }

        if (key.NamedCurve == Oids.P256)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
            return ecdsa.VerifyData(message.Span, signature.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Der.Encode(key), out _);
        return rsa.VerifyData(message.Span, signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public static bool VerifySm2(SubjectPublicKeyInfo key, ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> signature, ReadOnlySpan<byte> id)
    {
        Sm2Signature value = Der.Decode<Sm2Signature>(signature);
        return Sm2PublicKey.FromBytes(key.PublicKey.Span).Verify(message.Span, value.Raw.Span, id);
    }

    private static SubjectPublicKeyInfo Decode(AsymmetricAlgorithm key)
    {
        // Through the reader: what .NET writes must be what we would write.
        byte[] encoded = key.ExportSubjectPublicKeyInfo();
        SubjectPublicKeyInfo read = Der.Decode<SubjectPublicKeyInfo>(encoded);
        SubjectPublicKeyInfo built = read.NamedCurve == Oids.P256
            ? SubjectPublicKeyInfo.ForP256(read.PublicKey)
            : SubjectPublicKeyInfo.ForRsa(Der.Decode<RsaPublicKey>(read.PublicKey));
        Assert.Equal(encoded, Der.Encode(built));
        return built;
    }
}
