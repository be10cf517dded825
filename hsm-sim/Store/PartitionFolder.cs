using System.Security.Cryptography;
using ZwCa.Cryptography;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Store;

/// <summary>The files of one partition: header, journal, auto-unlock.key of a store marked so, restore while one waits; the anchor elsewhere.</summary>
internal sealed class PartitionFolder(string name, string path, string anchorPath)
{
    private const int EpochIdLength = StoreRecord.IdLength;

    public string Name => name;

    public string AnchorPath => anchorPath;

    public string HeaderPath => Path.Combine(path, "header");

    /// <summary>The master key in clear.</summary>
    public string AutoUnlockPath => Path.Combine(path, "auto-unlock.key");

    /// <summary>The backup file that the next opening begins with.</summary>
    public string RestorePath => Path.Combine(path, "restore");

    public string JournalPath(long generation) => Path.Combine(path, JournalHead.NameOf(generation));

    /// <exception cref="StoreException">Damaged.</exception>
    public PartitionHeader ReadHeader() => PartitionHeader.Read(ReadFile(HeaderPath));

    /// <summary>Reads what there is and begins a new generation. Where it refuses it has changed nothing.</summary>
    /// <param name="master">The opened partition's from now on, unless this throws.</param>
    /// <param name="notify">Is told what the operator should know.</param>
    /// <exception cref="StoreException">The store is not what it was; the message says what to do.</exception>
    public OpenedPartition Open(
        MasterKey master, FaultKnobs faults, TimeProvider clock, Action<string> notify, long growthLimit = PartitionStore.DefaultGrowthLimit)
    {
        PartitionHeader header = ReadHeader();
        if (!header.IsAuthentic(master))
        {
            throw new StoreException("The partition's header was changed, or the key is another partition's. Restore the partition from a backup.");
        }

        byte[]? restoration = Anchor.ReadRestoration(AnchorPath);
        PartitionStore store = restoration is null
            ? Continue(header, master, faults, clock, notify, growthLimit)
            : Restore(restoration, header, master, faults, clock, notify, growthLimit);
        return new OpenedPartition(Name, header.Id, header.Threshold, header.Holders, master, store, faults) { Header = header };
    }

    public static void DeleteAllJournalsBut(string folder, long generation)
    {
        foreach (string file in Directory.EnumerateFiles(folder, JournalHead.NamePrefix + "*"))
        {
            if (JournalHead.GenerationOf(Path.GetFileName(file)) != generation)
            {
                File.Delete(file);
            }
        }

        Disk.FlushFolder(folder);
    }

    private PartitionStore Continue(
        PartitionHeader header, MasterKey master, FaultKnobs faults, TimeProvider clock, Action<string> notify, long growthLimit)
    {
        Anchor anchor = Anchor.Open(AnchorPath, master, header.Id);
        try
        {
            long generation = Directory.EnumerateFiles(path).Max(file => JournalHead.GenerationOf(Path.GetFileName(file)))
                ?? throw new StoreException("The partition's journal is missing. Put it back; if it is lost, restore the partition from a backup.");
            JournalContent content = JournalReader.Read(g => ReadFile(JournalPath(g)), generation, master, header.Id.Span, anchor.Position);
            if (content.TornBytes > 0)
            {
                notify($"Partition {Name}: the last write was interrupted; its {content.TornBytes} bytes, of which nobody was told, are left out.");
            }

            // A killed process may have left its last records unflushed. The new generation refers to them, so that they must not be lost before it.
            Disk.Flush(JournalPath(generation));
            JournalWriter journal = JournalWriter.Begin(path, master, header.Id.Span, content.End, content.State.Snapshot(), faults);
            try
            {
                anchor.Write(journal.Position);
                anchor.Flush();
                return Start(header, master, content.State, journal, anchor, faults, clock, growthLimit);
            }
            catch
            {
                journal.Dispose();
                throw;
            }
        }
        catch
        {
            anchor.Dispose();
            throw;
        }
    }

    // Step by step such that after a crash the next opening either restores again, with another epoch, or continues.
    private PartitionStore Restore(
        byte[] expectedHash, PartitionHeader header, MasterKey master, FaultKnobs faults, TimeProvider clock, Action<string> notify, long growthLimit)
    {
        // Step 1: the backup must be the one that was put here by a restore, and genuine.
        byte[] backup = ReadFile(RestorePath);
        if (!CryptographicOperations.FixedTimeEquals(Sm3.HashData(backup), expectedHash))
        {
            throw new StoreException("The backup that waits to be restored was changed since. Restore it anew.");
        }

        PartitionState state = BackupFile.Open(backup, master, header);

        // Step 2: a new epoch, so that keys bound after the backup cannot be bound again.
        state.Apply(new StoreRecord.EpochBegun(state.Epoch + 1, RandomNumberGenerator.GetBytes(EpochIdLength)));
        JournalWriter journal = JournalWriter.Begin(path, master, header.Id.Span, default, state.Snapshot(), faults);

        // Step 3: the anchor takes the place of the note; from here on the backup is not read again.
        Anchor? anchor = null;
        try
        {
            anchor = Anchor.Make(AnchorPath, master, header.Id, journal.Position);
            notify($"Partition {Name}: restored from a backup; epoch {state.Epoch} begins.");
            return Start(header, master, state, journal, anchor, faults, clock, growthLimit);
        }
        catch
        {
            anchor?.Dispose();
            journal.Dispose();
            throw;
        }
    }

    private PartitionStore Start(
        PartitionHeader header,
        MasterKey master,
        PartitionState state,
        JournalWriter journal,
        Anchor anchor,
        FaultKnobs faults,
        TimeProvider clock,
        long growthLimit)
    {
        File.Delete(RestorePath);
        DeleteAllJournalsBut(path, journal.Position.Generation);
        return new PartitionStore(path, header.Id, master, state, journal, anchor, faults, clock, growthLimit);
    }

    private static byte[] ReadFile(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (FileNotFoundException e)
        {
            throw new StoreException($"{file} is missing. Put it back; if it is lost, restore the partition from a backup.", e);
        }
    }
}
