namespace ZwCa.Ocsp.Feed;

/// <summary>How the copy of the feed stands, for those who answer and for readiness. Safe for concurrent use.</summary>
internal sealed class FeedState(TimeProvider time)
{
    private FeedCopy? _copy;
    private string? _fault;
    private long _completeAt = long.MinValue;

    /// <summary>What is answered from. Null: nothing yet.</summary>
    public ServedFeed? Served => Volatile.Read(ref _copy)?.Served;

    /// <summary>The last moment, as the feed says it, at which all that there was had come. Null: not since the start.</summary>
    public DateTimeOffset? CompleteAt => Volatile.Read(ref _completeAt) is var ticks and not long.MinValue ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Why the feed is not believed, or what is damaged. Null: nothing.</summary>
    public string? Fault => Volatile.Read(ref _fault);

    /// <summary>Number of the last segment; 0: none.</summary>
    public long Number => Volatile.Read(ref _copy)?.Number ?? 0;

    /// <summary>Since when nothing was heard. Null: not since the start.</summary>
    public TimeSpan? Age => CompleteAt is { } at ? time.GetUtcNow() - at : null;

    public void Open(FeedCopy copy) => Volatile.Write(ref _copy, copy);

    /// <summary>All has come that there was at that time.</summary>
    public void Complete(DateTimeOffset at)
    {
        if (at.UtcTicks > Volatile.Read(ref _completeAt))
        {
            Volatile.Write(ref _completeAt, at.UtcTicks);
        }
    }

    /// <param name="reason">Null: it is well again.</param>
    public void Blame(string? reason) => Volatile.Write(ref _fault, reason);
}
