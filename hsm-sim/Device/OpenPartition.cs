using System.Collections.Concurrent;
using System.Security.Cryptography;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Store;

namespace ZwCa.HsmSim.Device;

/// <summary>
/// What an unlocked partition does. Every method throws <see cref="HsmException"/> where it does not. Safe for concurrent use; disposing while a call
/// runs is not.
/// </summary>
internal sealed partial class OpenPartition : IAsyncDisposable
{
    private const HsmCapabilities Always = HsmCapabilities.Random
        | HsmCapabilities.SignMany
        | HsmCapabilities.SignatureCounter
        | HsmCapabilities.HmacSm3
        | HsmCapabilities.WrapDataKey
        | HsmCapabilities.KeyEscrow;

    /// <summary>A backup of so many RSA-4096 keys is still one answer, and who has a client's credential cannot fill disk and memory with keys.</summary>
    public const int MaxKeys = 4096;

    private static readonly string Model = $"hsm-sim {typeof(OpenPartition).Assembly.GetName().Version!.ToString(3)}";

    private readonly OpenedPartition _opened;
    private readonly PartitionStore _store;
    private readonly ReadOnlyMemory<byte> _id;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<SubjectPublicKeyInfo> _holders;
    private readonly KeyWrapping _wrapping;

    // By label. Changed under the store's gate, together with its state.
    private readonly ConcurrentDictionary<string, LiveKey> _keys = [];

    // Held while a key is made and added.
    private readonly SemaphoreSlim _making = new(1);

    // Changed under the store's gate, once the new one is on stable storage.
    private volatile PolicyInForce _policy;

    /// <param name="opened">Owned from now on; still the caller's when this throws.</param>
    /// <exception cref="HsmException">A stored key or the policy is damaged.</exception>
    public OpenPartition(OpenedPartition opened, TimeProvider time)
    {
        _opened = opened;
        _store = opened.Store;
        _id = opened.Id;
        _time = time;
        _holders = [.. opened.Holders.Select(static holder => SubjectPublicKeyInfo.ForSm2(holder.PublicKey))];
        _wrapping = new KeyWrapping(opened.Master, _id.Span);
        try
        {
            lock (_store.Gate)
            {
                _policy = new PolicyInForce(_store.State.Policy, _id.Span);
                foreach (StoredKey stored in _store.State.Keys.Values)
                {
                    LiveKey key = _wrapping.Load(stored.Added);
                    key.MarkDurable();
                    _keys[key.Label.Value] = key;
                }
            }
        }
        catch
        {
            DisposeOfKeys();
            throw;
        }
    }

    /// <summary>Whether a client's certificate and secret are those that the policy names. Takes the same time whichever it is.</summary>
    /// <param name="certificateHash">SHA-256, 32 bytes.</param>
    /// <param name="secret">32 bytes.</param>
    public bool Accepts(ReadOnlySpan<byte> certificateHash, ReadOnlySpan<byte> secret)
    {
        Span<byte> secretHash = stackalloc byte[Sm3.HashSizeInBytes];
        Sm3.HashData(secret, secretHash);
        bool accepted = false;
        foreach (ClientCredential client in _policy.Policy.Clients)
        {
            accepted |= CryptographicOperations.FixedTimeEquals(client.CertificateHash.Span, certificateHash)
                & CryptographicOperations.FixedTimeEquals(client.SecretHash.Span, secretHash);
        }

        return accepted;
    }

    public Welcome Welcome()
    {
        HsmCapabilities capabilities = Always | (_policy.Policy.AllowSm2Decrypt ? HsmCapabilities.Sm2Decryption : HsmCapabilities.None);
        lock (_store.Gate)
        {
            PartitionState state = _store.State;
            return new Welcome(_id, Model, capabilities, state.Marks, state.LastBackup?.Time ?? -1, state.KeysWithoutBackup);
        }
    }

