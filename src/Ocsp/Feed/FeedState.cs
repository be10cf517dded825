namespace ZwCa.Ocsp.Feed;

/// <summary>How the copy of the feed stands, for those who answer and for readiness. Safe for concurrent use.</summary>
internal sealed class FeedState(TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();
    private FeedCopy? _copy;
    private string? _fault;
    private string? _fileFault;
    private long _completeAt = long.MinValue;
    private DateTimeOffset? _said;
    private long _heardAt;

    /// <summary>Null: it was not opened yet.</summary>
    public FeedCopy? Copy => Volatile.Read(ref _copy);

    /// <summary>What is answered from. Null: nothing yet.</summary>
    public ServedFeed? Served => Copy?.Served;

    /// <summary>The last moment, as the feed says it and never one to come, at which all that there was had come. Null: not since the start.</summary>
    public DateTimeOffset? CompleteAt => Volatile.Read(ref _completeAt) is var ticks and not long.MinValue ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Why the feed is not believed, or what is damaged. Null: nothing.</summary>
    public string? Fault => Volatile.Read(ref _fault);

    /// <summary>Number of the last segment; 0: none.</summary>
    public long Number => Copy?.Number ?? 0;

    /// <summary>Why a CRL or a snapshot cannot be had. Null: all are there.</summary>
    public string? FileFault => Volatile.Read(ref _fileFault);

    /// <summary>Since when nothing was heard; since the start, where nothing was. A clock that is set back makes nothing younger.</summary>
    public TimeSpan Age
    {
        get
        {
            if (CompleteAt is not { } at)
            {
                return time.GetElapsedTime(_started);
            }

            TimeSpan byClock = time.GetUtcNow() - at, byTicks = time.GetElapsedTime(Volatile.Read(ref _heardAt));
            return byClock > byTicks ? byClock : byTicks;
        }
    }

    public void Open(FeedCopy copy) => Volatile.Write(ref _copy, copy);

    /// <summary>All has come that there was at that time. One caller.</summary>
    public void Complete(DateTimeOffset at)
    {
        // Step 1: what was said just now, or is older than the clocks of two nodes of the CA are apart, is no sign that the CA is there: anybody may have kept it.
        DateTimeOffset now = time.GetUtcNow();
        if (at == _said || (CompleteAt is { } last && at < (last < now ? last : now) - ClockDifference.Time))
        {
            return;
        }

        // Step 2: the CA was heard, also by the one of its nodes whose clock is behind.
        _said = at;
        Volatile.Write(ref _heardAt, time.GetTimestamp());

        // Step 3: a node of the CA whose clock is ahead knows nothing of what is to come, and must not make the right ones look old.
        Volatile.Write(ref _completeAt, Math.Min(Math.Max(at.UtcTicks, Volatile.Read(ref _completeAt)), now.UtcTicks));
    }

    /// <param name="reason">Null: all files are there.</param>
    public void BlameFiles(string? reason) => Volatile.Write(ref _fileFault, reason);

    /// <param name="reason">Null: it is well again.</param>
    public void Blame(string? reason) => Volatile.Write(ref _fault, reason);
}
