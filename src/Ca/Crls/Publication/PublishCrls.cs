using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Puts what has passed the gate into the publication folders, apart from what made it: tried again until it is done, by any node that has the folders. Afterwards it looks whether what
/// is there is still what was published, and puts it back where it is not. Safe for concurrent use.
/// </summary>
internal sealed partial class PublishCrls(
    Database database, AuditLog log, AuthorityList authorities, CrlScopes scopes, PublicationFolders folders, ServedCrls served, PutCrl put, CeremonyPublication ceremony,
    CrlOptions options, TimeProvider time, ILogger<PublishCrls> logger)
{
    public const string PublishAction = "crl.publish";

    /// <summary>Of a trouble's name: that the old file is still right says nothing of the new one, which cannot be written.</summary>
    private const string WaitingPrefix = "new ";

    private static readonly TimeSpan LeastPatience = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<string, string> _troubles = [];

    /// <summary>Runs under way, and since when, in ticks.</summary>
    private readonly ConcurrentDictionary<object, long> _running = [];

    /// <summary>What keeps CRLs from being published, or could not be put right; empty: nothing. In words, for the operator.</summary>
    public IEnumerable<string> Troubles => [.. FindStuck(), .. put.Forged.Order(StringComparer.Ordinal), .. _troubles.Values.Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Everything that waits, then a look at all that is published. Whatever fails is a trouble, and the next run tries it again.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        object run = new();
        _running[run] = time.GetTimestamp();
        try
        {
            // CRLs first: nothing of the ceremony's keeps them waiting.
            if (folders.All.Count > 0)
            {
                await TryAsync("all CRLs", () => RunCrlsAsync(cancellationToken), cancellationToken);
            }

            await TryAsync("ca", () => ceremony.RunAsync((name, work) => TryAsync(name, work, cancellationToken), cancellationToken), cancellationToken);
        }
        finally
        {
            _running.TryRemove(run, out _);
        }
    }

    private async Task RunCrlsAsync(CancellationToken cancellationToken)
    {
        var waiting = new HashSet<string>();
        foreach (CrlRow row in await database.ReadAsync(transaction => CrlStore.ListAsync(transaction, CrlState.Judged), cancellationToken))
        {
            // Of a CA that the configuration lacks, readiness tells.
            if (authorities.All.FirstOrDefault(each => each.Id == row.AuthorityId) is not { } authority)
            {
                continue;
            }

            var scope = new CrlScope(authority, row.Shard);
            waiting.Add(WaitingPrefix + scope.Path);
            await TryAsync(WaitingPrefix + scope.Path, () => PublishAsync(scope, row, cancellationToken), cancellationToken);
        }

        // Another node has published it since.
        foreach (string done in _troubles.Keys.Where(name => name.StartsWith(WaitingPrefix, StringComparison.Ordinal) && !waiting.Contains(name)))
        {
            _troubles.TryRemove(done, out _);
        }

        foreach (CrlScope scope in await database.ReadAsync(scopes.GetAllAsync, cancellationToken))
        {
            await TryAsync(scope.Path, () => LookAsync(scope, cancellationToken), cancellationToken);
        }
    }

    private async Task PublishAsync(CrlScope scope, CrlRow row, CancellationToken cancellationToken)
    {
        // Step 1: nobody can use one that has expired while it waited, and it keeps the next one from being made.
        if (row.NextUpdate <= time.GetUtcNow() && !await IsOutAsync(scope, row, cancellationToken))
        {
            await GiveUpAsync(scope, row);
            return;
        }

        // Step 2: into every folder, whatever is the matter with another one.
        bool isOut = false;
        var failures = new List<Exception>();
        foreach (PublicationFolder folder in folders.All)
        {
            try
            {
                if (!await put.RunAsync(folder, scope, row, cancellationToken))
                {
                    continue;
                }
            }
#pragma warning disable CA1031 // Whatever it is: the other folders are not to wait for this one, and what it was is told below, or at the look at this folder.
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                failures.Add(e);
                continue;
            }

            // Step 3: once it is in one of them it is out, and nothing takes it back: what was published, and its hash, in the log; and from now on the next one is compared with it.
            FaultPoint.Reach("crl-in-folder");
            if (!isOut)
            {
                isOut = true;
                await MarkAsync(scope, row);
                FaultPoint.Reach("crl-published");
            }
        }

        // Where another node has ended it meanwhile, and gone on, this one has nothing to complain of.
        if (!isOut && failures.Count > 0
            && await database.ReadAsync(transaction => CrlStore.FindNumberAsync(transaction, scope, row.CrlNumber), cancellationToken) is { State: CrlState.Judged })
        {
            throw new InvalidDataException(string.Join(" ", failures.Select(failure => failure.Message)), failures[0]);
        }
    }

    private async Task<bool> IsOutAsync(CrlScope scope, CrlRow row, CancellationToken cancellationToken)
    {
        foreach (PublicationFolder folder in folders.All)
        {
            try
            {
                if ((await served.LookAsync(folder, scope, anew: false, cancellationToken)).Has(row.Hash))
                {
                    return true;
                }
            }
            catch (IOException e)
            {
                // What a folder that is away has of it, has expired there too.
                LogNotPublished(logger, e, folder.PathOf(scope.Path));
            }
        }

        return false;
    }

    private Task MarkAsync(CrlScope scope, CrlRow row) => database.WriteAsync(
        async transaction =>
        {
            if (await CrlStore.PublishAsync(transaction, row.CrlId, time.GetUtcNow()))
            {
                await CrlStore.DropOtherPartsAsync(transaction, row);
                await TellCrls.AddAsync(transaction, row.CrlId);
                await log.AppendAsync(transaction, PutCrl.EventOf(PublishAction, scope, row, AuditOutcome.Done));
            }
        },
        CancellationToken.None);

    private Task GiveUpAsync(CrlScope scope, CrlRow row) => database.WriteAsync(
        async transaction =>
        {
            string reason = $"It expired at {row.NextUpdate:u}, before any folder could take it.";
            if (await CrlStore.GiveUpJudgedAsync(transaction, row.CrlId, reason, time.GetUtcNow()))
            {
                await log.AppendAsync(transaction, PutCrl.EventOf(MakeCrl.GiveUpAction, scope, row, AuditOutcome.Failed, new AuditField.Text("reason", reason)));
            }
        },
        CancellationToken.None);

    /// <summary>Whether each folder has what was published; each by itself.</summary>
    private async Task LookAsync(CrlScope scope, CancellationToken cancellationToken)
    {
        if (await database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, scope), cancellationToken) is not { } published)
        {
            return;
        }

        foreach (PublicationFolder folder in folders.All)
        {
            await TryAsync(folder.PathOf(scope.Path), () => BringAsync(folder, scope, published, cancellationToken), cancellationToken);
        }
    }

    private async Task BringAsync(PublicationFolder folder, CrlScope scope, CrlRow published, CancellationToken cancellationToken)
    {
        try
        {
            await put.RunAsync(folder, scope, published, cancellationToken);
        }
        catch (InvalidDataException)
        {
            // Another node has published the next one, and dropped the bytes of this one while they were read.
            CrlRow? now = await database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, scope), cancellationToken);
            if (now is null || now.CrlNumber == published.CrlNumber)
            {
                throw;
            }
        }
    }

    /// <summary>One that fails keeps no other from being published.</summary>
    private async Task TryAsync(string name, Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work();
            _troubles.TryRemove(name, out _);
        }
#pragma warning disable CA1031 // Whatever it is: readiness says it, what waits goes on waiting, and the next run is the next try.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (!_troubles.TryGetValue(name, out string? known) || known != e.Message)
            {
                LogNotPublished(logger, e, name);
            }

            _troubles[name] = e.Message;
        }
    }

    /// <summary>A folder of a server that does not answer keeps whoever writes to it for ever.</summary>
    private IEnumerable<string> FindStuck()
    {
        TimeSpan patience = 10 * options.Look > LeastPatience ? 10 * options.Look : LeastPatience;
        TimeSpan longest = _running.Values.Select(began => time.GetElapsedTime(began)).DefaultIfEmpty().Max();
        return longest > patience ? [$"Publication has not ended for {longest:d\\.hh\\:mm\\:ss}: does a folder's server not answer?"] : [];
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} is not published; it is tried again")]
    private static partial void LogNotPublished(ILogger logger, Exception exception, string name);
}

/// <summary>Where this node publishes.</summary>
internal sealed class PublicationFolders(CrlOptions options)
{
    public IReadOnlyList<PublicationFolder> All { get; } = [.. options.PublicationFolders.Select(path => new PublicationFolder(path))];
}
