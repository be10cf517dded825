using ZwCa.Hsm.Simulator.Wire;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// The state of an open partition and the journal that makes it durable. Whoever changes the state holds <see cref="Gate"/>, looks, appends, lets
/// go, and answers nobody before <see cref="WaitDurableAsync"/>: also one who only looked at what another just changed.
/// <para>
/// One thread takes all records that are queued, writes them at once, flushes, writes the anchor and wakes those who wait. The first failure is
/// the last: after a failed flush nobody knows what the disk has, so it is not tried again.
/// </para>
/// </summary>
internal sealed class PartitionStore : IAsyncDisposable
{
    /// <summary>Bytes that a generation grows by before the next begins, with a snapshot. Answers wait while that is written: some seconds with a million bindings.</summary>
    public const long DefaultGrowthLimit = 64 << 20;

    private static readonly TimeSpan AnchorFlushInterval = TimeSpan.FromSeconds(1);

    private readonly string _folder;
    private readonly ReadOnlyMemory<byte> _partitionId;
    private readonly MasterKey _master;
    private readonly Anchor _anchor;
    private readonly FaultKnobs _faults;
    private readonly TimeProvider _clock;
    private readonly long _growthLimit;

    // Held for each step that changes a file; a power loss takes it and never gives it back.
    private readonly Lock _files = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The writer's own.
    private JournalWriter _journal;
    private long _snapshotLength;
    private long _anchorFlushed;

    // Under the gate.
    private List<StoreRecord> _queue = [];
    private TaskCompletionSource _queued = NewGroup();
    private TaskCompletionSource _writing = NewGroup();
    private long _writingTo;
    private long _durableTo;
    private bool _closing;
    private IOException? _failure;
    private long _position;

    /// <summary>Starts the writer. Journal, anchor and, until the end, the master key are the store's from now on.</summary>
    public PartitionStore(
        string folder,
        ReadOnlyMemory<byte> partitionId,
        MasterKey master,
        PartitionState state,
        JournalWriter journal,
        Anchor anchor,
        FaultKnobs faults,
        TimeProvider clock,
        long growthLimit)
    {
        _folder = folder;
        _partitionId = partitionId;
        _master = master;
        State = state;
        _journal = journal;
        _snapshotLength = journal.Length;
        _anchor = anchor;
        _anchorFlushed = clock.GetTimestamp();
        _faults = faults;
        _clock = clock;
        _growthLimit = growthLimit;
        faults.PowerLost += LoseUnflushed;
        new Thread(Write) { IsBackground = true, Name = "journal" }.Start();
    }

    public Lock Gate { get; } = new();

    /// <summary>Read and changed under <see cref="Gate"/> only.</summary>
    public PartitionState State { get; }

    /// <summary>Where the journal's end is; for <see cref="WaitDurableAsync"/>.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Changes the state and queues the record. <see cref="Gate"/> is held.</summary>
    /// <returns>The position to wait for.</returns>
    /// <exception cref="IOException">The disk failed before.</exception>
    public long Append(StoreRecord record)
    {
        if (_failure is not null)
        {
            throw NewFailure(_failure);
        }

        ObjectDisposedException.ThrowIf(_closing, this);
        State.Apply(record);
        _queue.Add(record);
        if (_queue.Count == 1)
        {
            _wake.Release();
        }

        Volatile.Write(ref _position, _position + 1);
        return _position;
    }

    /// <summary>Completes once everything up to a position is on stable storage.</summary>
    /// <exception cref="IOException">The disk failed; the partition is of no use until the process starts anew.</exception>
    public ValueTask WaitDurableAsync(long position)
    {
        lock (Gate)
        {
            if (position <= _durableTo)
            {
                return ValueTask.CompletedTask;
            }

            return new ValueTask(position <= _writingTo ? _writing.Task : _queued.Task);
        }
    }

    /// <summary>Writes what is queued, flushes the anchor and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (Gate)
        {
            if (!_closing)
            {
                _closing = true;
                _wake.Release();
            }
        }

