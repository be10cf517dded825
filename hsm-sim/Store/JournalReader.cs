using ZwCa.Asn1;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>A journal that was read to its end and held against the anchor.</summary>
/// <param name="End">The last good record.</param>
/// <param name="TornBytes">Behind it: a write that a crash interrupted and that nobody was told of.</param>
internal sealed record JournalContent(PartitionState State, JournalPosition End, long TornBytes);

/// <summary>
/// Reads a journal. What the anchor tells of has to be there, unchanged: else nothing is accepted. What comes after may be torn, because a
/// crash may leave that: the anchor is written once a group is flushed, and only then is anybody answered.
/// </summary>
internal static class JournalReader
{
    private const string Restore = "Restore the partition from a backup.";

    /// <param name="generation">By the file's name; the highest that there is.</param>
    /// <exception cref="StoreException">Damaged, or older than the anchor; the message says which.</exception>
    public static JournalContent Read(ReadOnlyMemory<byte> file, long generation, MasterKey master, ReadOnlySpan<byte> partitionId, JournalPosition anchor)
    {
        if (generation < anchor.Generation)
        {
            throw RolledBack($"its journal is of generation {generation}, the anchor tells of {anchor.Generation}");
        }

        JournalHead? head = JournalHead.Read(file);
        if (head is null || head.Generation != generation)
        {
            throw new StoreException($"The store is damaged: the beginning of journal {generation} is. {Restore}");
        }

        var state = new PartitionState();
        using var chain = new RecordChain(master, JournalHead.Purpose, head.Bytes.Span, partitionId, generation, head.SequenceBefore);
        JournalPosition? continues = null;
        JournalPosition? atAnchor = null;
        int offset = JournalHead.Length;
        while (offset < file.Length && chain.Open(file.Span[offset..], out int length) is { } record)
        {
            offset += length;
            if (record is [JournalHead.ClosingKind, ..])
            {
                continues = ReadClosing(record, chain.Sequence);
            }
            else
            {
                Apply(state, record, chain.Sequence);
            }

            if (chain.Sequence == anchor.Sequence)
            {
                atAnchor = chain.Position;
            }
        }

        bool whole = offset == file.Length;
        if (generation == anchor.Generation && chain.Sequence < anchor.Sequence)
        {
            throw whole && continues is not null
                ? RolledBack($"it ends with record {chain.Sequence}, the anchor tells of {anchor.Sequence}")
                : Damaged(chain.Sequence + 1);
        }

        if (generation == anchor.Generation && atAnchor != anchor)
        {
            throw RolledBack($"its record {anchor.Sequence} is not the one that the anchor tells of");
        }

        // A generation that the anchor does not tell of yet was flushed before it got its name, and nothing was added to it: no part of it may be torn.
        if (continues is not { } from || (generation > anchor.Generation && !whole))
        {
            throw Damaged(chain.Sequence + 1);
        }

        if (generation > anchor.Generation && !Reaches(from, anchor))
        {
            throw RolledBack($"its generation {generation} does not continue what the anchor tells of");
        }

        return new JournalContent(state, chain.Position, file.Length - offset);
    }

    // Generations between the anchor's and this one's come of crashes in a row.
    private static bool Reaches(JournalPosition from, JournalPosition anchor) =>
        from.Generation > anchor.Generation
        || from == anchor
        || (from.Generation == anchor.Generation && from.Sequence > anchor.Sequence);

    private static JournalPosition ReadClosing(byte[] record, long sequence) =>
        record.Length == 1 + JournalPosition.Length ? JournalPosition.Read(record.AsSpan(1)) : throw Damaged(sequence);

    private static void Apply(PartitionState state, byte[] record, long sequence)
    {
        try
        {
            state.Apply(StoreRecord.Decode(record));
        }
        catch (Exception e) when (e is WireException or DerException)
        {
            throw new StoreException($"The store is damaged: record {sequence} is genuine and makes no sense ({e.Message}) {Restore}", e);
        }
    }

    private static StoreException Damaged(long sequence) =>
        new($"The store is damaged: record {sequence} of its journal is not what was written, or was cut off. {Restore}");

    private static StoreException RolledBack(string how) =>
        new($"The store was rolled back: {how}. An older copy was put in its place, which would bring back spent keys and old counters. "
            + $"Put the newest files back. If they are lost: {Restore}");
}
