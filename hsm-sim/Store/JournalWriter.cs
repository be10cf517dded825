using System.Security.Cryptography;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// One generation of the journal, open for records to be added. A file is only ever added to by the process that made it: behind a torn
/// write would be a nonce used twice, so each opening of the partition begins a generation, with a key of its own.
/// </summary>
internal sealed class JournalWriter : IDisposable
{
    // A snapshot is written in pieces of about this size.
    private const int ChunkLength = 1 << 20;

    private readonly FileStream _file;
    private readonly RecordChain _chain;

    private JournalWriter(FileStream file, RecordChain chain)
    {
        _file = file;
        _chain = chain;
    }

    public JournalPosition Position => _chain.Position;

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes that survive a power loss.</summary>
    public long FlushedLength { get; private set; }

    /// <summary>Makes a generation that begins with a snapshot, durably and in its place. The ones before are still there.</summary>
    /// <param name="folder">Of the partition.</param>
    /// <param name="before">What the snapshot stands for; default in the first generation.</param>
    public static JournalWriter Begin(
        string folder, MasterKey master, ReadOnlySpan<byte> partitionId, JournalPosition before, IEnumerable<StoreRecord> snapshot, FaultKnobs faults)
    {
        JournalHead head = JournalHead.Make(before.Generation + 1, before.Sequence);
        string path = Path.Combine(folder, JournalHead.NameOf(head.Generation));
        string unfinished = path + ".new";
        var writer = new JournalWriter(
            Disk.Open(unfinished, FileMode.Create),
            new RecordChain(master, JournalHead.Purpose, head.Bytes.Span, partitionId, head.Generation, head.SequenceBefore));
        try
        {
            writer.WriteSnapshot(head, snapshot, before);
            faults.At(FaultPoint.BeforeRename);
            File.Move(unfinished, path, overwrite: true);
            Disk.FlushFolder(folder);
            faults.At(FaultPoint.AfterRename);
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Encrypts a group. Of several counts of one key the last says all.</summary>
    public void Seal(IReadOnlyList<StoreRecord> group, WireWriter output)
    {
        var counted = new HashSet<KeyLabel>();
        var superseded = new HashSet<int>();
        for (int i = group.Count - 1; i >= 0; i--)
        {
            if (group[i] is StoreRecord.SignaturesMade made && !counted.Add(made.Label))
            {
                superseded.Add(i);
            }
        }

        for (int i = 0; i < group.Count; i++)
        {
            if (!superseded.Contains(i))
            {
                Seal(group[i], output);
            }
        }
    }

    /// <summary>Adds bytes to the file, not durably.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file.SafeFileHandle, bytes, Length);
        Length += bytes.Length;
    }

    public void Flush()
    {
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        FlushedLength = Length;
    }

    /// <summary>A power loss: some of what was not flushed is gone.</summary>
    public void LoseUnflushed()
    {
        long kept = RandomNumberGenerator.GetInt32((int)Math.Min(int.MaxValue - 1, Length - FlushedLength) + 1);
        RandomAccess.SetLength(_file.SafeFileHandle, FlushedLength + kept);
    }

    public void Dispose()
    {
        _chain.Dispose();
        _file.Dispose();
    }

    private void WriteSnapshot(JournalHead head, IEnumerable<StoreRecord> snapshot, JournalPosition before)
    {
        Write(head.Bytes.Span);
        var output = new WireWriter();
        try
        {
            foreach (StoreRecord record in snapshot)
            {
                Seal(record, output);
                if (output.Written.Length >= ChunkLength)
                {
                    Write(output.Written.Span);
                    output.Dispose();
                    output = new WireWriter();
                }
            }

            Span<byte> closing = stackalloc byte[1 + JournalPosition.Length];
            closing[0] = JournalHead.ClosingKind;
            before.Write(closing[1..]);
            _chain.Seal(closing, output);
            Write(output.Written.Span);
            Flush();
        }
        finally
        {
            output.Dispose();
        }
    }

    private void Seal(StoreRecord record, WireWriter output)
    {
        using var plaintext = new WireWriter();
        record.Write(plaintext);
        _chain.Seal(plaintext.Written.Span, output);
    }
}
