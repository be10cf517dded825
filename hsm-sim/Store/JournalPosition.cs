using System.Buffers.Binary;

namespace ZwCa.HsmSim.Store;

/// <summary>A record of the journal: generation, sequence number and the GCM tag that everything up to there leads to. 32 bytes, big-endian.</summary>
internal readonly record struct JournalPosition(long Generation, long Sequence, UInt128 Tag)
{
    public const int Length = 32;

    public static JournalPosition Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64BigEndian(bytes),
        BinaryPrimitives.ReadInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, Generation);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], Sequence);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], Tag);
    }
}
