using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;

namespace ZwCa.Admin.Ceremony;

/// <summary>
/// Stands for a device while a ceremony is rehearsed: its keys are thrown away. A key of an earlier ceremony has here its real public half and signs with another
/// one, its twin, so that everything can be shown and judged and nothing is signed in the CA's name.
/// </summary>
internal sealed class RehearsalHsm(string label, string serial, IReadOnlyList<HsmKey> earlier) : IHsm
{
    private const int MacKeyLength = 32;

    private readonly Dictionary<KeyLabel, HsmKey> _earlier = earlier.ToDictionary(key => key.Label);
    private readonly Dictionary<KeyLabel, (HsmKey Key, IDisposable? Secret)> _keys = [];
    private readonly Dictionary<string, byte[]> _dataKeys = [];
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(MacKeyLength);

    public HsmToken Token { get; } = new(
        label,
        serial,
        "rehearsal",
        HsmCapabilities.Random | HsmCapabilities.SignMany | HsmCapabilities.HmacSm3 | HsmCapabilities.WrapDataKey,
        Enum.GetValues<HsmKeyKind>().ToHashSet());

    /// <returns>The key that signs in place of an earlier one; null: the key is none.</returns>
    public HsmKey? FindTwin(HsmKey key)
    {
        if (!_earlier.ContainsKey(key.Label))
        {
            return null;
        }

        // Only where it signs: an RSA key takes seconds.
        if (!_keys.TryGetValue(key.Label, out (HsmKey Key, IDisposable? Secret) twin))
        {
            twin = Make(key.Label, key.Kind);
            _keys.Add(key.Label, twin);
        }

        return twin.Key;
    }

    public Task<HsmKey?> FindKeyAsync(KeyLabel label, CancellationToken cancellationToken = default) =>
        Task.FromResult(_earlier.GetValueOrDefault(label) ?? (_keys.TryGetValue(label, out (HsmKey Key, IDisposable? Secret) found) ? found.Key : null));

    public Task<HsmKey> GenerateKeyAsync(KeyLabel label, HsmKeyKind kind, CancellationToken cancellationToken = default)
    {
        _keys.Add(label, Make(label, kind));
        return Task.FromResult(_keys[label].Key);
    }

    public Task<byte[]> SignAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digest, CancellationToken cancellationToken = default)
    {
        switch (_keys[key.Label].Secret)
        {
            case Sm2PrivateKey sm2:
                byte[] signature = new byte[Sm2.SignatureSizeInBytes];
                sm2.SignDigest(digest.Span, signature);
                return Task.FromResult(signature);
            case ECDsa ecdsa:
                return Task.FromResult(ecdsa.SignHash(digest.ToArray()));
            case RSA rsa:
                return Task.FromResult(rsa.SignHash(digest.ToArray(), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
            default:
                throw new InvalidOperationException($"{key.Label} does not sign.");
        }
    }

    public async Task<byte[]> SignManyAsync(HsmKey key, SignatureScheme scheme, ReadOnlyMemory<byte> digests, CancellationToken cancellationToken = default)
    {
        var signatures = new List<byte>();
        int length = scheme.DigestLength();
        for (int at = 0; at < digests.Length; at += length)
        {
            signatures.AddRange(await SignAsync(key, scheme, digests.Slice(at, length), cancellationToken));
        }

        return [.. signatures];
    }

    public Task<long> GetSignatureCountAsync(HsmKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<byte[]> GetRandomAsync(int count, CancellationToken cancellationToken = default) => Task.FromResult(RandomNumberGenerator.GetBytes(count));

    public Task<byte[]> ComputeHmacAsync(HsmKey key, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => Task.FromResult(HmacSm3.HashData(_secret, data.Span));

    /// <summary>A reference: the data key stays here. On the disk, which keeps what is deleted, it would open the ID numbers of the persons.</summary>
    public Task<byte[]> WrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> dataKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default)
    {
        byte[] reference = Guid.NewGuid().ToByteArray();
        _dataKeys.Add(Convert.ToHexString(reference), dataKey.ToArray());
        return Task.FromResult(reference);
    }

    public Task<byte[]> UnwrapKeyAsync(HsmKey kek, ReadOnlyMemory<byte> wrappedKey, ReadOnlyMemory<byte> context, CancellationToken cancellationToken = default) =>
        Task.FromResult(_dataKeys[Convert.ToHexString(wrappedKey.Span)].ToArray());

    public Task<byte[]> DecryptAsync(HsmKey key, ReadOnlyMemory<byte> ciphertext, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<WrappedKeyPair>> GenerateWrappedKeyPairsAsync(HsmKey kek, int count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<KeyEnvelope> EnvelopeKeyAsync(
        ReadOnlyMemory<byte> wrappedKey, SubjectPublicKeyInfo recipient, EnvelopeAuthorization authorization, HsmKey? signer = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public ValueTask DisposeAsync()
    {
        foreach ((HsmKey _, IDisposable? secret) in _keys.Values)
        {
            secret?.Dispose();
        }

        foreach (byte[] dataKey in _dataKeys.Values)
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }

        CryptographicOperations.ZeroMemory(_secret);
        return ValueTask.CompletedTask;
    }

    private static (HsmKey Key, IDisposable? Secret) Make(KeyLabel label, HsmKeyKind kind)
    {
        IDisposable? secret = kind switch
        {
            HsmKeyKind.Sm2 or HsmKeyKind.Sm2Decryption => Sm2PrivateKey.Generate(),
            HsmKeyKind.P256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            _ => kind.IsRsa() ? RSA.Create(kind.RsaBits()) : null,
        };
        var key = new HsmKey(label, kind, secret switch
        {
            Sm2PrivateKey sm2 => SubjectPublicKeyInfo.ForSm2(sm2.PublicKey.ToBytes()),
            AsymmetricAlgorithm other => Der.Decode<SubjectPublicKeyInfo>(other.ExportSubjectPublicKeyInfo()),
            _ => null,
        });
        return (key, secret);
    }
}
