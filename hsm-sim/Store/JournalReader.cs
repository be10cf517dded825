using ZwCa.Asn1;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.HsmSim.Store;

/// <summary>A journal that was read to its end.</summary>
/// <param name="End">The last good record.</param>
/// <param name="Continues">The record of a generation before that its snapshot stands for; default in the first.</param>
/// <param name="IsOnlySnapshot">Nothing was added behind the snapshot.</param>
/// <param name="TornBytes">Behind the end: a write that a crash interrupted and that nobody was told of.</param>
internal sealed record JournalContent(PartitionState State, JournalPosition End, JournalPosition Continues, bool IsOnlySnapshot, long TornBytes);

/// <summary>
/// Reads the newest journal and holds it against the anchor. What the anchor tells of has to be there, unchanged: else nothing is accepted.
/// What comes after may be torn, because a crash may leave that: the anchor is written once a group is flushed, and only then is anybody
/// answered. After a crash between a new generation and its anchor the generations between are there still, and must lead to the anchor's: each
/// is a snapshot of the very end of the one before and no more. Otherwise the journal of a copy of the store that its holders opened elsewhere
/// would pass, and what the anchor tells of would be lost.
/// </summary>
internal static class JournalReader
{
    private const string Restore = "Restore the partition from a backup.";

    /// <param name="load">Gives the file of a generation.</param>
    /// <param name="generation">The highest that there is.</param>
    /// <exception cref="StoreException">Damaged, or older than the anchor; the message says which.</exception>
    public static JournalContent Read(
        Func<long, ReadOnlyMemory<byte>> load, long generation, MasterKey master, ReadOnlySpan<byte> partitionId, JournalPosition anchor)
    {
        if (generation < anchor.Generation)
        {
            throw RolledBack($"its journal is of generation {generation}, the anchor tells of {anchor.Generation}");
        }

        JournalContent newest = Scan(load(generation), generation, master, partitionId, [anchor]);
        JournalContent content = newest;
        while (content.End.Generation > anchor.Generation)
        {
            // It was flushed before it got its name, and nothing was added to it: no part of it may be torn.
            if (content.TornBytes > 0)
            {
                throw Damaged(content.End.Sequence + 1);
            }

            JournalPosition from = content.Continues;
            if (!content.IsOnlySnapshot || from.Generation < anchor.Generation || from.Generation >= content.End.Generation)
            {
                throw DoesNotContinue(content);
            }

            JournalContent before = Scan(load(from.Generation), from.Generation, master, partitionId, [from, anchor]);
            content = before.End == from ? before : throw DoesNotContinue(content);
        }

        return newest;
    }

    /// <param name="expected">Records that have to be there, if they are of this generation.</param>
    private static JournalContent Scan(
        ReadOnlyMemory<byte> file, long generation, MasterKey master, ReadOnlySpan<byte> partitionId, ReadOnlySpan<JournalPosition> expected)
    {
        JournalHead? head = JournalHead.Read(file);
        if (head is null || head.Generation != generation)
        {
            throw new StoreException($"The store is damaged: the beginning of journal {generation} is. {Restore}");
        }

        var state = new PartitionState();
        using var chain = new RecordChain(master, JournalHead.Purpose, head.Bytes.Span, partitionId, generation, head.SequenceBefore);
        var found = new HashSet<JournalPosition>();
        JournalPosition? continues = null;
        long snapshotEnd = 0;
        int offset = JournalHead.Length;
        while (offset < file.Length && chain.Open(file.Span[offset..], out int length) is { } record)
        {
            offset += length;
            if (record is [JournalHead.ClosingKind, ..])
            {
                continues = ReadClosing(record, chain.Sequence);
                snapshotEnd = chain.Sequence;
            }
            else
            {
                Apply(state, record, chain.Sequence);
            }

            if (expected.Contains(chain.Position))
            {
                found.Add(chain.Position);
            }
        }

        foreach (JournalPosition position in expected)
        {
            if (position.Generation != generation || found.Contains(position))
            {
                continue;
            }

            if (chain.Sequence >= position.Sequence)
            {
                throw RolledBack($"its record {position.Sequence} is not the one that is told of");
            }

            throw offset == file.Length && continues is not null
                ? RolledBack($"it ends with record {chain.Sequence}, and {position.Sequence} is told of")
                : Damaged(chain.Sequence + 1);
        }

        // Without its end a snapshot says nothing.
        return continues is { } from
            ? new JournalContent(state, chain.Position, from, chain.Sequence == snapshotEnd, file.Length - offset)
            : throw Damaged(chain.Sequence + 1);
    }

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

    private static StoreException DoesNotContinue(JournalContent content) =>
        RolledBack($"its generation {content.End.Generation} does not continue what the anchor tells of");

    private static StoreException RolledBack(string how) =>
        new($"The store was rolled back: {how}. An older copy was put in its place, which would bring back spent keys and old counters. "
            + $"Put the newest files back. If they are lost: {Restore}");
}
