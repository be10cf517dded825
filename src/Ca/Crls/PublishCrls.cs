using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Puts what has passed the gate into the publication folders, apart from what made it: tried again until it is done, by any node that has the folders. Afterwards it looks whether what
/// is there is still what was published, and puts it back where it is not. Safe for concurrent use.
/// </summary>
internal sealed partial class PublishCrls(
    Database database, AuditLog log, AuthorityList authorities, CrlScopes scopes, PublicationFolders folders, ServedCrls served, CeremonyPublication ceremony,
    TimeProvider time, ILogger<PublishCrls> logger)
{
    public const string PublishAction = "crl.publish";
    public const string RestoreAction = "crl.restore";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "crl-publication");

    /// <summary>Of a trouble's name: that the old file is still right says nothing of the new one, which cannot be written.</summary>
    private const string WaitingPrefix = "new ";

    private readonly ConcurrentDictionary<string, string> _troubles = [];

    /// <summary>What keeps CRLs from being published, or could not be put right; empty: nothing. In words, for the operator.</summary>
    public IEnumerable<string> Troubles => _troubles.Values.Order(StringComparer.Ordinal);

    /// <summary>Everything that waits, then a look at all that is published.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (folders.All.Count == 0)
        {
            return;
        }

        await TryAsync("ca", () => ceremony.RunAsync(cancellationToken));
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
            await TryAsync(WaitingPrefix + scope.Path, () => PublishAsync(scope, row, cancellationToken));
        }

        // Another node has published it since.
        foreach (string done in _troubles.Keys.Where(name => name.StartsWith(WaitingPrefix, StringComparison.Ordinal) && !waiting.Contains(name)))
        {
            _troubles.TryRemove(done, out _);
        }

        foreach (CrlScope scope in await database.ReadAsync(scopes.GetAllAsync, cancellationToken))
        {
            await TryAsync(scope.Path, () => LookAsync(scope, cancellationToken));
        }
    }

    private async Task PublishAsync(CrlScope scope, CrlRow row, CancellationToken cancellationToken)
    {
        // Step 1: into every folder. Once it is in one of them it is out, and nothing takes it back.
        foreach (PublicationFolder folder in folders.All)
        {
            // A node that stood still for long, or a database that was put back: what is newer is not replaced.
            if ((await served.LookAsync(folder, scope, anew: false, cancellationToken)).Number is { } number && number > row.CrlNumber)
            {
                throw new InvalidDataException($"{folder.PathOf(scope.Path)} has number {number}, and number {row.CrlNumber} was to be published.");
            }

            await folder.WriteAsync(scope.Path, ReadPartsAsync(row, cancellationToken), row.Hash, cancellationToken);
            FaultPoint.Reach("crl-in-folder");
        }

        // Step 2: what was published, and its hash, in the log; and from now on the next one is compared with it.
        await database.WriteAsync(
            async transaction =>
            {
                if (await CrlStore.PublishAsync(transaction, row.CrlId, time.GetUtcNow()))
                {
                    await CrlStore.DropOtherPartsAsync(transaction, row);
                    await RecordAsync(transaction, PublishAction, scope, row);
                }
            },
            CancellationToken.None);
        FaultPoint.Reach("crl-published");
    }

    /// <summary>Whether each folder has what was published.</summary>
    private async Task LookAsync(CrlScope scope, CancellationToken cancellationToken)
    {
        CrlRow? published = await database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, scope), cancellationToken);
        if (published is null)
        {
            return;
        }

        foreach (PublicationFolder folder in folders.All)
        {
            ServedCrl there = await served.LookAsync(folder, scope, anew: false, cancellationToken);
            if (there.Hash is { } hash && hash.AsSpan().SequenceEqual(published.Hash))
            {
                continue;
            }

            // Another node may have published the next one since; and one that is ours and newer than all that this database knows is not replaced by an older one.
            if (there.Number is { } number && number > published.CrlNumber)
            {
                CrlRow? later = await database.ReadAsync(transaction => CrlStore.FindNumberAsync(transaction, scope, number), cancellationToken);
                if (later is { State: CrlState.Judged or CrlState.Published } && there.Hash.AsSpan().SequenceEqual(later.Hash))
                {
                    continue;
                }

                throw new InvalidDataException($"{folder.PathOf(scope.Path)} has number {number}, of which this database knows nothing: was it restored from a backup?");
            }

            await folder.WriteAsync(scope.Path, ReadPartsAsync(published, cancellationToken), published.Hash, cancellationToken);
            LogRestored(logger, folder.PathOf(scope.Path), there.What);
            await database.WriteAsync(transaction => RecordAsync(transaction, RestoreAction, scope, published, new AuditField.Text("found", there.What)), CancellationToken.None);
        }
    }

    private async IAsyncEnumerable<byte[]> ReadPartsAsync(CrlRow row, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long part = 0; await database.ReadAsync(transaction => CrlStore.FindPartAsync(transaction, row.CrlId, part), cancellationToken) is { } content; part++)
        {
            yield return content;
        }
    }

    /// <summary>One that fails keeps no other from being published.</summary>
    private async Task TryAsync(string name, Func<Task> work)
    {
        try
        {
            await work();
            _troubles.TryRemove(name, out _);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or DbException)
        {
            if (!_troubles.TryGetValue(name, out string? known) || known != e.Message)
            {
                LogNotPublished(logger, e, name);
            }

            _troubles[name] = e.Message;
        }
    }

    private Task RecordAsync(Transaction transaction, string action, CrlScope scope, CrlRow row, params IReadOnlyList<AuditField> fields) => log.AppendAsync(
        transaction,
        new AuditEvent(Actor, action, MakeCrl.ObjectOf(scope), AuditOutcome.Done)
        {
            Fields = [new AuditField.Number("number", row.CrlNumber), new AuditField.Octets("hash", row.Hash), new AuditField.Number("length", row.Length!.Value), .. fields],
        });

    [LoggerMessage(Level = LogLevel.Error, Message = "{Name} is not published; it is tried again")]
    private static partial void LogNotPublished(ILogger logger, Exception exception, string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} was not what was published and was put back; there was {What}")]
    private static partial void LogRestored(ILogger logger, string path, string what);
}

/// <summary>Where this node publishes.</summary>
internal sealed class PublicationFolders(CrlOptions options)
{
    public IReadOnlyList<PublicationFolder> All { get; } = [.. options.PublicationFolders.Select(path => new PublicationFolder(path))];
}
