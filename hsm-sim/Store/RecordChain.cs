using System.Buffers.Binary;
using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// The records of one file, each as 4 bytes length of its plaintext, SM4-GCM ciphertext and tag (16). The key is Derive(purpose, head of the
/// file) and the head has a random salt, so no two files share one; the nonce is the sequence number, which only goes up. Associated data:
/// partition id ‖ generation ‖ sequence ‖ tag of the record before. So no record can be changed, moved, left out or put into another file.
/// </summary>
internal sealed class RecordChain : IDisposable
{
    public const int SaltLength = 32;

    /// <summary>Of one plaintext; the largest is a policy.</summary>
    public const int MaxRecordBytes = 1 << 21;

    private const int LengthBytes = sizeof(uint);
    private const int TagLength = Sm4Gcm.MaxTagSizeInBytes;
    private const int KeyLength = 16;
    private const int GenerationOffset = PartitionHeader.IdLength;
    private const int SequenceOffset = GenerationOffset + sizeof(long);
    private const int TagOffset = SequenceOffset + sizeof(long);

    private readonly Sm4Gcm _cipher;
    private readonly byte[] _associated = new byte[TagOffset + TagLength];
    private readonly long _generation;

    /// <param name="head">All bytes of the file before the first record.</param>
    /// <param name="sequence">Of the record before the first.</param>
    public RecordChain(MasterKey master, string purpose, ReadOnlySpan<byte> head, ReadOnlySpan<byte> partitionId, long generation, long sequence)
    {
        Span<byte> key = stackalloc byte[KeyLength];
        master.Derive(purpose, head, key);
        _cipher = new Sm4Gcm(key);
        CryptographicOperations.ZeroMemory(key);
        partitionId.CopyTo(_associated);
        BinaryPrimitives.WriteInt64BigEndian(_associated.AsSpan(GenerationOffset), generation);
        _generation = generation;
        Sequence = sequence;
    }

    /// <summary>Of the last record.</summary>
    public long Sequence { get; private set; }

    public JournalPosition Position => new(_generation, Sequence, BinaryPrimitives.ReadUInt128BigEndian(Tag));

    private Span<byte> Tag => _associated.AsSpan(TagOffset);

    public void Seal(ReadOnlySpan<byte> record, WireWriter output)
    {
        if (record.Length > MaxRecordBytes)
        {
            throw new ArgumentException("The record is too long for a journal.", nameof(record));
        }

        Span<byte> nonce = stackalloc byte[Sm4Gcm.NonceSizeInBytes];
        Enter(Sequence + 1, nonce);
        Span<byte> room = output.Reserve(LengthBytes + record.Length + TagLength);
        BinaryPrimitives.WriteInt32BigEndian(room, record.Length);
        Span<byte> tag = room[^TagLength..];
        _cipher.Encrypt(nonce, record, room.Slice(LengthBytes, record.Length), tag, _associated);
        tag.CopyTo(Tag);
        Sequence++;
    }

    /// <summary>Opens the next record.</summary>
    /// <param name="file">From its length on.</param>
    /// <param name="length">Of the whole of it.</param>
    /// <returns>Null: it is cut short, or not the record that has to follow. Nothing is changed then.</returns>
    public byte[]? Open(ReadOnlySpan<byte> file, out int length)
    {
        if (!TryMeasure(file, out length))
        {
            return null;
        }

        Span<byte> nonce = stackalloc byte[Sm4Gcm.NonceSizeInBytes];
        Enter(Sequence + 1, nonce);
        byte[] record = new byte[length - LengthBytes - TagLength];
        ReadOnlySpan<byte> tag = file[(length - TagLength)..length];
        try
        {
            _cipher.Decrypt(nonce, file.Slice(LengthBytes, record.Length), tag, record, _associated);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        tag.CopyTo(Tag);
        Sequence++;
        return record;
    }

    /// <summary>How long the next record is by its own word.</summary>
    /// <returns>False: the file does not have so much.</returns>
    public static bool TryMeasure(ReadOnlySpan<byte> file, out int length)
    {
        length = 0;
        if (file.Length < LengthBytes)
        {
            return false;
        }

        uint record = BinaryPrimitives.ReadUInt32BigEndian(file);
        if (record > MaxRecordBytes)
        {
            return false;
        }

        length = LengthBytes + (int)record + TagLength;
        return length <= file.Length;
    }

    public void Dispose() => _cipher.Dispose();

    private void Enter(long sequence, Span<byte> nonce)
    {
        BinaryPrimitives.WriteInt64BigEndian(_associated.AsSpan(SequenceOffset), sequence);
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[^sizeof(long)..], sequence);
    }
}
