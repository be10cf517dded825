using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// A backup: magic (8), version (2), the partition's header with a length of 4 bytes, salt (32), then records as in a journal: the state, and
/// last one that closes it (a zero byte and a <see cref="JournalPosition"/> whose sequence is the number of records before it), so that a
/// backup that was cut off is none. The header has the encrypted shares: m holders of the partition open it, nobody else.
/// </summary>
internal static class BackupFile
{
    private const ushort Version = 1;
    private const int MaxHeaderBytes = 1 << 16;
    private const string Purpose = "backup";
    private const string Another = "Take another backup.";

    private static ReadOnlySpan<byte> Magic => "ZWHSMBAK"u8;

    public static byte[] Seal(PartitionHeader header, MasterKey master, IEnumerable<StoreRecord> records)
    {
        using var output = new WireWriter();
        output.WriteExactly(Magic);
        output.WriteUInt16(Version);
        output.WriteBytes(header.Bytes.Span);
        RandomNumberGenerator.Fill(output.Reserve(RecordChain.SaltLength));
        using var chain = new RecordChain(master, Purpose, output.Written.Span, header.Id.Span, generation: 0, sequence: 0);
        foreach (StoreRecord record in records)
        {
            using var plaintext = new WireWriter();
            record.Write(plaintext);
            chain.Seal(plaintext.Written.Span, output);
        }

        byte[] closing = new byte[1 + JournalPosition.Length];
        closing[0] = JournalHead.ClosingKind;
        new JournalPosition(0, chain.Sequence, 0).Write(closing.AsSpan(1));
        chain.Seal(closing, output);
        return output.Written.ToArray();
    }

    /// <summary>Reads the header and checks whatever can be checked without a secret.</summary>
    /// <exception cref="StoreException">Not a backup, or cut off.</exception>
    public static PartitionHeader ReadHeader(ReadOnlyMemory<byte> file)
    {
        PartitionHeader header = PartitionHeader.Read(Split(file, out int offset));
        while (offset < file.Length && RecordChain.TryMeasure(file.Span[offset..], out int length))
        {
            offset += length;
        }

        return offset == file.Length ? header : throw new StoreException($"The backup was cut off or is damaged at byte {offset}. {Another}");
    }

    /// <param name="header">Of the partition, authenticated.</param>
    /// <exception cref="StoreException">It was tampered with, or is another partition's.</exception>
    public static PartitionState Open(ReadOnlyMemory<byte> file, MasterKey master, PartitionHeader header)
    {
        if (!Split(file, out int offset).Span.SequenceEqual(header.Bytes.Span))
        {
            throw new StoreException($"The backup is not this partition's. {Another}");
        }

        var state = new PartitionState();
        using var chain = new RecordChain(master, Purpose, file.Span[..offset], header.Id.Span, generation: 0, sequence: 0);
        bool closed = false;
        while (!closed && chain.Open(file.Span[offset..], out int length) is { } record)
        {
            offset += length;
            closed = record is [JournalHead.ClosingKind, ..];
            if (!closed)
            {
                Apply(state, record, chain.Sequence);
            }
            else if (JournalPosition.Read(record.AsSpan(1)).Sequence != chain.Sequence - 1)
            {
                throw Damaged(chain.Sequence);
            }
        }

        return closed && offset == file.Length ? state : throw Damaged(chain.Sequence + 1);
    }

    private static ReadOnlyMemory<byte> Split(ReadOnlyMemory<byte> file, out int recordsOffset)
    {
        try
        {
            var reader = new WireReader(file);
            if (!reader.ReadExactly(Magic.Length).Span.SequenceEqual(Magic) || reader.ReadUInt16() != Version)
            {
                throw new WireException("No backup.");
            }

            ReadOnlyMemory<byte> header = reader.ReadBytes(MaxHeaderBytes);
            reader.ReadExactly(RecordChain.SaltLength);
            recordsOffset = Magic.Length + sizeof(ushort) + sizeof(uint) + header.Length + RecordChain.SaltLength;
            return header;
        }
        catch (WireException e)
        {
            throw new StoreException($"The file is no backup of a partition, or of another version. {Another}", e);
        }
    }

    private static void Apply(PartitionState state, byte[] record, long sequence)
    {
        try
        {
            state.Apply(StoreRecord.Decode(record));
        }
        catch (Exception e) when (e is WireException or DerException)
        {
            throw new StoreException($"Record {sequence} of the backup is genuine and makes no sense ({e.Message}) {Another}", e);
        }
    }

    private static StoreException Damaged(long sequence) => new($"The backup was tampered with or is damaged at record {sequence}. {Another}");
}
