using System.Buffers.Binary;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>A key as the store has it.</summary>
internal sealed class StoredKey(StoreRecord.KeyAdded added)
{
    public StoreRecord.KeyAdded Added { get; } = added;

    public long Signatures { get; set; }
}

/// <summary>
/// What the records of a journal add up to. Not thread-safe: <see cref="PartitionStore.Gate"/> guards it. Every change is a record, live and
/// when the journal is read again alike.
/// </summary>
internal sealed class PartitionState
{
    private readonly Dictionary<string, StoredKey> _keys = [];

    // Value: the 32 bytes of the binding. A million entries take some 200 MB.
    private readonly Dictionary<UInt128, byte[]> _bindings = [];

    public IReadOnlyDictionary<string, StoredKey> Keys => _keys;

    public int Bindings => _bindings.Count;

    /// <exception cref="InvalidOperationException">None is installed: the store was not made to its end.</exception>
    public PartitionPolicy Policy
    {
        get => field ?? throw new InvalidOperationException("The partition has no policy.");
        private set;
    }

    public StoreMarks Marks { get; private set; }

    public int Epoch { get; private set; }

    /// <summary>16 bytes.</summary>
    public ReadOnlyMemory<byte> EpochId { get; private set; }

    public StoreRecord.BackupMade? LastBackup { get; private set; }

    public int KeysWithoutBackup => _keys.Count - (LastBackup?.Keys ?? 0);

    /// <returns>The 32 bytes of the binding, or null while the key id is unspent.</returns>
    public ReadOnlyMemory<byte>? FindBinding(ReadOnlySpan<byte> keyId) => _bindings.TryGetValue(Id(keyId), out byte[]? binding) ? binding : default(ReadOnlyMemory<byte>?);

    /// <exception cref="WireException">The record does not follow from the state: a journal that was tampered with or a mistake.</exception>
    public void Apply(StoreRecord record)
    {
        switch (record)
        {
            case StoreRecord.KeyAdded added:
                Expect(_keys.TryAdd(added.Label.Value, new StoredKey(added)), "a label is used twice");
                break;
            case StoreRecord.SignaturesMade made:
                Expect(_keys.TryGetValue(made.Label.Value, out StoredKey? key) && made.Count >= key.Signatures, "a counter goes back");
                key!.Signatures = made.Count;
                break;
            case StoreRecord.KeyBound bound:
                Expect(_bindings.TryAdd(Id(bound.KeyId.Span), bound.Binding.ToArray()), "a key is bound twice");
                break;
            case StoreRecord.PolicyInstalled installed:
                Policy = Der.Decode<PartitionPolicy>(installed.Policy.ToArray());
                break;
            case StoreRecord.Marked marked:
                Marks |= marked.Marks;
                break;
            case StoreRecord.EpochBegun begun:
                Expect(begun.Epoch > Epoch, "an epoch goes back");
                Epoch = begun.Epoch;
                EpochId = begun.Id.ToArray();
                _bindings.Clear();
                break;
            case StoreRecord.BackupMade backup:
                LastBackup = backup;
                break;
            default:
                throw new WireException("No such record.");
        }
    }

    /// <summary>Records that add up to this state, for a new journal.</summary>
    public IEnumerable<StoreRecord> Snapshot()
    {
        foreach (StoreRecord record in SnapshotForBackup())
        {
            yield return record;
        }

        foreach ((UInt128 id, byte[] binding) in _bindings)
        {
            byte[] keyId = new byte[StoreRecord.IdLength];
            BinaryPrimitives.WriteUInt128BigEndian(keyId, id);
            yield return new StoreRecord.KeyBound(keyId, binding);
        }
    }

    /// <summary>All but the bindings, which concern one epoch: a restore begins another.</summary>
    public IEnumerable<StoreRecord> SnapshotForBackup()
    {
        yield return new StoreRecord.EpochBegun(Epoch, EpochId);
        yield return new StoreRecord.PolicyInstalled(Der.Encode(Policy));
        yield return new StoreRecord.Marked(Marks);
        foreach (StoredKey key in _keys.Values)
        {
            yield return key.Added;
            yield return new StoreRecord.SignaturesMade(key.Added.Label, key.Signatures);
        }

        if (LastBackup is not null)
        {
            yield return LastBackup;
        }
    }

    private static UInt128 Id(ReadOnlySpan<byte> keyId) => BinaryPrimitives.ReadUInt128BigEndian(keyId);

    private static void Expect(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new WireException($"The journal contradicts itself: {otherwise}.");
        }
    }
}
