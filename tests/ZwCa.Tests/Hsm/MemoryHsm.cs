using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Tests.Hsm;

/// <summary>A device of the tests that signs, with keys in memory: SM2 by our code, RSA and P-256 by .NET. It can do nothing else.</summary>
internal sealed class MemoryHsm : IHsm
{
    private readonly Dictionary<KeyLabel, (HsmKey Key, IDisposable Secret)> _keys = [];

    public HsmToken Token { get; } = new(
        "memory",
        "1",
        "test double",
        HsmCapabilities.SignMany,
        new HashSet<HsmKeyKind> { HsmKeyKind.Sm2, HsmKeyKind.Rsa2048, HsmKeyKind.Rsa3072, HsmKeyKind.Rsa4096, HsmKeyKind.P256 });

    /// <summary>How many digests each call signed.</summary>
    public List<int> Calls { get; } = [];

    /// <summary>Makes another answer of what was signed, or throws.</summary>
    public Func<byte[], byte[]> Fault { get; set; } = signatures => signatures;

    public Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default) =>
        Task.FromResult(_keys.TryGetValue(label, out (HsmKey Key, IDisposable) found) ? found.Key : null);

    public Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default)
    {
        Token.Require(kind);
        if (_keys.ContainsKey(label))
        {
            throw new HsmException(HsmFailure.KeyExists, $"{label} is taken.");
        }

        (IDisposable secret, SubjectPublicKeyInfo publicKey) = Generate(kind);
        var key = new HsmKey(label, kind, publicKey);
        _keys.Add(label, (key, secret));
        return Task.FromResult(key);
    }

    public Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
    {
        Assert.Equal(scheme.DigestLength(), digest.Length);
        return SignManyAsync(key, scheme, digest, cancellationToken);
    }

    public Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int length = scheme.DigestLength();
        Assert.True(scheme.Fits(key.Kind));
        Assert.Equal(0, digests.Length % length);
        Assert.NotEqual(0, digests.Length);
        if (!_keys.TryGetValue(key.Label, out (HsmKey, IDisposable Secret) found))
        {
            throw new HsmException(HsmFailure.KeyNotFound, $"There is no key {key.Label}.");
        }

        Calls.Add(digests.Length / length);
        var signatures = new List<byte>();
        for (int at = 0; at < digests.Length; at += length)
        {
            signatures.AddRange(Sign(found.Secret, scheme, digests.Slice(at, length).ToArray()));
        }

        return Task.FromResult(Fault([.. signatures]));
    }

    public Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<byte[]> WrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<byte[]> UnwrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<KeyEnvelope> EnvelopeKeyAsync(
        ReadOnlyMemory<byte> wrappedKey,
        SubjectPublicKeyInfo recipient,
        EnvelopeAuthorization authorization,
        HsmKey? signer = null,
        CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync()
    {
        foreach ((_, IDisposable secret) in _keys.Values)
        {
            secret.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static (IDisposable Secret, SubjectPublicKeyInfo PublicKey) Generate(HsmKeyKind kind)
    {
        switch (kind)
        {
            case HsmKeyKind.Sm2:
                var sm2 = Sm2PrivateKey.Generate();
                return (sm2, SubjectPublicKeyInfo.ForSm2(sm2.PublicKey.ToBytes()));
            case HsmKeyKind.P256:
                var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                return (ecdsa, Der.Decode<SubjectPublicKeyInfo>(ecdsa.ExportSubjectPublicKeyInfo()));
            default:
                var rsa = RSA.Create(kind.RsaBits());
                return (rsa, Der.Decode<SubjectPublicKeyInfo>(rsa.ExportSubjectPublicKeyInfo()));
        }
    }

    private static byte[] Sign(IDisposable secret, SignatureScheme scheme, byte[] digest)
    {
        switch (secret)
        {
            case Sm2PrivateKey sm2:
                byte[] signature = new byte[Sm2.SignatureSizeInBytes];
                sm2.SignDigest(digest, signature);
                return signature;
            case ECDsa ecdsa:
                return ecdsa.SignHash(digest);
            default:
                HashAlgorithmName hash = scheme.DigestLength() switch
                {
                    32 => HashAlgorithmName.SHA256,
                    48 => HashAlgorithmName.SHA384,
                    _ => HashAlgorithmName.SHA512,
                };
                bool pss = scheme is SignatureScheme.RsaPssSha256 or SignatureScheme.RsaPssSha384 or SignatureScheme.RsaPssSha512;
                return ((RSA)secret).SignHash(digest, hash, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        }
    }
}