    public async Task<KeyDescription> FindKeyAsync(KeyLabel label)
    {
        LiveKey key;
        long position;
        lock (_store.Gate)
        {
            key = _keys.TryGetValue(label.Value, out LiveKey? found) ? found : throw NotFound(label);
            position = _store.Position;
        }

        await WaitDurableAsync(position);
        key.MarkDurable();
        return new KeyDescription(key.Kind, key.PublicKey);
    }

    public async Task<KeyDescription> GenerateKeyAsync(NewKey request)
    {
        // An RSA key takes seconds: no time for one that cannot be kept, and neither the gate nor the caller's thread for one that can. One at a time,
        // or who asks for hundreds at once keeps all processors from the other partitions.
        LiveKey? made = null;
        byte[]? wrapped = null;
        long position;
        await _making.WaitAsync();
        try
        {
            if (!_keys.ContainsKey(request.Label.Value))
            {
                Refusal.Unless(_keys.Count < MaxKeys, $"The partition has {MaxKeys} keys: no more are made.");
                (made, wrapped) = await Task.Run(() => Make(request));
            }

            lock (_store.Gate)
            {
                if (made is not null)
                {
                    position = Append(new StoreRecord.KeyAdded(request.Label, request.Kind, made.PublicKey, wrapped));
                    _keys[request.Label.Value] = made;
                }
                else
                {
                    position = _store.Position;
                }
            }
        }
        finally
        {
            _making.Release();
        }

        await WaitDurableAsync(position);
        if (made is null)
        {
            throw new HsmException(HsmFailure.KeyExists, $"The label {request.Label} is taken.");
        }

        made.MarkDurable();
        return new KeyDescription(made.Kind, made.PublicKey);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        DisposeOfKeys();
        _opened.Master.Dispose();
    }

    private static HsmException NotFound(KeyLabel label) => new(HsmFailure.KeyNotFound, $"There is no key {label}.");

    /// <summary>Runs without the gate.</summary>
    private (LiveKey Key, byte[] Wrapped) Make(NewKey request)
    {
        byte[] secret = GC.AllocateUninitializedArray<byte>(LiveKey.MaxSecretBytes, pinned: true);
        try
        {
            Span<byte> made = secret.AsSpan(0, LiveKey.NewSecret(request.Kind, secret));
            return (LiveKey.Load(request.Label, request.Kind, made, _id.Span), _wrapping.Wrap(request.Label, request.Kind, made));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <exception cref="HsmException">No such key, or it is for something else.</exception>
    private T Find<T>(KeyLabel label)
        where T : LiveKey
    {
        if (!_keys.TryGetValue(label.Value, out LiveKey? key) || !key.IsDurable)
        {
            throw NotFound(label);
        }

        return key as T ?? throw WrongKind(key);
    }

    private static HsmException WrongKind(LiveKey key) => new(HsmFailure.WrongKeyKind, $"The key {key.Label} is of the kind {key.Kind}: it is not for that.");

    private static HsmException BadInput(string message, Exception? inner = null) => new(HsmFailure.BadInput, message, inner);

    /// <summary>The store's gate is held.</summary>
    /// <returns>The position to wait for.</returns>
    private long Append(StoreRecord record)
    {
        try
        {
            return _store.Append(record);
        }
        catch (IOException e)
        {
            throw DiskFailed(e);
        }
    }

    /// <summary>Nobody is answered before.</summary>
    private async ValueTask WaitDurableAsync(long position)
    {
        try
        {
            await _store.WaitDurableAsync(position);
        }
        catch (IOException e)
        {
            throw DiskFailed(e);
        }
    }

    private static HsmException DiskFailed(IOException e) => new(HsmFailure.DeviceError, $"The device cannot store any more: {e.Message}", e);

    private void DisposeOfKeys()
    {
        foreach (LiveKey key in _keys.Values)
        {
            key.Dispose();
        }

        _wrapping.Dispose();
    }
}
