using System.Collections.Concurrent;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa;

/// <summary>
/// A device of the tests with keys in memory: it signs (SM2 by our code, RSA and P-256 by .NET), counts its signatures, computes HMAC-SM3 and wraps
/// data keys. It keeps no escrow. Linked into the test projects.
/// </summary>
internal sealed class MemoryHsm : IHsm
{
    private readonly ConcurrentDictionary<KeyLabel, MemoryKey> _keys = [];

    public HsmToken Token { get; } = new(
        "memory",
        "1",
        "test double",
        HsmCapabilities.SignMany | HsmCapabilities.SignatureCounter | HsmCapabilities.Random | HsmCapabilities.HmacSm3 | HsmCapabilities.WrapDataKey,
        new HashSet<HsmKeyKind>
        {
            HsmKeyKind.Sm2, HsmKeyKind.Rsa2048, HsmKeyKind.Rsa3072, HsmKeyKind.Rsa4096, HsmKeyKind.P256, HsmKeyKind.HmacSm3, HsmKeyKind.DataKek,
        });

    /// <summary>How many digests each call signed.</summary>
    public List<int> Calls { get; } = [];

    /// <summary>Runs before a key signs.</summary>
    public Action<KeyLabel> Signing { get; set; } = _ => { };

    /// <summary>Makes another answer of what was signed, or throws.</summary>
    public Func<byte[], byte[]> Fault { get; set; } = signatures => signatures;

    /// <summary>Takes a key that was made elsewhere: the same one in another process.</summary>
    /// <param name="secret">Belongs to the device from here on.</param>
    public HsmKey AddSm2Key(KeyLabel label, Sm2PrivateKey secret)
    {
        var key = new HsmKey(label, HsmKeyKind.Sm2, SubjectPublicKeyInfo.ForSm2(secret.PublicKey.ToBytes()));
        _keys[label] = new MemoryKey(key, secret);
        return key;
    }

    /// <inheritdoc cref="AddSm2Key"/>
    public HsmKey AddP256Key(KeyLabel label, ECDsa secret)
    {
        var key = new HsmKey(label, HsmKeyKind.P256, Der.Decode<SubjectPublicKeyInfo>(secret.ExportSubjectPublicKeyInfo()));
        _keys[label] = new MemoryKey(key, secret);
        return key;
    }

    public Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default) =>
        Task.FromResult(_keys.TryGetValue(label, out MemoryKey? found) ? found.Key : null);

    public Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default)
    {
        Token.Require(kind);
        (IDisposable secret, SubjectPublicKeyInfo? publicKey) = Generate(kind);
        var key = new HsmKey(label, kind, publicKey);
        return _keys.TryAdd(label, new MemoryKey(key, secret))
            ? Task.FromResult(key)
            : throw new HsmException(HsmFailure.KeyExists, $"{label} is taken.");
    }

    public Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
    {
        Require(scheme.DigestLength() == digest.Length, "one digest");
        return SignManyAsync(key, scheme, digest, cancellationToken);
    }

    public Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int length = scheme.DigestLength();
        Require(scheme.Fits(key.Kind) && digests.Length > 0 && digests.Length % length == 0, "whole digests of the key's scheme");
        MemoryKey found = Find(key);
        Signing(key.Label);
        lock (Calls)
        {
            Calls.Add(digests.Length / length);
        }

        Interlocked.Add(ref found.Signatures, digests.Length / length);
        var signatures = new List<byte>();
        for (int at = 0; at < digests.Length; at += length)
        {
            signatures.AddRange(Sign(found.Secret, scheme, digests.Slice(at, length).ToArray()));
        }

        return Task.FromResult(Fault([.. signatures]));
    }

    public Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default) =>
        Task.FromResult(Interlocked.Read(ref Find(key).Signatures));

    public Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default) => Task.FromResult(RandomNumberGenerator.GetBytes(count));

    public Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
        Task.FromResult(HmacSm3.HashData(((SymmetricSecret)Find(key).Secret).Value, data.Span));

    /// <summary>Nonce, ciphertext, tag; the context is authenticated.</summary>
    public Task<byte[]> WrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default)
    {
        using var gcm = new Sm4Gcm(((SymmetricSecret)Find(kek).Secret).Value);
        byte[] wrapped = new byte[Sm4Gcm.NonceSizeInBytes + dataKey.Length + Sm4Gcm.MaxTagSizeInBytes];
        Span<byte> nonce = wrapped.AsSpan(0, Sm4Gcm.NonceSizeInBytes);
        RandomNumberGenerator.Fill(nonce);
        gcm.Encrypt(nonce, dataKey.Span, wrapped.AsSpan(nonce.Length, dataKey.Length), wrapped.AsSpan(nonce.Length + dataKey.Length), context.Span);
        return Task.FromResult(wrapped);
    }

    public Task<byte[]> UnwrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default)
    {
        using var gcm = new Sm4Gcm(((SymmetricSecret)Find(kek).Secret).Value);
        int length = wrappedKey.Length - Sm4Gcm.NonceSizeInBytes - Sm4Gcm.MaxTagSizeInBytes;
        if (length < 1)
        {
            throw new HsmException(HsmFailure.BadInput, "Too short for a wrapped key.");
        }

        byte[] dataKey = new byte[length];
        ReadOnlySpan<byte> bytes = wrappedKey.Span;
        try
        {
            gcm.Decrypt(bytes[..Sm4Gcm.NonceSizeInBytes], bytes.Slice(Sm4Gcm.NonceSizeInBytes, length), bytes[^Sm4Gcm.MaxTagSizeInBytes..], dataKey, context.Span);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new HsmException(HsmFailure.BadInput, "The wrapped key does not open.", e);
        }

        return Task.FromResult(dataKey);
    }

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
        foreach (MemoryKey key in _keys.Values)
        {
            key.Secret.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static void Require(bool met, string what)
    {
        if (!met)
        {
            throw new InvalidOperationException($"The caller has to give {what}.");
        }
    }

    private MemoryKey Find(HsmKey key) =>
        _keys.TryGetValue(key.Label, out MemoryKey? found) ? found : throw new HsmException(HsmFailure.KeyNotFound, $"There is no key {key.Label}.");

    private static (IDisposable Secret, SubjectPublicKeyInfo? PublicKey) Generate(HsmKeyKind kind)
    {
        switch (kind)
        {
            case HsmKeyKind.HmacSm3 or HsmKeyKind.DataKek:
                return (new SymmetricSecret(RandomNumberGenerator.GetBytes(16)), null);
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

    private sealed class MemoryKey(HsmKey key, IDisposable secret)
    {
        public long Signatures;

        public HsmKey Key { get; } = key;

        public IDisposable Secret { get; } = secret;
    }

    private sealed class SymmetricSecret(byte[] value) : IDisposable
    {
        public byte[] Value { get; } = value;

        public void Dispose() => CryptographicOperations.ZeroMemory(Value);
    }
}
