using System.Data.Common;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Reaudit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Bulk;

/// <summary>
/// Does to many certificates what two officers ordered, some hundred in a transaction: certificates, events, counters and the place where to go on are committed together, so that
/// nothing is done twice and nothing is left out, whatever dies. Safe to run on several nodes, and beside requests.
/// </summary>
internal sealed partial class BulkChanges(
    Database database, AuditLog log, CertificateStatus status, IssueCertificate issuance, AuthorityList authorities, ApprovalCheck approvals, TimeProvider time, ILogger<BulkChanges> logger)
{
    public const string EndAction = "bulk-change.end";

    /// <summary>A certificate was left as it is because its records make no sense.</summary>
    public const string FindingAction = "bulk-change.finding";

    private const int Chunk = 200;

    /// <summary>For what is being signed when a suspension is ordered; longer only where the device is away.</summary>
    private static readonly TimeSpan PatienceWithSigning = TimeSpan.FromSeconds(10);

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "bulk-change");

    /// <summary>Until nothing is left to do.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await StepAsync(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>One piece of the oldest change at work that two officers have ordered.</summary>
    /// <returns>False: there is none, or another node is at it.</returns>
    internal async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        byte[] after = BulkChangeStore.First;
        while (await database.ReadAsync(transaction => BulkChangeStore.FindOpenAsync(transaction, after), cancellationToken) is { } open)
        {
            if (await FindWrongAsync(open, cancellationToken) is not { } wrong)
            {
                return await StepAsync(open, cancellationToken);
            }

            LogNotOrdered(logger, Convert.ToHexStringLower(open.ChangeId), wrong);
            after = open.ChangeId;
        }

        return false;
    }

    /// <returns>Changes at work of which rows say something that nobody has ordered; null: none.</returns>
    internal async Task<string?> FindNotOrderedAsync(CancellationToken cancellationToken)
    {
        byte[] after = BulkChangeStore.First;
        while (await database.ReadAsync(transaction => BulkChangeStore.FindOpenAsync(transaction, after), cancellationToken) is { } open)
        {
            if (await FindWrongAsync(open, cancellationToken) is not null)
            {
                return Convert.ToHexStringLower(open.ChangeId);
            }

            after = open.ChangeId;
        }

        return null;
    }

    private async Task<bool> StepAsync(BulkChangeRow open, CancellationToken cancellationToken)
    {
        // Step 1: once, before anything is looked for: nothing that was reserved before the order is intended after it.
        BulkStatusBody body = Der.Decode<BulkStatusBody>(open.Body);
        if (open.Total is null && !await SettleAsync(open, body, cancellationToken))
        {
            return false;
        }

        // Step 2: how many there are, once; and which are next.
        long total = open.Total ?? await CountAsync(open, body, cancellationToken);
        (BulkChangeRow next, IReadOnlyList<CertificateKey> keys) = await NextAsync(open, body, cancellationToken);
        next = next with { Total = total, EndedAt = next.State == 1 ? time.GetUtcNow() : null };

        // Whose records make no sense, he undoes the whole piece: it is done again without him, so that he keeps nobody waiting.
        var leftOut = new HashSet<CertificateKey>();
        while (true)
        {
            try
            {
                return await DoPieceAsync(open, next, body, keys, leftOut, cancellationToken);
            }
            catch (SenselessException e)
            {
                leftOut.Add(e.Key);
                LogLeftOut(logger, Convert.ToHexStringLower(open.ChangeId), ObjectOf(e.Key).Id, e.InnerException!);
            }
        }
    }

    /// <summary>
    /// What was reserved before the order is intended by now, and found, or is closed here; what another node reserves with an earlier time from now on is not intended any more
    /// (<see cref="CertificateStore.IntendAsync"/>), and its request begins anew. A suspension waits a little for what is being signed, for only what is valid can be held.
    /// </summary>
    /// <returns>False: later.</returns>
    private async Task<bool> SettleAsync(BulkChangeRow open, BulkStatusBody body, CancellationToken cancellationToken)
    {
        IReadOnlyList<CertificateRow> unfinished = await database.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE state < 2 AND certificate_id < @Before", new { Before = Ulid.FirstOf(open.OrderedAt) }, cancellationToken);
        bool isSigning = false;
        foreach (CertificateRow row in unfinished)
        {
            isSigning |= row.State != CertificateState.Reserved || !await issuance.CloseUnusedAsync(row, "bulk-change");
        }

        return body.Kind != DecisionKind.Suspend || !isSigning || time.GetUtcNow() > open.OrderedAt + PatienceWithSigning;
    }

    private Task<bool> DoPieceAsync(
        BulkChangeRow open, BulkChangeRow next, BulkStatusBody body, IReadOnlyList<CertificateKey> keys, HashSet<CertificateKey> leftOut, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async transaction =>
            {
                // Step 3: the place where to go on; who moves it does the piece.
                if (!await BulkChangeStore.TakeAsync(transaction, open, next))
                {
                    return false;
                }

                // Step 4: each certificate by itself, as it is now.
                DateTimeOffset now = time.GetUtcNow();
                int changed = 0;
                foreach (CertificateKey key in keys.Where(key => !leftOut.Contains(key)))
                {
                    changed += await ChangeAsync(transaction, open, body, key, now) ? 1 : 0;
                }

                foreach (CertificateKey key in leftOut)
                {
                    await log.AppendAsync(
                        transaction, new AuditEvent(Actor, FindingAction, ObjectOf(key), AuditOutcome.Refused) { Fields = [new AuditField.Octets("command", open.ChangeId)] });
                }

                await BulkChangeStore.CountAsync(transaction, open.ChangeId, changed, keys.Count - changed);
                FaultPoint.Reach("bulk-changed");

                // Step 5: at the end an event with the result.
                if (next.State == 1)
                {
                    BulkChangeRow done = (await BulkChangeStore.FindAsync(transaction, open.ChangeId))!;
                    await log.AppendAsync(transaction, new AuditEvent(Actor, EndAction, new AuditObject("command", Convert.ToHexStringLower(open.ChangeId)), AuditOutcome.Done)
                    {
                        Fields = [new AuditField.Number("total", next.Total!.Value), new AuditField.Number("changed", done.Changed), new AuditField.Number("skipped", done.Skipped)],
                    });
                }

                return true;
            },
            cancellationToken);

    /// <summary>A row that somebody adds, or changes, does nothing, and keeps no other waiting: what is done is what two officers signed.</summary>
    /// <returns>What is wrong with it; null: they have ordered it.</returns>
    private async Task<string?> FindWrongAsync(BulkChangeRow open, CancellationToken cancellationToken)
    {
        try
        {
            return await JudgeAsync(open, cancellationToken);
        }
        catch (DerException e)
        {
            return $"it cannot be read: {e.Message}";
        }
    }

    private async Task<string?> JudgeAsync(BulkChangeRow open, CancellationToken cancellationToken)
    {
        string id = Convert.ToHexStringLower(open.ChangeId);
        CommandRow? command = await database.ReadAsync(transaction => CertificateRecords.FindCommandAsync(transaction, id), cancellationToken);
        if (command is null)
        {
            return "no command has ordered it";
        }

        Application application = Der.Decode<Application>(command.Application);
        CommandBody body = Der.Decode<CommandBody>(application.Body);
        bool isIt = application.EnrollmentId == id && application.Region == open.Region && body.Parameters.Span.SequenceEqual(open.Body)
            && body.Action is CertificateActions.RevokeByKey or CertificateActions.RevokeByOwner or CertificateActions.Bulk
            && open.OrderedAt >= DateTimeOffset.UnixEpoch && open.OrderedAt <= time.GetUtcNow() + CertificateStore.ClocksDiffer;
        return !isIt ? "another command, or another time"
            : approvals.Judge(application, command) is { } wrong ? wrong
            : await database.ReadAsync(transaction => CommandEvents.FindPlaceAsync(transaction, application, command), cancellationToken) is null
                ? "the log does not have it, or one of the officers was in office no more"
            : null;
    }

    /// <exception cref="SenselessException">The certificate's records do not agree, or cannot be read.</exception>
    private async Task<bool> ChangeAsync(Transaction transaction, BulkChangeRow order, BulkStatusBody body, CertificateKey key, DateTimeOffset now)
    {
        CertificateRow? row = key.AuthorityId is { } authority ? await CertificateStore.FindAsync(transaction, authority, key.Serial) : null;
        if (row is null)
        {
            return false;
        }

        try
        {
            if (!RegionCode.Parse(order.Region).Covers(RegionCode.Parse(row.Region)))
            {
                return false;
            }

            var change = new StatusChange(body.Reason, Actor, now) { Decision = [new AuditField.Octets("command", order.ChangeId)] };
            return await (body.Kind switch
            {
                DecisionKind.Revoke => status.RevokeAsync(transaction, row, change),
                DecisionKind.Suspend => status.SuspendAsync(transaction, row, change),
                _ => status.ResumeAsync(transaction, row, change),
            });
        }
        catch (RefusalException e) when (e.Kind == Refusal.NotAllowed)
        {
            // Of an officer in office, or not to be suspended: those have commands of their own.
            return false;
        }
        catch (Exception e) when (e is not (DbException or OperationCanceledException or ObjectDisposedException))
        {
            throw new SenselessException(key, e);
        }
    }

    /// <summary>What comes next, and where to go on after it.</summary>
    private async Task<(BulkChangeRow Next, IReadOnlyList<CertificateKey> Keys)> NextAsync(BulkChangeRow open, BulkStatusBody body, CancellationToken cancellationToken)
    {
        if (body.Selection is CertificateSelection.Certificates { List: { } list })
        {
            CertificateKey[] entries = [.. list.Skip((int)open.NextEntry).Take(Chunk)
                .Select(each => new CertificateKey(authorities.Find(each.Issuer.Span)?.Id, each.SerialNumber.ToString()))];
            long next = open.NextEntry + entries.Length;
            return (open with { NextEntry = next, State = (short)(next == list.Count ? 1 : 0) }, entries);
        }

        FoundPage page = await database.ReadAsync(transaction => CertificateSearch.FindAsync(transaction, FilterOf(open, body), open.Reached, Chunk), cancellationToken);
        return (
            open with { Reached = page.Next ?? page.Rows.LastOrDefault()?.CertificateId ?? open.Reached, State = (short)(page.Next is null ? 1 : 0) },
            [.. page.Rows.Select(row => new CertificateKey(row.AuthorityId, row.Serial))]);
    }

    private async Task<long> CountAsync(BulkChangeRow open, BulkStatusBody body, CancellationToken cancellationToken)
    {
        if (body.Selection is CertificateSelection.Certificates { List: { } list })
        {
            return list.Count;
        }

        long count = 0;
        byte[]? after = null;
        do
        {
            FoundPage page = await database.ReadAsync(transaction => CertificateSearch.FindAsync(transaction, FilterOf(open, body), after, CertificateSearch.MaxLooked), cancellationToken);
            count += page.Rows.Count;
            after = page.Next;
        }
        while (after is not null);
        return count;
    }

    /// <summary>What was reserved after the order was not meant by it. A key that is revoked is certified for nobody from then on: there all that have it are meant, whatever clock gave them their time.</summary>
    private static CertificateFilter FilterOf(BulkChangeRow open, BulkStatusBody body)
    {
        CertificateFilter filter = body.Selection switch
        {
            CertificateSelection.Key key => new CertificateFilter { KeyHash = key.Hash.ToArray() },
            CertificateSelection.Subject subject => new CertificateFilter { SubjectHash = subject.Hash.ToArray() },
            CertificateSelection.Owner owner => new CertificateFilter { Owner = owner.Name },
            CertificateSelection.Issued issued => new CertificateFilter
            {
                RaName = issued.RaName, Region = RegionCode.Parse(issued.Region), From = issued.From.Value, Until = issued.Until.Value,
            },
            _ => throw new ArgumentException("No such selection.", nameof(body)),
        };
        return body is { Kind: DecisionKind.Revoke, Selection: CertificateSelection.Key } || (filter.Until is { } until && until < open.OrderedAt) ? filter : filter with { Until = open.OrderedAt };
    }

    /// <summary>Also of a CA that the configuration lacks.</summary>
    private AuditObject ObjectOf(CertificateKey key) => new(
        "certificate", $"{authorities.All.FirstOrDefault(each => each.Id == key.AuthorityId)?.KeyIdentifier ?? $"authority-{key.AuthorityId}"}/{key.Serial}");

    [LoggerMessage(Level = LogLevel.Error, Message = "Bulk change {Id} is not what two officers have ordered, and is left alone: {Wrong}. Somebody has written to the database past the service")]
    private static partial void LogNotOrdered(ILogger logger, string id, string wrong);

    [LoggerMessage(Level = LogLevel.Error, Message = "Bulk change {Id}: certificate {ObjectId} is left as it is: its records make no sense. Run the re-audit")]
    private static partial void LogLeftOut(ILogger logger, string id, string objectId, Exception exception);

    /// <param name="AuthorityId">Null: no CA of this service.</param>
    private sealed record CertificateKey(short? AuthorityId, string Serial);

    /// <summary>Ends the transaction of a piece: what was begun with the certificate is undone.</summary>
    private sealed class SenselessException(CertificateKey key, Exception inner) : Exception("A certificate's records make no sense.", inner)
    {
        public CertificateKey Key => key;
    }
}
