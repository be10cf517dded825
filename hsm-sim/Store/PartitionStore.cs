namespace ZwCa.HsmSim.Store;

/// <summary>
/// The state of an open partition and the journal that makes it durable. Whoever changes the state holds <see cref="Gate"/>, looks, appends, lets
/// go, and answers nobody before <see cref="WaitDurableAsync"/>: also one who only looked at what another just changed.
/// </summary>
internal sealed class PartitionStore : IAsyncDisposable
{
    private long _position;

    public Lock Gate { get; } = new();

    /// <summary>Read and changed under <see cref="Gate"/> only.</summary>
    public PartitionState State { get; } = new();

    /// <summary>Where the journal's end is; for <see cref="WaitDurableAsync"/>.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Changes the state and queues the record. <see cref="Gate"/> is held.</summary>
    /// <returns>The position to wait for.</returns>
    public long Append(StoreRecord record)
    {
        State.Apply(record);
        return Interlocked.Increment(ref _position);
    }

    /// <summary>Completes once everything up to a position is on stable storage.</summary>
    /// <exception cref="IOException">The disk failed; the partition is of no use until the process starts anew.</exception>
    public ValueTask WaitDurableAsync(long position) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
