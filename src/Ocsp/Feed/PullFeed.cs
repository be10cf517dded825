using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// Loads the copy of the feed, and keeps it the CA's: waits for news, fetches the segments that follow, verifies them, and takes them. Large files are not its own (<see cref="FetchFiles"/>). What fails is tried again, later each time up to a limit; what is not to be
/// believed is said in words, and what was verified before stays served.
/// </summary>
internal sealed partial class PullFeed(
    FeedOptions options, Func<FeedCopy> open, FeedClient client, CrlFiles crls, FeedState state, TimeProvider time, ILogger<PullFeed> logger) : BackgroundService
{
    private FeedCopy _copy = null!;
    private bool _isHeard;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Not in the caller's way: a million statuses take a while.
        await Task.Yield();
        int failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (_copy is null)
                {
                    Load();
                }

                await RunOnceAsync(stoppingToken);
                failures = 0;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or UnauthorizedAccessException or DerException or FeedRefusedException)
            {
                failures++;
                if (e is FeedRefusedException or DerException or UnauthorizedAccessException or IOException)
                {
                    state.Blame(e.Message);
                }

                LogFailed(logger, failures, e.Message);
                await Task.Delay(options.WaitAfter(failures), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Opens the copy that is on the disk.</summary>
    /// <exception cref="FeedRefusedException">What was remembered is damaged.</exception>
    internal void Load()
    {
        FeedCopy copy = open();
        string? damage = copy.Load();
        state.Blame(damage);
        crls.Look(copy.Crls, copy.Latest);
        _copy = copy;
        state.Open(copy);
        LogLoaded(logger, copy.Number, copy.Latest.Table.Count, damage ?? "");
    }

    /// <summary>Waits for news, and takes them.</summary>
    /// <exception cref="FeedRefusedException">What came is not to be believed.</exception>
    /// <exception cref="HttpRequestException">The CA is away.</exception>
    internal async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        // Step 1: how far the feed is. Who is behind does not wait for news, nor who has heard nothing since the start, or since the CA was away: until he has, he signs nothing.
        bool waits = _copy.IsComplete && _isHeard;
        _isHeard = false;
        FeedStatement heartbeat = await client.ReadHeadAsync(waits ? _copy.Number : 0, cancellationToken);
        if (heartbeat.Tbs.Time > time.GetUtcNow() + ClockDifference.Time)
        {
            throw new FeedRefusedException($"The feed's heartbeat is of {heartbeat.Tbs.Time:u}, which is to come: one of the clocks is wrong.");
        }

        // Step 2: a key that is not known here may be the next one, and the segment that names it, signed with the key that is believed, still to come. How far the feed is, is asked again then.
        if (!_copy.Believes(heartbeat) && await client.ReadSegmentsAsync(_copy.Number, cancellationToken) is { Segments: { Count: > 0 } segments })
        {
            _copy.Append(segments);
            return;
        }

        bool isComplete = _copy.Hear(heartbeat);

        // Step 3: what is missing. A feed that has a gap again behind its own snapshot is asked anew later, not at once and for ever.
        for (bool hasBegun = false; !isComplete; isComplete = _copy.IsComplete)
        {
            bool begins = await FetchAsync(cancellationToken);
            hasBegun = begins && hasBegun ? throw new FeedRefusedException($"Segment {_copy.Number + 1} is not to be had, though the copy begins where the feed says: there is a gap.") : begins || hasBegun;
        }

        // Step 4: only now is the word of the heartbeat true here; who withholds segments is seen like one who withholds heartbeats.
        state.Complete(heartbeat.Tbs.Time);
        state.Blame(null);
        _isHeard = true;
    }

    /// <returns>Whether the copy begins anew.</returns>
    private async Task<bool> FetchAsync(CancellationToken cancellationToken)
    {
        // A new node: statuses from the snapshot, and then all segments that are kept, for the responses in them.
        (IReadOnlyList<FeedSegment>? segments, long first) = await client.ReadSegmentsAsync(_copy.Number, cancellationToken);
        if (segments is null)
        {
            FeedStatement snapshot = await client.FindSnapshotAsync(cancellationToken)
                ?? throw new FeedRefusedException($"Segment {_copy.Number + 1} is not to be had any more, and there is no snapshot: there is a gap.");
            await _copy.BeginAsync(snapshot, first, part => client.ReadPartAsync(snapshot.Tbs.Number, part, cancellationToken));
            LogBegun(logger, snapshot.Tbs.Number, first);
            return true;
        }

        if (segments.Count == 0)
        {
            throw new FeedRefusedException($"Segment {_copy.Number + 1} is withheld: the feed says that it has come farther.");
        }

        _copy.Append(segments);
        return false;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The copy of the feed ends with segment {Number}, and has {Certificates} certificates {Damage}")]
    private static partial void LogLoaded(ILogger logger, long number, int certificates, string damage);

    [LoggerMessage(Level = LogLevel.Information, Message = "The copy of the feed begins anew: snapshot {Number}, segments from {First} on")]
    private static partial void LogBegun(ILogger logger, long number, long first);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The feed was not fetched ({Failures} times in a row): {Reason}")]
    private static partial void LogFailed(ILogger logger, int failures, string reason);
}
