using System.Security.Cryptography;
using ZwCa.Cryptography;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// Where the newest journal ends, kept outside the store: a store that is older was put back in time. Two slots of 4,096 bytes: until
/// a flush only the one is written that does not have what was flushed last, so that a torn write always leaves that. A slot: magic (8), partition id (16), <see cref="JournalPosition"/> (32), HMAC-SM3
/// over these under Derive("anchor") (32), zeros.
/// <para>
/// It is written after each group's flush and itself flushed at the start of a generation, at the end, and within a second in between. So
/// nothing is behind after the process was killed. After a power loss it may be a second behind, and a store put back by less than that would
/// pass. Who can put back the anchor too can put back everything: keep it on another disk, or under another owner, than backups of the store.
/// </para>
/// <para>While a restored partition waits for its first opening the anchor is a note instead: magic (8), SM3 of the backup file (32).</para>
/// </summary>
internal sealed class Anchor : IDisposable
{
    private const int SlotLength = 4096;
    private const int MacOffset = 8 + PartitionHeader.IdLength + JournalPosition.Length;
    private const int ContentLength = MacOffset + HmacSm3.HashSizeInBytes;

    private readonly FileStream _file;
    private readonly byte[] _key;
    private readonly ReadOnlyMemory<byte> _partitionId;
    private readonly byte[] _slots;
    private readonly byte[] _flushed;

    // The one that is on stable storage.
    private int _flushedSlot;

    private Anchor(FileStream file, byte[] key, ReadOnlyMemory<byte> partitionId, byte[] slots, int flushedSlot, JournalPosition position)
    {
        _file = file;
        _key = key;
        _partitionId = partitionId;
        _slots = slots;
        _flushed = [.. slots];
        _flushedSlot = flushedSlot;
        Position = position;
    }

    public JournalPosition Position { get; private set; }

    /// <summary>Something was written that is not flushed.</summary>
    public bool IsBehind { get; private set; }

    private static ReadOnlySpan<byte> Magic => "ZWHSMANC"u8;

    private static ReadOnlySpan<byte> RestorationMagic => "ZWHSMRST"u8;

    /// <summary>Makes an anchor, or puts one in the place of another, durably.</summary>
    public static Anchor Make(string path, MasterKey master, ReadOnlyMemory<byte> partitionId, JournalPosition position)
    {
        byte[] key = DeriveKey(master);
        byte[] slots = new byte[2 * SlotLength];
        Fill(slots, key, partitionId.Span, position);
        slots.AsSpan(0, SlotLength).CopyTo(slots.AsSpan(SlotLength));
        Disk.Replace(path, slots);
        return new Anchor(Disk.Open(path, FileMode.Open), key, partitionId, slots, 0, position);
    }

    /// <exception cref="StoreException">There is none, or it is not this partition's.</exception>
    public static Anchor Open(string path, MasterKey master, ReadOnlyMemory<byte> partitionId)
    {
        if (!File.Exists(path))
        {
            throw new StoreException(
                $"The anchor {path} is missing, so nobody can tell whether the store is the newest. Put it back; if it is lost, restore the partition from a backup.");
        }

        FileStream file = Disk.Open(path, FileMode.Open);
        byte[] key = DeriveKey(master);
        byte[] slots = new byte[2 * SlotLength];
        int length = RandomAccess.Read(file.SafeFileHandle, slots, 0);
        JournalPosition? first = ReadSlot(slots.AsSpan(0, SlotLength), key, partitionId.Span);
        JournalPosition? second = ReadSlot(slots.AsSpan(SlotLength), key, partitionId.Span);
        if (length != slots.Length || (first ?? second) is not { } position)
        {
            file.Dispose();
            CryptographicOperations.ZeroMemory(key);
            throw new StoreException(
                $"The anchor {path} is damaged, or another partition's. Put back the right one; if it is lost, restore the partition from a backup.");
        }

        int slot = first is null ? 1 : 0;
        if (second is { } other && (other.Generation, other.Sequence).CompareTo((position.Generation, position.Sequence)) > 0)
        {
            slot = 1;
            position = other;
        }

        // A process that was killed may have left it unflushed.
        RandomAccess.FlushToDisk(file.SafeFileHandle);
        return new Anchor(file, key, partitionId, slots, slot, position);
    }

    /// <summary>Has the next opening take a restored backup for the newest state.</summary>
    public static void ExpectRestoration(string path, ReadOnlySpan<byte> backupFile) => Disk.Replace(path, [.. RestorationMagic, .. Sm3.HashData(backupFile)]);

    /// <returns>SM3 of the backup file that is expected, or null: it is an anchor, or none.</returns>
    public static byte[]? ReadRestoration(string path)
    {
        byte[] note = new byte[RestorationMagic.Length + Sm3.HashSizeInBytes];
        if (!File.Exists(path) || new FileInfo(path).Length != note.Length)
        {
            return null;
        }

        using FileStream file = File.OpenRead(path);
        file.ReadExactly(note);
        return note.AsSpan().StartsWith(RestorationMagic) ? note[RestorationMagic.Length..] : null;
    }

    public void Write(JournalPosition position)
    {
        Position = position;
        IsBehind = true;
        int offset = (_flushedSlot ^ 1) * SlotLength;
        Span<byte> slot = _slots.AsSpan(offset, SlotLength);
        Fill(slot, _key, _partitionId.Span, position);
        RandomAccess.Write(_file.SafeFileHandle, slot[..ContentLength], offset);
    }

    public void Flush()
    {
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        if (IsBehind)
        {
            _slots.CopyTo(_flushed, 0);
            _flushedSlot ^= 1;
            IsBehind = false;
        }
    }

    /// <summary>A power loss: back to what was flushed.</summary>
    public void LoseUnflushed() => RandomAccess.Write(_file.SafeFileHandle, _flushed, 0);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        _file.Dispose();
    }

    private static byte[] DeriveKey(MasterKey master)
    {
        byte[] key = GC.AllocateArray<byte>(HmacSm3.HashSizeInBytes, pinned: true);
        master.Derive("anchor", [], key);
        return key;
    }

    private static void Fill(Span<byte> slot, ReadOnlySpan<byte> key, ReadOnlySpan<byte> partitionId, JournalPosition position)
    {
        Magic.CopyTo(slot);
        partitionId.CopyTo(slot[Magic.Length..]);
        position.Write(slot[(Magic.Length + PartitionHeader.IdLength)..]);
        HmacSm3.HashData(key, slot[..MacOffset], slot[MacOffset..]);
    }

    private static JournalPosition? ReadSlot(ReadOnlySpan<byte> slot, ReadOnlySpan<byte> key, ReadOnlySpan<byte> partitionId)
    {
        Span<byte> mac = stackalloc byte[HmacSm3.HashSizeInBytes];
        HmacSm3.HashData(key, slot[..MacOffset], mac);
        bool genuine = CryptographicOperations.FixedTimeEquals(mac, slot[MacOffset..ContentLength])
            && slot.StartsWith(Magic)
            && slot.Slice(Magic.Length, partitionId.Length).SequenceEqual(partitionId);
        return genuine ? JournalPosition.Read(slot[(Magic.Length + PartitionHeader.IdLength)..]) : null;
    }
}
