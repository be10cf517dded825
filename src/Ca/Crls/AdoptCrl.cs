using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Registrations;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>
/// After a database was put back: a publication folder has a CRL of the CA with a number above all that the database has published. It is the last one for relying parties; where two officers
/// have ordered it, by its hash, it becomes the last one here. The next is compared with it: what was revoked in what the database has lost is asked for, entry by entry. Safe on several nodes.
/// </summary>
internal sealed partial class AdoptCrl(
    Database database, AuditLog log, LogGuard guard, CrlScopes scopes, OrderedCommands ordered, PublicationFolders folders, ServedCrls served, CrlNode node, TimeProvider time, ILogger<AdoptCrl> logger)
{
    /// <summary>It was done; that it was ordered is <see cref="CrlActions.Adopt"/>.</summary>
    public const string AdoptAction = "crl.adopted";

    /// <summary>Why a row was given up.</summary>
    public const string Overtaken = "a later CRL that was published before was adopted";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "crl");

    /// <summary>Whether officers have signed that this file is taken for the last one: asked of what they signed, not of a row that says so.</summary>
    /// <param name="hash">SM3 of the file.</param>
    public static async Task<bool> IsOrderedAsync(Transaction transaction, OrderedCommands ordered, CrlScope scope, byte[] hash) => (await ordered.ListAsync<CrlAdoption>(
        transaction,
        CrlActions.Adopt,
        adoption => adoption.Issuer.Span.SequenceEqual(scope.Authority.Issuer.KeyIdentifier.Span) && adoption.Shard == scope.Shard && adoption.Hash.Span.SequenceEqual(hash))).Count > 0;

    /// <summary>
    /// Whether an entry of what was adopted was made once more, in a database that had lost it: dated later, as that was done later, and no weaker. Nothing else lets an entry's date move.
    /// </summary>
    public static bool IsDoneAgain(EntryContent before, EntryContent after) =>
        after.Date > before.Date && (after.Reason == before.Reason || before.Reason == RevocationReason.CertificateHold);

    /// <summary>Adopts what this node's folders have and officers have ordered. One that cannot be adopted keeps no other CRL from being made.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (folders.All.Count == 0)
        {
            return;
        }

        foreach (CrlScope scope in await database.ReadAsync(scopes.GetAllAsync, cancellationToken))
        {
            foreach (PublicationFolder folder in folders.All)
            {
                try
                {
                    await RunAsync(scope, folder, cancellationToken);
                }
                catch (Exception e) when (e is IOException or LogDamagedException or AnchorException)
                {
                    LogFailed(logger, e, folder.PathOf(scope.Path));
                }
            }
        }
    }

    private async Task RunAsync(CrlScope scope, PublicationFolder folder, CancellationToken cancellationToken)
    {
        // Step 1: whether it is one that is above what the database knows. Nearly always not.
        if (!await IsUnknownAsync(scope, await served.LookAsync(folder, scope, anew: false, cancellationToken), cancellationToken))
        {
            return;
        }

        // Step 2: what is there now, read anew: a CRL of this place that the CA has signed; and it is this file that officers have named.
        ServedCrl there = await served.LookAsync(folder, scope, anew: true, cancellationToken);
        if (there is not { Number: { } number, Hash: { } hash } || !await database.ReadAsync(transaction => IsOrderedAsync(transaction, ordered, scope, hash), cancellationToken))
        {
            return;
        }

        // Step 3: its bytes, the same ones.
        await using FileStream? file = folder.Open(scope.Path);
        if (file is null || !(await FileHash.ComputeAsync(file, cancellationToken)).AsSpan().SequenceEqual(hash))
        {
            return;
        }

        var crl = CrlFile.Read(file);
        long entries = 0;
        foreach (CrlEntryView _ in crl.ReadEntries())
        {
            entries++;
        }

        DateTimeOffset now = time.GetUtcNow();
        var row = new CrlRow
        {
            CrlId = Ulid.Create(now),
            AuthorityId = scope.Authority.Id,
            Shard = scope.Shard,
            CrlNumber = number,
            State = CrlState.Published,
            ThisUpdate = crl.ThisUpdate.Value,
            NextUpdate = crl.NextUpdate?.Value ?? crl.ThisUpdate.Value,
            Entries = entries,
            Length = file.Length,
            Hash = hash,
            BegunAt = now,
            ChangedAt = now,
        };

        // Step 4: from now on it is the last one. The log is as long as it is now: a resumption from before says nothing of a hold that was lost.
        Checkpoint? anchored = guard.ReadAnchors();
        bool isAdopted = await database.WriteAsync(
            async transaction => await AdoptAsync(transaction, scope, row with { LogSize = await guard.RequireNoneOlderAsync(transaction, anchored) }, file), cancellationToken);
        if (isAdopted)
        {
            LogAdopted(logger, scope.ToString(), number);
        }
    }

    private async Task<bool> IsUnknownAsync(CrlScope scope, ServedCrl there, CancellationToken cancellationToken) =>
        there is { Number: { } number, Hash: { } hash } && await database.ReadAsync(
            async transaction => number > ((await CrlStore.FindPublishedAsync(transaction, scope))?.CrlNumber ?? 0)
                && !(await CrlStore.FindNumberAsync(transaction, scope, number) is { State: CrlState.Judged, Hash: { } known } && known.AsSpan().SequenceEqual(hash)),
            cancellationToken);

    /// <returns>False: a run is at one, and it is tried again; or it was adopted meanwhile.</returns>
    private async Task<bool> AdoptAsync(Transaction transaction, CrlScope scope, CrlRow row, FileStream file)
    {
        Lease lease = node.LeaseOf(scope);
        if (!await lease.TakeAsync(transaction, row.ChangedAt))
        {
            return false;
        }

        // What it lay in wait with, or what was tried meanwhile, goes; its number may be that of one that never left.
        bool isNew = (await CrlStore.FindPublishedAsync(transaction, scope))?.CrlNumber is not { } published || published < row.CrlNumber;
        if (isNew)
        {
            await GiveUpOthersAsync(transaction, scope, row);
            if (await CrlStore.FindNumberAsync(transaction, scope, row.CrlNumber) is { } same)
            {
                row = row with { CrlId = same.CrlId };
            }
            else
            {
                await CrlStore.BeginAsync(transaction, row);
            }

            await RaiseNumberAsync(transaction, row);
            await transaction.ExecuteAsync(
                """
                UPDATE crl SET state = 1, this_update = @ThisUpdate, next_update = @NextUpdate, entries = @Entries, log_size = @LogSize, length = @Length, hash = @Hash, detail = NULL,
                    changed_at = @ChangedAt
                WHERE crl_id = @CrlId
                """,
                row);
            await transaction.ExecuteAsync("DELETE FROM crl_part WHERE crl_id = @CrlId", row);
            await AddPartsAsync(transaction, row, file);
            await transaction.ExecuteAsync("UPDATE crl SET state = 3 WHERE crl_id = @CrlId", row);
            await CrlStore.DropOtherPartsAsync(transaction, row);
            await TellCrls.AddAsync(transaction, row.CrlId);
            await transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0 WHERE authority_id = @AuthorityId AND shard = @Shard", row);
            await log.AppendAsync(transaction, new AuditEvent(Actor, AdoptAction, MakeCrl.ObjectOf(scope), AuditOutcome.Done)
            {
                Fields =
                [
                    new AuditField.Number("number", row.CrlNumber), new AuditField.Octets("hash", row.Hash), new AuditField.Number("length", row.Length!.Value),
                    new AuditField.Number("entries", row.Entries!.Value), new AuditField.Number("logSize", row.LogSize!.Value),
                ],
            });
        }

        await lease.ReleaseAsync(transaction);
        return isNew;
    }

    /// <exception cref="IOException">The file is not what it was when it was hashed: it was written into in place.</exception>
    private static async Task AddPartsAsync(Transaction transaction, CrlRow row, FileStream file)
    {
        file.Position = 0;
        byte[] buffer = new byte[CrlStore.PartLength];
        using var sum = new Sm3();
        for (int part = 0, count; (count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0; part++)
        {
            sum.Append(buffer.AsSpan(0, count));
            await CrlStore.AddPartAsync(transaction, row.CrlId, part, buffer[..count]);
        }

        byte[] hash = new byte[Sm3.HashSizeInBytes];
        sum.GetHashAndReset(hash);
        if (!hash.AsSpan().SequenceEqual(row.Hash))
        {
            throw new IOException("The file was changed while it was read.");
        }
    }

    /// <summary>What is judged and below it, too: publication leaves it alone, and it would keep the next from being made.</summary>
    private async Task GiveUpOthersAsync(Transaction transaction, CrlScope scope, CrlRow adopted)
    {
        foreach (CrlRow row in await transaction.QueryAsync<CrlRow>(
            $"SELECT {CrlRow.Columns} FROM crl WHERE authority_id = @AuthorityId AND shard = @Shard AND (state IN (0, 1) OR (state = 2 AND crl_number <= @CrlNumber))", adopted))
        {
            await transaction.ExecuteAsync("UPDATE crl SET state = 5, detail = @Overtaken, changed_at = @ChangedAt WHERE crl_id = @CrlId", new { Overtaken, adopted.ChangedAt, row.CrlId });
            await transaction.ExecuteAsync("DELETE FROM crl_part WHERE crl_id = @CrlId", row);
            await log.AppendAsync(transaction, new AuditEvent(Actor, MakeCrl.GiveUpAction, MakeCrl.ObjectOf(scope), AuditOutcome.Failed)
            {
                Fields = [new AuditField.Number("number", row.CrlNumber), new AuditField.Text("reason", Overtaken)],
            });
        }
    }

    private static async Task RaiseNumberAsync(Transaction transaction, CrlRow row)
    {
        if (!await transaction.TryInsertAsync("INSERT INTO crl_number (authority_id, shard, last_number) VALUES (@AuthorityId, @Shard, @CrlNumber)", row))
        {
            await transaction.ExecuteAsync(
                "UPDATE crl_number SET last_number = @CrlNumber WHERE authority_id = @AuthorityId AND shard = @Shard AND last_number < @CrlNumber", row);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "CRL {Scope} number {Number} was adopted, as officers have ordered: the next one is compared with it")]
    private static partial void LogAdopted(ILogger logger, string scope, long number);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} cannot be adopted; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string path);
}
