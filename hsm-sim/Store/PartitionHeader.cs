using System.Buffers.Binary;
using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// Who a partition is and whose shares open it, readable without a secret: magic (8), version (2), partition id (16), threshold (4), number of
/// holders (4), of each its name, public key (65), index (4), encrypted share and commitment (32), then the time of making (8, Unix
/// milliseconds), marks (4) and HMAC-SM3 over all before it under Derive("header") (32). Big-endian; texts and shares with a length of 4 bytes.
/// </summary>
internal sealed class PartitionHeader
{
    public const int IdLength = 16;
    public const int MinThreshold = 2;
    public const int MaxHolders = 16;

    private const ushort Version = 1;
    private const int CommitmentLength = 32;
    private const int MacLength = HmacSm3.HashSizeInBytes;
    private const int MaxNameBytes = 256;
    private const int MaxShareBytes = 256;

    private PartitionHeader(
        ReadOnlyMemory<byte> id, int threshold, IReadOnlyList<Holder> holders, DateTimeOffset created, StoreMarks marks, ReadOnlyMemory<byte> bytes)
    {
        Id = id;
        Threshold = threshold;
        Holders = holders;
        Created = created;
        Marks = marks;
        Bytes = bytes;
    }

    public ReadOnlyMemory<byte> Id { get; }

    public int Threshold { get; }

    public IReadOnlyList<Holder> Holders { get; }

    public DateTimeOffset Created { get; }

    /// <summary>Those that the partition was made with; its state may have more.</summary>
    public StoreMarks Marks { get; }

    /// <summary>As on disk.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    private static ReadOnlySpan<byte> Magic => "ZWHSMHDR"u8;

    /// <summary>The header of a new partition, its MAC made with the master key.</summary>
    public static PartitionHeader Make(
        MasterKey master, ReadOnlyMemory<byte> id, int threshold, IReadOnlyList<Holder> holders, DateTimeOffset created, StoreMarks marks)
    {
        using var writer = new WireWriter();
        writer.WriteExactly(Magic);
        writer.WriteUInt16(Version);
        writer.WriteExactly(id.Span);
        writer.WriteUInt32((uint)threshold);
        writer.WriteUInt32((uint)holders.Count);
        foreach (Holder holder in holders)
        {
            writer.WriteText(holder.Name);
            writer.WriteExactly(holder.PublicKey.Span);
            writer.WriteUInt32((uint)holder.Index);
            writer.WriteBytes(holder.EncryptedShare.Span);
            writer.WriteExactly(holder.Commitment.Span);
        }

        writer.WriteInt64(created.ToUnixTimeMilliseconds());
        writer.WriteUInt32((uint)marks);
        Span<byte> mac = stackalloc byte[MacLength];
        Authenticate(master, writer.Written.Span, mac);
        writer.WriteExactly(mac);
        return Read(writer.Written.ToArray());
    }

    /// <summary>Reads and checks all but the MAC, which needs the master key.</summary>
    /// <exception cref="StoreException">Not a header.</exception>
    public static PartitionHeader Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new WireReader(bytes);
            if (!reader.ReadExactly(Magic.Length).Span.SequenceEqual(Magic) || reader.ReadUInt16() != Version)
            {
                throw new WireException("it is none, or of another version");
            }

            ReadOnlyMemory<byte> id = reader.ReadExactly(IdLength);
            int threshold = reader.ReadCount(MaxHolders);
            var holders = new Holder[reader.ReadCount(MaxHolders)];
            for (int i = 0; i < holders.Length; i++)
            {
                holders[i] = new Holder(
                    reader.ReadText(MaxNameBytes),
                    reader.ReadExactly(Sm2.PublicKeySizeInBytes),
                    reader.ReadCount(MaxHolders),
                    reader.ReadBytes(MaxShareBytes),
                    reader.ReadExactly(CommitmentLength));
            }

            long created = reader.ReadInt64();
            var marks = (StoreMarks)reader.ReadUInt32();
            reader.ReadExactly(MacLength);
            reader.ThrowIfNotEmpty();
            if (threshold < MinThreshold || threshold > holders.Length || !holders.Select(h => h.Index).SequenceEqual(Enumerable.Range(1, holders.Length)))
            {
                throw new WireException("its holders and threshold do not fit");
            }

            return new PartitionHeader(id, threshold, holders, DateTimeOffset.FromUnixTimeMilliseconds(created), marks, bytes);
        }
        catch (Exception e) when (e is WireException or ArgumentOutOfRangeException)
        {
            throw new StoreException($"The partition's header is damaged ({e.Message.TrimEnd('.')}). Restore the partition from a backup.", e);
        }
    }

    /// <summary>Whether the master key is that of the partition and nothing in the header was changed.</summary>
    public bool IsAuthentic(MasterKey master)
    {
        Span<byte> mac = stackalloc byte[MacLength];
        Authenticate(master, Bytes.Span[..^MacLength], mac);
        return CryptographicOperations.FixedTimeEquals(mac, Bytes.Span[^MacLength..]);
    }

    /// <summary>SM3("share" ‖ partition id ‖ index ‖ share).</summary>
    public static byte[] Commit(ReadOnlySpan<byte> id, int index, ReadOnlySpan<byte> share)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(number, index);
        byte[] commitment = new byte[CommitmentLength];
        using var hash = new Sm3();
        hash.Append("share"u8);
        hash.Append(id);
        hash.Append(number);
        hash.Append(share);
        hash.GetHashAndReset(commitment);
        return commitment;
    }

    private static void Authenticate(MasterKey master, ReadOnlySpan<byte> body, Span<byte> mac)
    {
        Span<byte> key = stackalloc byte[HmacSm3.HashSizeInBytes];
        master.Derive("header", [], key);
        HmacSm3.HashData(key, body, mac);
        CryptographicOperations.ZeroMemory(key);
    }
}