        await _ended.Task;
    }

    private static TaskCompletionSource NewGroup() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Each waiter gets an exception of its own.
    private static IOException NewFailure(IOException failure) => new(failure.Message, failure);

    private void Write()
    {
        try
        {
            bool closing = false;
            while (!closing)
            {
                _wake.Wait(_anchor.IsBehind ? AnchorFlushInterval : Timeout.InfiniteTimeSpan);
                List<StoreRecord> group = TakeGroup(out closing);
                if (group.Count > 0)
                {
                    WriteGroup(group);
                    CompleteGroup();
                }

                if (_anchor.IsBehind && (closing || _clock.GetElapsedTime(_anchorFlushed) >= AnchorFlushInterval))
                {
                    FlushAnchor();
                }

                if (_journal.Length - _snapshotLength >= _growthLimit)
                {
                    BeginGeneration();
                }
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
        finally
        {
            _faults.PowerLost -= LoseUnflushed;
            _journal.Dispose();
            _anchor.Dispose();
            _ended.SetResult();
        }
    }

    private List<StoreRecord> TakeGroup(out bool closing)
    {
        lock (Gate)
        {
            closing = _closing;
            List<StoreRecord> group = _queue;
            if (group.Count > 0)
            {
                _queue = [];
                _writing = _queued;
                _writingTo = _position;
                _queued = NewGroup();
            }

            return group;
        }
    }

    private void WriteGroup(List<StoreRecord> group)
    {
        using var output = new WireWriter();
        _journal.Seal(group, output);
        ReadOnlySpan<byte> bytes = output.Written.Span;
        _faults.At(FaultPoint.BeforeJournalWrite);
        if (_faults.IsArmed(FaultPoint.AmidJournalWrite))
        {
            int half = bytes.Length / 2;
            lock (_files)
            {
                _journal.Write(bytes[..half]);
            }

            bytes = bytes[half..];
            _faults.At(FaultPoint.AmidJournalWrite);
        }

        lock (_files)
        {
            _journal.Write(bytes);
        }

        _faults.At(FaultPoint.BeforeFlush);
        lock (_files)
        {
            _journal.Flush();
        }

        _faults.At(FaultPoint.BeforeAnchor);
        lock (_files)
        {
            _anchor.Write(_journal.Position);
        }

        _faults.At(FaultPoint.AfterAnchor);
    }

    private void CompleteGroup()
    {
        TaskCompletionSource done;
        lock (Gate)
        {
            _durableTo = _writingTo;
            done = _writing;
        }

        done.SetResult();
    }

    private void FlushAnchor()
    {
        lock (_files)
        {
            _anchor.Flush();
        }

        _anchorFlushed = _clock.GetTimestamp();
    }

    // The snapshot has the effects of what is queued: these records are durable with it and are not written one by one.
    private void BeginGeneration()
    {
        StoreRecord[] snapshot;
        bool covers;
        lock (Gate)
        {
            snapshot = [.. State.Snapshot()];
            covers = TakeGroup(out _).Count > 0;
        }

        lock (_files)
        {
            JournalWriter next = JournalWriter.Begin(_folder, _master, _partitionId.Span, _journal.Position, snapshot, _faults);
            _journal.Dispose();
            _journal = next;
            _snapshotLength = next.Length;
            _anchor.Write(next.Position);
            _anchor.Flush();
            PartitionFolder.DeleteAllJournalsBut(_folder, next.Position.Generation);
        }

        _anchorFlushed = _clock.GetTimestamp();
        if (covers)
        {
            CompleteGroup();
        }
    }

    private void Fail(Exception e)
    {
        var failure = new IOException($"The partition's journal cannot be written any more ({e.Message}). Start the device anew when the cause is gone.", e);
        TaskCompletionSource writing;
        TaskCompletionSource queued;
        lock (Gate)
        {
            _failure = failure;
            writing = _writing;
            queued = _queued;
        }

        writing.TrySetException(NewFailure(failure));
        queued.TrySetException(NewFailure(failure));
    }

    // Raised on another thread, or on the writer's at a fault point. The process ends with the lock held: nothing is written after.
    private void LoseUnflushed()
    {
        _files.Enter();
        _journal.LoseUnflushed();
        _anchor.LoseUnflushed();
    }
}
