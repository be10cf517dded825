using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;

namespace ZwCa.Ocsp.Feed;

/// <summary>
/// Fetches the CRLs that the feed names and the snapshot of the day, apart from <see cref="PullFeed"/>: while hundreds of megabytes come from a slow CA, revocations are heard all the same. What
/// fails is tried again, and says nothing of the feed.
/// </summary>
internal sealed partial class FetchFiles(FeedOptions options, FeedClient client, CrlFiles crls, FeedState state, TimeProvider time, ILogger<FetchFiles> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromHours(1);

    private DateTimeOffset _tidied;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        int failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            // A CRL that an old copy names is long gone: the feed has to be heard first.
            IReadOnlyList<string> faults = state is { Copy: { } copy, Served: { } feed, CompleteAt: not null } ? await RunOnceAsync(copy, feed, stoppingToken) : [];
            failures = faults.Count == 0 ? 0 : failures + 1;
            state.BlameFiles(faults.Count == 0 ? null : string.Join(' ', faults));
            await Task.Delay(failures == 0 ? LookEvery : options.WaitAfter(failures), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>What could not be had, in words.</returns>
    private async Task<IReadOnlyList<string>> RunOnceAsync(FeedCopy copy, ServedFeed feed, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        try
        {
            // Step 1: CRLs.
            faults.AddRange(await crls.FetchAsync(copy.Crls, feed, client, cancellationToken));

            // Step 2: once an hour a newer snapshot, and what it makes superfluous.
            if ((time.GetUtcNow() - _tidied).Duration() >= TidyEvery)
            {
                if (await TidyAsync(copy, cancellationToken) is { } fault)
                {
                    faults.Add(fault);
                }
                else
                {
                    _tidied = time.GetUtcNow();
                }
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or UnauthorizedAccessException or DerException or FeedRefusedException)
        {
            faults.Add(e.Message);
        }

        if (faults.Count > 0 && !cancellationToken.IsCancellationRequested)
        {
            LogNoFile(logger, string.Join(' ', faults));
        }

        return faults;
    }

    /// <returns>Why segments could not be joined, in words. Null: they were.</returns>
    private async Task<string?> TidyAsync(FeedCopy copy, CancellationToken cancellationToken)
    {
        // What is here already does not wait for the CA.
        copy.Tidy(options.KeepExpired);
        string? fault = null;
        try
        {
            while (copy.Join())
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FeedRefusedException)
        {
            // The snapshot comes all the same: with it what cannot be joined goes one day, and a start needs none of it.
            fault = e.Message;
        }

        if (await client.FindSnapshotAsync(cancellationToken) is { } snapshot)
        {
            await copy.TakeSnapshotAsync(snapshot, part => client.ReadPartAsync(snapshot.Tbs.Number, part, cancellationToken));
            copy.Tidy(options.KeepExpired);
        }

        return fault;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A file was not fetched; it is tried again: {Reason}")]
    private static partial void LogNoFile(ILogger logger, string reason);
}
