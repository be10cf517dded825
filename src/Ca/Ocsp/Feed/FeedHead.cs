using ZwCa.Data;

namespace ZwCa.Ca.Ocsp;

/// <summary>How far the feed has come, for those who wait for it: at once what this node appends, within <see cref="Look"/> what others do. However many wait, the database is asked once. Safe for concurrent use.</summary>
internal sealed class FeedHead(Database database, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(80);

    private readonly Lock _lock = new();
    private Task<FeedPosition> _last = Task.FromResult(new FeedPosition(0, []));
    private long? _askedAt;
    private TaskCompletionSource _appended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>This node has appended a segment.</summary>
    public void Announce()
    {
        TaskCompletionSource appended;
        lock (_lock)
        {
            _askedAt = null;
            appended = _appended;
            _appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        appended.SetResult();
    }

    /// <returns>As it was a moment ago.</returns>
    public Task<FeedPosition> ReadAsync() => ReadAsync(anew: false);

    private Task<FeedPosition> ReadAsync(bool anew)
    {
        lock (_lock)
        {
            if (anew || _askedAt is not { } asked || time.GetElapsedTime(asked) >= Look || _last.IsFaulted)
            {
                _askedAt = time.GetTimestamp();
                _last = database.ReadAsync(FeedStore.FindLastAsync);
            }

            return _last;
        }
    }

    /// <summary>What was kept is read anew where it is below that number: somebody has heard it from another node, and is never told less. One that asks after 0 may have heard any.</summary>
    /// <returns>When there is a segment above that number; or, after the time is over, how far it is.</returns>
    public async Task<FeedPosition> WaitAsync(long after, TimeSpan patience, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        bool isBehind = after == 0 || (await ReadAsync()).Number < after;
        while (true)
        {
            Task appended;
            lock (_lock)
            {
                appended = _appended.Task;
            }

            FeedPosition last = await ReadAsync(isBehind);
            isBehind = false;
            if (last.Number > after || time.GetElapsedTime(began) >= patience)
            {
                return last;
            }

            await Task.WhenAny(appended, Task.Delay(Look, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
