using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.HsmSim.Device;

/// <summary>A key that signs digests and does nothing else.</summary>
internal abstract class SigningKey(KeyLabel label, HsmKeyKind kind) : LiveKey(label, kind)
{
    /// <param name="scheme">One that fits the kind.</param>
    /// <param name="digests">One after the other, each as long as the scheme says.</param>
    /// <param name="signatures">Receives as many signatures.</param>
    public abstract void Sign(SignatureScheme scheme, ReadOnlySpan<byte> digests, Span<byte> signatures);
}

/// <summary>
/// Signatures are not verified before they leave: the engine's nonces are random and hedged with key and digest, so that a faulty signature does not repeat
/// a nonce, and the verification would take more time than the signature.
/// </summary>
internal sealed class Sm2SigningKey(KeyLabel label, ReadOnlySpan<byte> d) : SigningKey(label, HsmKeyKind.Sm2)
{
    private readonly Sm2PrivateKey _key = Sm2PrivateKey.FromBytes(d);
    private byte[]? _publicKey;

    public override ReadOnlyMemory<byte> PublicKey => _publicKey ??= Der.Encode(SubjectPublicKeyInfo.ForSm2(_key.PublicKey.ToBytes()));

    public override void Sign(SignatureScheme scheme, ReadOnlySpan<byte> digests, Span<byte> signatures) => _key.SignDigests(digests, signatures);

    /// <summary>Signs a message under the default identity: e = SM3(Z ‖ message) is computed here.</summary>
    /// <param name="signature">64 bytes.</param>
    public void SignMessage(ReadOnlySpan<byte> message, Span<byte> signature) => _key.Sign(message, signature);

    public override void Dispose() => _key.Dispose();
}

internal sealed class RsaKey : SigningKey
{
    private readonly KeyPool<RSA> _pool;

    /// <param name="pkcs8">Secret.</param>
    public RsaKey(KeyLabel label, HsmKeyKind kind, ReadOnlySpan<byte> pkcs8)
        : base(label, kind)
    {
        _pool = new KeyPool<RSA>(RSA.Create, pkcs8);
        PublicKey = _pool.Use(static key => key.ExportSubjectPublicKeyInfo());
    }

    public override ReadOnlyMemory<byte> PublicKey { get; }

    public override void Sign(SignatureScheme scheme, ReadOnlySpan<byte> digests, Span<byte> signatures)
    {
        (HashAlgorithmName hash, RSASignaturePadding padding) = scheme switch
        {
            SignatureScheme.RsaPkcs1Sha256 => (HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            SignatureScheme.RsaPkcs1Sha384 => (HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
            SignatureScheme.RsaPkcs1Sha512 => (HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            SignatureScheme.RsaPssSha256 => (HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            SignatureScheme.RsaPssSha384 => (HashAlgorithmName.SHA384, RSASignaturePadding.Pss),
            SignatureScheme.RsaPssSha512 => (HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
            _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "Not an RSA scheme."),
        };
        int digestLength = scheme.DigestLength();
        int signatureLength = scheme.SignatureLength(Kind);
        RSA key = _pool.Take();
        try
        {
            for (; !digests.IsEmpty; digests = digests[digestLength..], signatures = signatures[signatureLength..])
            {
                key.SignHash(digests[..digestLength], signatures[..signatureLength], hash, padding);
            }
        }
        finally
        {
            _pool.Return(key);
        }
    }

    public override void Dispose() => _pool.Dispose();
}

internal sealed class P256Key : SigningKey
{
    private const int DigestLength = 32;
    private const int SignatureLength = 64;

    private readonly KeyPool<ECDsa> _pool;

    /// <param name="pkcs8">Secret.</param>
    public P256Key(KeyLabel label, ReadOnlySpan<byte> pkcs8)
        : base(label, HsmKeyKind.P256)
    {
        _pool = new KeyPool<ECDsa>(ECDsa.Create, pkcs8);
        PublicKey = _pool.Use(static key => key.ExportSubjectPublicKeyInfo());
    }

    public override ReadOnlyMemory<byte> PublicKey { get; }

    public override void Sign(SignatureScheme scheme, ReadOnlySpan<byte> digests, Span<byte> signatures)
    {
        ECDsa key = _pool.Take();
        try
        {
            for (; !digests.IsEmpty; digests = digests[DigestLength..], signatures = signatures[SignatureLength..])
            {
                key.SignHash(digests[..DigestLength], signatures[..SignatureLength], DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }
        }
        finally
        {
            _pool.Return(key);
        }
    }

    public override void Dispose() => _pool.Dispose();
}
