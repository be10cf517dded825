using System.Collections.Concurrent;
using System.Data.Common;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Jobs;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// Signs responses ahead of time and tells them: what has changed at once, and what is due. docs/OCSP.md. Memory does not grow with the number of certificates. Safe for concurrent use, on any
/// number of nodes: of two that are at the same thing one appends it.
/// </summary>
internal sealed partial class PresignResponses(
    Database database, AuditLog log, AuthorityList authorities, SignersInUse signers, OcspGate gate, WriteFeed feed, ClockWatch clock, OcspOptions options, TimeProvider time, ILogger<PresignResponses> logger) : IDisposable
{
    public const string RefuseAction = "ocsp.refuse";

    /// <summary>Of the log.</summary>
    public const string ObjectKind = "ocsp";

    /// <summary>Certificates of a slice, about.</summary>
    public const int SliceLength = 2000;

    /// <summary>Of one segment.</summary>
    private const int MaxChanges = 1000;

    /// <summary>Slices of one node at a time: while the device signs for the one, the other is judged.</summary>
    private const int SlicesAtOnce = 2;

    private const string Changes = "changes";

    /// <summary>From one segment of changes to the next: under load they are gathered, for each costs a signature, and a few lines in each responder's log and copy.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);

    /// <summary>Then others have their turn: CRLs, the next key, the look at signers.</summary>
    private const int SegmentsOfRun = 10;

    /// <summary>For so long a change of a CA that this node lacks is left to those that have it, and can sign responses.</summary>
    private static readonly TimeSpan LeftToOthers = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LeaseFor = TimeSpan.FromMinutes(5);

    /// <summary>A slice with a row that is broken.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMinutes(10);

    /// <summary>What was not met again for so long is over: another node has done it.</summary>
    private static readonly TimeSpan Lasting = TimeSpan.FromMinutes(15);

    /// <summary>Of events about one thing.</summary>
    private static readonly TimeSpan TellAgainAfter = TimeSpan.FromHours(1);

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "ocsp");

    private readonly SemaphoreSlim _renewing = new(1, 1);
    private readonly ConcurrentDictionary<string, Trouble> _troubles = [];
    private DateTimeOffset _changesFrom = DateTimeOffset.MinValue;
    private long? _appendedAt;

    /// <summary>What keeps responses from leaving this node; empty: nothing. In words, for the operator.</summary>
    public IEnumerable<string> Troubles => _troubles.Where(each => time.GetUtcNow() - each.Value.At < Lasting).OrderBy(each => each.Key, StringComparer.Ordinal)
        .Select(each => $"OCSP responses ({each.Key}) do not leave: {each.Value.Reason}");

    /// <summary>Whether something waits until the feed names its CA.</summary>
    public bool HasUnnamed { get; private set; }

    /// <summary>Tells what has changed; where more and more comes, a second's worth of it.</summary>
    /// <returns>How many changes were told; a batch that was refused is tried again after a minute.</returns>
    /// <exception cref="HsmException">The device failed: they wait.</exception>
    public async Task<int> RunChangesAsync(CancellationToken cancellationToken)
    {
        int all = 0;
        for (int run = 0; run < SegmentsOfRun && clock.FindFault() is null && !IsWaiting(); run++)
        {
            // What comes alone, after a quiet time, goes at once.
            if (_appendedAt is { } at && time.GetElapsedTime(at) is var since && since < Gather)
            {
                await Task.Delay(Gather - since, time, cancellationToken);
            }

            int told;
            try
            {
                told = await TellChangesAsync(cancellationToken);
            }
            catch (BatchRefusedException e)
            {
                _changesFrom = time.GetUtcNow() + TryAgainAfter;
                await RefuseAsync(Changes, e);
                break;
            }

            all += told;
            if (told == 0)
            {
                break;
            }
        }

        return all;
    }

    /// <summary>Signs anew whatever is due, slice by slice. A run beside another one of this process does nothing.</summary>
    public async Task RunDueAsync(CancellationToken cancellationToken)
    {
        await clock.RefreshAsync(cancellationToken);
        if (!await _renewing.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return;
        }

        try
        {
            await Task.WhenAll(Enumerable.Range(0, SlicesAtOnce).Select(_ => Task.Run(() => RenewAllAsync(cancellationToken), cancellationToken)));
        }
        finally
        {
            _renewing.Release();
        }
    }

    public void Dispose() => _renewing.Dispose();

    /// <summary>A clock that was set back keeps nothing waiting for longer.</summary>
    private bool IsWaiting() => time.GetUtcNow() < _changesFrom && _changesFrom - time.GetUtcNow() <= TryAgainAfter;

    /// <returns>How many.</returns>
    private async Task<int> TellChangesAsync(CancellationToken cancellationToken)
    {
        // Step 1: what waits for longest, and how it stands now. The time is read before: nothing that is read is older.
        DateTimeOffset thisUpdate = Now();
        (IReadOnlyList<ChangeRow> changes, IReadOnlyList<(byte[] Id, string Reason)> broken) = await database.ReadAsync(ListChangesAsync, cancellationToken);
        feed.PassOver(broken.Select(each => Convert.ToHexString(each.Id)).ToHashSet());
        if (changes.Count == 0)
        {
            // What could not be told was put right, or is all that waits.
            await SettleAsync(Changes, broken);
            return 0;
        }

        // What cannot be appended here needs no signatures: another node tells it.
        if (await feed.FindFaultAsync(cancellationToken) is not null)
        {
            return 0;
        }

        // Step 2: sign.
        ResponseBatch batch = await ResponseBatch.SignAsync(changes, signers.Current, options, thisUpdate, cancellationToken);
        broken = [.. broken, .. batch.Broken];
        FaultPoint.Reach("ocsp-signed");

        // Step 3: judge and append; with that their rows go, but for those of certificates that are broken, or have changed once more. Fewer rows than were read: another node was faster.
        int told = 0;
        byte[][] certificates = [.. batch.Told.Select(each => each.Id)];
        try
        {
            await AppendAsync(
                batch,
                transaction => OcspStore.ListAsync(transaction, certificates),
                async (transaction, left) =>
                {
                    HashSet<string> kept = [.. batch.Broken.Select(each => each.Id).Concat(batch.Told.Except(left.Told).Select(each => each.Id)).Select(Convert.ToHexString)];
                    byte[][] ids = [.. changes.Where(change => !kept.Contains(Convert.ToHexString(change.CertificateId))).Select(change => change.ChangeId)];
                    told = await OcspStore.DeleteChangesAsync(transaction, ids);
                    if (told != ids.Length)
                    {
                        throw new BatchOvertakenException([]);
                    }

                    // What has no response now gets one when its slice is looked at.
                    HashSet<short> silent = [.. batch.Silent.Select(each => each.Signer.Authority.Id)];
                    await OcspStore.BringForwardAsync(transaction, [.. left.Told.Where(each => silent.Contains(each.Status.Authority)).Select(each => each.Id)], thisUpdate + LookAgainAfter);
                },
                cancellationToken);
        }
        catch (BatchOvertakenException)
        {
            // Whatever is left is read anew.
            return 1;
        }

        _appendedAt = time.GetTimestamp();
        await SettleAsync(Changes, broken);
        await SettleAsync(batch);
        return told;
    }

    /// <summary>What waits for longest, as much as one segment takes. However much is broken, is of a CA that the feed has not named, or is left to others, it is passed over.</summary>
    private async Task<(IReadOnlyList<ChangeRow> Changes, IReadOnlyList<(byte[] Id, string Reason)> Broken)> ListChangesAsync(Transaction transaction)
    {
        HashSet<short> own = [.. authorities.All.Select(each => each.Id)];
        DateTimeOffset now = time.GetUtcNow();
        bool hasUnnamed = false;
        var changes = new List<ChangeRow>();
        var broken = new List<(byte[], string)>();
        IReadOnlyList<ChangeRow> page;
        byte[]? after = null;
        do
        {
            page = await OcspStore.ListChangesAsync(transaction, after, MaxChanges);
            foreach (ChangeRow row in page)
            {
                if (row.FindFault() is { } fault)
                {
                    broken.Add((row.CertificateId, fault));
                }
                else if (row.NamedIn is null)
                {
                    hasUnnamed = true;
                }
                else if (changes.Count < MaxChanges && (own.Contains(row.AuthorityId) || now - Ulid.TimeOf(row.ChangeId) > LeftToOthers))
                {
                    changes.Add(row);
                }
            }

            after = page.Count > 0 ? page[^1].ChangeId : after;
        }
        while (page.Count == MaxChanges && changes.Count < MaxChanges);
        HasUnnamed = hasUnnamed;
        return (changes, broken);
    }

    private async Task RenewAllAsync(CancellationToken cancellationToken)
    {
        // A node whose clock was set, or that cannot sign the feed, spends no due times; readiness tells of it.
        while (clock.FindFault() is null && await feed.FindFaultAsync(cancellationToken) is null && await TakeAsync(cancellationToken) is { } slice)
        {
            string name = $"slice {Convert.ToHexStringLower(slice.First)}";
            try
            {
                await RenewAsync(slice, name, cancellationToken);
            }
            catch (BatchOvertakenException)
            {
                // The lease was over before it was done: another node has it.
                LogOvertaken(logger, name);
            }
            catch (BatchRefusedException e)
            {
                await RefuseAsync(name, e);
                await PutOffAsync(slice);
            }
            catch (Exception e) when (e is HsmException or DbException && !cancellationToken.IsCancellationRequested)
            {
                DateTimeOffset now = time.GetUtcNow();
                _troubles[name] = new Trouble(e.Message, now, _troubles.GetValueOrDefault(name)?.ToldAt);
                LogFailed(logger, e, name);
                await PutOffAsync(slice);
            }
        }
    }

    private Task<SliceRange?> TakeAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        return database.WriteAsync(transaction => OcspStore.TakeDueAsync(transaction, now, now + LeaseFor, now + options.RenewAfter + (2 * LeaseFor)), cancellationToken);
    }

    private async Task RenewAsync(SliceRange slice, string name, CancellationToken cancellationToken)
    {
        // Step 1: one that has grown is divided; this is the first piece from here on, and the others are as due as it is.
        if (await database.ReadAsync(transaction => OcspStore.FindCutsAsync(transaction, slice, SliceLength), cancellationToken) is { Count: > 0 } cuts)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (!await database.WriteAsync(transaction => OcspStore.DivideAsync(transaction, slice, cuts, now), cancellationToken))
            {
                throw new BatchOvertakenException([]);
            }

            slice = slice with { Next = cuts[0] };
        }

        // Step 2: all of it, as it is now, signed.
        DateTimeOffset thisUpdate = Now();
        IReadOnlyList<StatusRow> all = await database.ReadAsync(transaction => OcspStore.ListAsync(transaction, slice, thisUpdate), cancellationToken);
        StatusRow[] rows = [.. all.Where(row => row.NamedIn is not null)];
        ResponseBatch batch = await ResponseBatch.SignAsync(rows, signers.Current, options, thisUpdate, cancellationToken);
        FaultPoint.Reach("ocsp-slice-signed");

        // Step 3: judge and append; with that the slice has its next time.
        bool isWhole = rows.Length == all.Count && batch.Broken.Count == 0 && batch.Silent.Count == 0;
        DateTimeOffset due = thisUpdate + (isWhole ? Jittered(RenewAfter(batch)) : LookAgainAfter);
        async Task EndAsync(Transaction transaction, ResponseBatch left)
        {
            if (!await OcspStore.SetSignedAsync(transaction, slice, all.Count, thisUpdate, due))
            {
                throw new BatchOvertakenException([]);
            }
        }

        if (batch.Told.Count == 0)
        {
            await database.WriteAsync(transaction => EndAsync(transaction, batch), cancellationToken);
        }
        else
        {
            await AppendAsync(batch, transaction => OcspStore.ListAsync(transaction, slice, thisUpdate), EndAsync, cancellationToken);
        }

        await SettleAsync(name, batch.Broken);
        await SettleAsync(batch);
    }

    /// <summary>What changes between reading and appending is left out of the batch: nothing stale leaves. Its change tells it.</summary>
    /// <param name="read">The same certificates, as they are then.</param>
    /// <param name="with">In the same transaction; with what is left of the batch.</param>
    /// <exception cref="BatchOvertakenException">Another node has done it.</exception>
    /// <exception cref="BatchRefusedException">By the gate: nothing of it leaves.</exception>
    private async Task AppendAsync(
        ResponseBatch batch, Func<Transaction, Task<IReadOnlyList<StatusRow>>> read, Func<Transaction, ResponseBatch, Task> with, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (batch.Told.Count == 0)
            {
                await database.WriteAsync(transaction => with(transaction, batch), cancellationToken);
                return;
            }

            byte[] content = batch.Write(options);
            JudgedBatch judged = gate.Judge(batch.Signers, content);
            FaultPoint.Reach("ocsp-judged");
            ResponseBatch left = batch;
            try
            {
                await feed.AppendAsync(
                    content,
                    batch.KeepUntil,
                    async (transaction, _) =>
                    {
                        await gate.CompareAsync(transaction, judged, await read(transaction));
                        await with(transaction, left);
                    },
                    cancellationToken);
                return;
            }
            catch (BatchOvertakenException e) when (e.Overtaken.Count > 0)
            {
                batch = batch.Without(e.Overtaken);
            }
        }
    }

    /// <summary>It has left; or all of it but what is broken.</summary>
    private async Task SettleAsync(string name, IReadOnlyList<(byte[] Id, string Reason)> broken)
    {
        if (broken.Count > 0)
        {
            await RefuseAsync(name, new BatchRefusedException(broken[0].Reason + (broken.Count > 1 ? $" And {broken.Count - 1} more." : "")));
        }
        else
        {
            _troubles.TryRemove(name, out _);
        }
    }

    /// <summary>Whose keys have signed it, and whose did not.</summary>
    private async Task SettleAsync(ResponseBatch batch)
    {
        foreach ((OcspSigner signer, string reason) in batch.Silent)
        {
            await RefuseAsync($"CA {signer.Authority.Name}", new BatchRefusedException(reason));
        }

        foreach (OcspSigner signer in batch.Responses.Select(each => each.Signer).Distinct())
        {
            _troubles.TryRemove($"CA {signer.Authority.Name}", out _);
        }
    }

    /// <summary>For the log once an hour, for the operator as long as it is so.</summary>
    private async Task RefuseAsync(string name, BatchRefusedException refused)
    {
        // Reasons have times in them, and are never the same.
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset? toldAt = _troubles.GetValueOrDefault(name)?.ToldAt;
        bool isKnown = toldAt is { } told && now - told < TellAgainAfter && now >= told;
        _troubles[name] = new Trouble(refused.Message, now, isKnown ? toldAt : now);
        if (isKnown)
        {
            return;
        }

        LogRefused(logger, refused, name);
        await database.WriteAsync(
            transaction => log.AppendAsync(
                transaction, new AuditEvent(Actor, RefuseAction, new AuditObject(ObjectKind, name), AuditOutcome.Failed) { Fields = [AuditField.Text.Fit("reason", refused.Message)] }),
            CancellationToken.None);
    }

    private Task PutOffAsync(SliceRange slice)
    {
        DateTimeOffset due = time.GetUtcNow() + TryAgainAfter;
        return database.WriteAsync(transaction => OcspStore.SetDueAsync(transaction, slice, due), CancellationToken.None);
    }

    /// <summary>Where a signer's certificate ends before the responses would, they are renewed as much earlier: by a successor, as soon as there is one.</summary>
    private TimeSpan RenewAfter(ResponseBatch batch)
    {
        TimeSpan share = (batch.EndsFirst - batch.ThisUpdate) * (options.RenewAfter / options.Validity);
        return batch.Responses.Count == 0 || share >= options.RenewAfter ? options.RenewAfter : share > LookAgainAfter ? share : LookAgainAfter;
    }

    /// <summary>Up to a quarter less: what came at once does not stay at once.</summary>
    private static TimeSpan Jittered(TimeSpan interval) => interval - (interval / 4 * (RandomNumberGenerator.GetInt32(1000) / 1000.0));

    private DateTimeOffset Now() => Time.Truncate(time.GetUtcNow()).Value;

    /// <param name="At">When it was met last.</param>
    /// <param name="ToldAt">When the log was told of it. Null: never, the device was away.</param>
    private sealed record Trouble(string Reason, DateTimeOffset At, DateTimeOffset? ToldAt);

    [LoggerMessage(Level = LogLevel.Error, Message = "OCSP responses ({Name}) do not leave; they are tried again")]
    private static partial void LogRefused(ILogger logger, Exception exception, string name);

    [LoggerMessage(Level = LogLevel.Error, Message = "OCSP responses ({Name}) could not be signed or stored; they are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "OCSP responses ({Name}) took longer than the lease; another node makes them")]
    private static partial void LogOvertaken(ILogger logger, string name);
}
