using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Puts a CRL into one folder, and says in the log what was there that should not have been. It tells a folder that is not as far yet (another node published, or it was away) from one that
/// somebody changed by what it last saw there. Safe for concurrent use.
/// </summary>
internal sealed partial class PutCrl(Database database, AuditLog log, ServedCrls served, ILogger<PutCrl> logger)
{
    /// <summary>A folder that was behind, or new, has what was published.</summary>
    public const string CopyAction = "crl.copy";

    /// <summary>A folder had something else than what was published into it; recorded before it is replaced, for afterwards nothing shows it any more.</summary>
    public const string RestoreAction = "crl.restore";

    /// <summary>Of what runs in <see cref="PublishCrls"/>.</summary>
    public static readonly AuditActor Actor = new(AuditActorKind.Job, "crl-publication");

    /// <summary>Told of one by one; the log has the others.</summary>
    private const int MaxForged = 16;

    /// <summary>By path: the number of this service that was last seen there.</summary>
    private readonly ConcurrentDictionary<string, long> _right = [];

    /// <summary>By path: the hash of what was last told of, so that a folder that cannot be put right is told of once.</summary>
    private readonly ConcurrentDictionary<string, string> _told = [];

    private readonly ConcurrentDictionary<string, string> _forged = [];

    /// <summary>CRLs that the CA's key has signed and that this service has not made, in words. They remain until somebody has looked, and starts the service anew.</summary>
    public IEnumerable<string> Forged => _forged.Values;

    /// <summary>Puts it there, unless it is there.</summary>
    /// <returns>False: there is a later one of this service.</returns>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">There is a newer one of which the database knows nothing; or it changes just now; or the database has not the bytes.</exception>
    public async Task<bool> RunAsync(PublicationFolder folder, CrlScope scope, CrlRow row, CancellationToken cancellationToken)
    {
        string path = folder.PathOf(scope.Path);
        ServedCrl there = await served.LookAsync(folder, scope, anew: false, cancellationToken);
        if (there.Has(row.Hash))
        {
            Remember(path, row);
            return true;
        }

        // Step 1: what is ours and newer than all that this database knows is not replaced by an older one.
        CrlRow? known = there.Hash is null ? null : await database.ReadAsync(transaction => CrlStore.FindByHashAsync(transaction, scope, there.Hash), cancellationToken);
        if (there.Number > row.CrlNumber)
        {
            return known is not null ? false
                : throw new InvalidDataException($"{path} has number {there.Number}, of which this database knows nothing: was it restored from a backup?");
        }

        // Step 2: is it behind, or was it changed? What lies there before the first one is of the ceremony.
        bool isRemembered = _right.TryGetValue(path, out long remembered);
        bool isFirst = there.Number is not null && known is null && !isRemembered && await database.ReadAsync(transaction => CrlStore.IsFirstAsync(transaction, row), cancellationToken);
        bool isBehind = !there.Exists ? !isRemembered : isFirst || (known is { State: CrlState.Published or CrlState.GivenUp } && (!isRemembered || known.CrlNumber >= remembered));
        if (!isBehind)
        {
            await TellAsync(folder, scope, row, there, cancellationToken);
        }

        // Step 3: in its place, unless somebody else was there meanwhile: this process may have stood still for an hour.
        await folder.WriteAsync(scope.Path, ReadPartsAsync(row, cancellationToken), row.Hash, LookAgainAsync, cancellationToken);
        Remember(path, row);
        if (isBehind && row.State == CrlState.Published)
        {
            LogCopied(logger, path, row.CrlNumber, there.What);
            await database.WriteAsync(transaction => log.AppendAsync(transaction, EventOf(CopyAction, scope, row, AuditOutcome.Done, Found(there))), CancellationToken.None);
        }

        return true;

        async Task LookAgainAsync()
        {
            ServedCrl now = await served.LookAsync(folder, scope, anew: false, cancellationToken);
            if (now != there && !now.Has(there.Hash) && !now.Has(row.Hash))
            {
                throw new InvalidDataException($"{path} was {there.What}, and is {now.What} by now: number {row.CrlNumber} does not take its place unseen.");
            }
        }
    }

    /// <summary>Number, hash and length of the CRL, and more.</summary>
    internal static AuditEvent EventOf(string action, CrlScope scope, CrlRow row, AuditOutcome outcome, params IReadOnlyList<AuditField> fields) =>
        new(Actor, action, MakeCrl.ObjectOf(scope), outcome)
        {
            Fields = [new AuditField.Number("number", row.CrlNumber), new AuditField.Octets("hash", row.Hash), new AuditField.Number("length", row.Length!.Value), .. fields],
        };

    /// <summary>In words, and by its SM3 where it is a file.</summary>
    internal static IReadOnlyList<AuditField> Found(ServedCrl there) =>
        [new AuditField.Text("found", there.What), .. there.Hash is null ? [] : new AuditField[] { new AuditField.Octets("foundHash", there.Hash) }];

    private async Task TellAsync(PublicationFolder folder, CrlScope scope, CrlRow row, ServedCrl there, CancellationToken cancellationToken)
    {
        string path = folder.PathOf(scope.Path), hash = there.Hash is null ? there.What : Convert.ToHexStringLower(there.Hash);
        if (!_told.TryGetValue(path, out string? told) || told != hash)
        {
            await database.WriteAsync(transaction => log.AppendAsync(transaction, EventOf(RestoreAction, scope, row, AuditOutcome.Intended, Found(there))), CancellationToken.None);
            _told[path] = hash;
            LogRestored(logger, path, row.CrlNumber, there.What, hash);
        }

        // Whoever signed that has the CA's key, or a copy of this service's database that went on by itself.
        if (there is { IsSigned: true, Hash: { } found } && !await database.ReadAsync(transaction => CrlStore.IsKnownAsync(transaction, scope.Authority.Id, found), cancellationToken))
        {
            if (_forged.Count >= MaxForged)
            {
                return;
            }

            string? kept = await folder.KeepAsync(scope.Path, found, cancellationToken);
            _forged[hash] = $"{path} was {there.What}, signed with the key of {scope.Authority.Name}, and this service has not made it: SM3 {hash}, "
                + (kept is null ? "of which no copy could be kept." : $"kept as {kept}.");
        }
    }

    private void Remember(string path, CrlRow row)
    {
        _told.TryRemove(path, out _);
        _right[path] = row.CrlNumber;
    }

    private async IAsyncEnumerable<byte[]> ReadPartsAsync(CrlRow row, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long part = 0; await database.ReadAsync(transaction => CrlStore.FindPartAsync(transaction, row.CrlId, part), cancellationToken) is { } content; part++)
        {
            yield return content;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} has number {Number} now; there was {What}")]
    private static partial void LogCopied(ILogger logger, string path, long number, string what);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} is not what was published and is replaced by number {Number}; there was {What} ({Hash})")]
    private static partial void LogRestored(ILogger logger, string path, long number, string what, string hash);
}
