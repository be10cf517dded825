using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// The beginning of a journal: magic (8), version (2), generation (8), sequence number before the first record (8), salt (32). Then come
/// records: a snapshot of the state, one that closes the snapshot (a zero byte and the <see cref="JournalPosition"/> in the generation before
/// that the snapshot stands for, all zero in the first), and what happened since.
/// </summary>
/// <param name="Bytes">As on disk: the key of the file is made of them.</param>
internal sealed record JournalHead(long Generation, long SequenceBefore, ReadOnlyMemory<byte> Bytes)
{
    public const int Length = 8 + sizeof(ushort) + (2 * sizeof(long)) + RecordChain.SaltLength;

    /// <summary>First byte of the record that closes a snapshot; no <see cref="StoreRecord"/> has it.</summary>
    public const byte ClosingKind = 0;

    public const string Purpose = "journal";

    private const ushort Version = 1;
    public const string NamePrefix = "journal-";

    private static ReadOnlySpan<byte> Magic => "ZWHSMJNL"u8;

    public static string NameOf(long generation) => string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{generation}");

    /// <returns>The generation, or null where the name is no journal's.</returns>
    public static long? GenerationOf(string name) =>
        name.StartsWith(NamePrefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(NamePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long generation)
        && NameOf(generation) == name
            ? generation
            : null;

    /// <summary>A new one, with a salt of its own.</summary>
    public static JournalHead Make(long generation, long sequenceBefore)
    {
        using var writer = new WireWriter();
        writer.WriteExactly(Magic);
        writer.WriteUInt16(Version);
        writer.WriteInt64(generation);
        writer.WriteInt64(sequenceBefore);
        RandomNumberGenerator.Fill(writer.Reserve(RecordChain.SaltLength));
        return new JournalHead(generation, sequenceBefore, writer.Written.ToArray());
    }

    /// <returns>Null: not the beginning of a journal. Whether it is genuine shows when its records open.</returns>
    public static JournalHead? Read(ReadOnlyMemory<byte> file)
    {
        if (file.Length < Length || !file.Span.StartsWith(Magic))
        {
            return null;
        }

        var reader = new WireReader(file[Magic.Length..Length]);
        ushort version = reader.ReadUInt16();
        var head = new JournalHead(reader.ReadInt64(), reader.ReadInt64(), file[..Length]);
        return version == Version && head.Generation > 0 && head.SequenceBefore is >= 0 and < long.MaxValue / 2 ? head : null;
    }
}
