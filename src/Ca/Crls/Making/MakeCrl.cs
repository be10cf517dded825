using System.Diagnostics.Metrics;
using System.Numerics;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Authorities;
using ZwCa.Data;
using ZwCa.Issuance;
using ZwCa.Jobs;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Makes one CRL: docs/CRLS.md, in the same steps. Nothing leaves here: what has passed the gate waits in the database to be published (<see cref="PublishCrls"/>). Whatever dies meanwhile,
/// a number is used once, and what may have been signed has a row. Safe on several nodes: a lease lets one of them make the CRL, and each of its commits renews it.
/// </summary>
internal sealed partial class MakeCrl
{
    public const string IntendAction = "crl.intend";
    public const string IssueAction = "crl.issue";
    public const string RefuseAction = "crl.refuse";
    public const string GiveUpAction = "crl.give-up";

    /// <summary>Why a row was given up whose run has died.</summary>
    public const string BrokenOff = "broken off";

    /// <summary>Of the log.</summary>
    public const string ObjectKind = "crl";

    /// <summary>So many times <see cref="CrlNode.TryAgainAfter"/> at most.</summary>
    private const int MostTries = 15;

    private const int MaxDetail = 1000;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "crl");

    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly CrlScopes _scopes;
    private readonly ProfileStore _profiles;
    private readonly LogGuard _guard;
    private readonly CrlGate _gate;
    private readonly CrlNode _node;
    private readonly ClockWatch _clock;
    private readonly PublicationCall _publication;
    private readonly CrlOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<MakeCrl> _logger;
    private readonly Counter<long> _made;
    private readonly Histogram<double> _seconds;

    public MakeCrl(
        Database database, AuditLog log, CrlScopes scopes, ProfileStore profiles, LogGuard guard, CrlGate gate, CrlNode node, ClockWatch clock, PublicationCall publication, CrlOptions options, TimeProvider time, IMeterFactory meters, ILogger<MakeCrl> logger)
    {
        _database = database;
        _log = log;
        _scopes = scopes;
        _profiles = profiles;
        _guard = guard;
        _gate = gate;
        _node = node;
        _clock = clock;
        _publication = publication;
        _options = options;
        _time = time;
        _logger = logger;
        Meter meter = meters.Create("ZwCa.Ca");
        _made = meter.CreateCounter<long>("zwca.crls", null, "CRLs that were made, by what the gate said.");
        _seconds = meter.CreateHistogram(
            "zwca.crl.step",
            "s",
            "Steps of making a CRL.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 120] });
    }

    /// <summary>Every CRL that is due, one after the other. One that cannot be made keeps no other from being made.</summary>
    public async Task RunDueAsync(CancellationToken cancellationToken)
    {
        // A node whose clock was set leaves it to others, and spends neither numbers nor due times; readiness tells of it.
        if (_clock.FindFault() is { } fault)
        {
            LogClock(_logger, fault);
            return;
        }

        foreach (CrlScope scope in await _scopes.GetDueAsync(cancellationToken))
        {
            try
            {
                if (await RunAsync(scope, cancellationToken) is { State: CrlState.Judged })
                {
                    _publication.Send();
                }
            }
#pragma warning disable CA1031 // Whatever it is: the row and the log have it, readiness tells of it, and others wait.
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogFailed(_logger, e, scope.ToString());
            }
        }
    }

    /// <summary>Makes the CRL if it is due.</summary>
    /// <returns>The row as it ended; null: it is not due, another node is at it, or the last one waits to be published.</returns>
    /// <exception cref="Hsm.HsmException">The device failed: the next run begins anew, with another number.</exception>
    /// <exception cref="LintException">It cannot be made of what there is.</exception>
    /// <exception cref="InvalidOperationException">The clock is wrong, or a profile is missing.</exception>
    /// <exception cref="LogRolledBackException">The database is older than the anchors of its log.</exception>
    public async Task<CrlRow?> RunAsync(CrlScope scope, CancellationToken cancellationToken)
    {
        // Step 1: the lease, and a number that nothing else has or gets. What a dead node began is given up: its number is spent, and if it was signed, nobody has it.
        Lease lease = _node.LeaseOf(scope);
        (CrlRow? row, CrlRow? last, IReadOnlyList<Profile> profiles) = await _database.WriteAsync(transaction => BeginAsync(transaction, scope, lease), cancellationToken);
        if (row is null)
        {
            return null;
        }

        FaultPoint.Reach("crl-begun");
        string? path = null;
        try
        {
            path = Path.Combine(_node.WorkFolder, $"{Convert.ToHexStringLower(row.CrlId)}.crl");
            if (_clock.FindFault() is { } fault)
            {
                throw new InvalidOperationException(fault);
            }

            // Ordered in the second of the last one.
            if (last?.ThisUpdate + TimeSpan.FromSeconds(1) - _time.GetUtcNow() is { } early && early > TimeSpan.Zero && early <= TimeSpan.FromSeconds(1))
            {
                await Task.Delay(early, _time, cancellationToken);
            }

            var watch = new StepWatch(_seconds);

            // Step 2: everything that goes on it, as it was at one moment.
            using CrlSnapshot snapshot = await CrlSnapshot.ReadAsync(_database, _guard, scope, last?.ThisUpdate, _node.WorkFolder, _time, cancellationToken);
            watch.End("read");
            FaultPoint.Reach("crl-read");

            // Step 3: all of it but the signature, judged by the rules of lint.
            var thisUpdate = Time.Truncate(snapshot.ReadAt);
            if (thisUpdate.Value <= last?.ThisUpdate)
            {
                throw new InvalidOperationException($"It is {thisUpdate}, and the last one is of {last.ThisUpdate:u}: this one would not be newer. Is the clock right?");
            }

            var request = new CrlRequest
            {
                Kind = scope.IsComplete ? CrlKind.Complete : CrlKind.Partition,
                Number = row.CrlNumber,
                PreviousNumber = last is null ? null : new BigInteger(last.CrlNumber),
                ThisUpdate = thisUpdate.Value,
                NextUpdate = thisUpdate.Value + _options.Validity,
                DistributionPoint = CrlScopes.PointOf(scope, profiles),
                IssuerKeyIdentifier = scope.Authority.Issuer.KeyIdentifier,
                OnlyUserCertificates = !scope.IsComplete,
            };
            await using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
            using PreparedCrl prepared = CrlIssuer.Prepare(scope.Authority.Issuer, request, snapshot.ReadEntries(), file);
            watch.End("prepare");
            FaultPoint.Reach("crl-prepared");

            // Step 4: the intention, before anything is signed.
            row = row with
            {
                ThisUpdate = request.ThisUpdate, NextUpdate = request.NextUpdate, Entries = snapshot.Count, LogSize = snapshot.LogSize, ChangedAt = _time.GetUtcNow(),
            };
            if (!await _database.WriteAsync(transaction => IntendAsync(transaction, lease, scope, row, prepared.Digest), cancellationToken))
            {
                return null;
            }

            watch.End("intend");
            FaultPoint.Reach("crl-intended");

            // Step 5: sign. What the device returns is verified, and the file is read back.
            IssuedCrl issued = await CrlIssuer.SignAsync(prepared, cancellationToken);
            await file.FlushAsync(cancellationToken);
            watch.End("sign");
            FaultPoint.Reach("crl-signed");

            // Step 6: the gate looks at the file as a relying party would, beside what was published last and what the log says.
            file.Position = 0;
            Task<byte[]> hash = FileHash.ComputeAsync(file, cancellationToken);
            Task<IReadOnlyList<string>> judged = _gate.JudgeAsync(new CrlCandidate(scope, row, path, profiles), cancellationToken);
            await Task.WhenAll(hash, judged);
            IReadOnlyList<string> reasons = await judged;
            row = row with { Length = issued.Length, Hash = await hash };
            watch.End("gate");
            FaultPoint.Reach("crl-judged");

            // Step 7: what passed goes into the database whole, to be published from there by any node; what did not goes nowhere.
            row = row with
            {
                State = reasons.Count == 0 ? CrlState.Judged : CrlState.Refused,
                Detail = reasons.Count == 0 ? null : Shortened(string.Join(" ", reasons)),
                ChangedAt = _time.GetUtcNow(),
            };
            if (reasons.Count == 0 && !await KeepAsync(lease, row, file, cancellationToken))
            {
                return null;
            }

            bool ended = await _database.WriteAsync(transaction => EndAsync(transaction, lease, scope, row), cancellationToken);
            watch.End("keep");
            FaultPoint.Reach("crl-ended");
            if (!ended)
            {
                return null;
            }

            _made.Add(1, new KeyValuePair<string, object?>("outcome", row.State == CrlState.Judged ? "issued" : "refused"));
            if (row.State == CrlState.Refused)
            {
                LogRefused(_logger, scope.ToString(), row.CrlNumber, row.Detail!);
            }

            return row;
        }
        catch (Exception e)
        {
            // Its number is spent, whatever was signed is gone with the file, and the next one is begun a little later: device, disk and database may come back. Or another node makes it.
            string detail = cancellationToken.IsCancellationRequested ? BrokenOff : Shortened(e.Message);
            try
            {
                await _database.WriteAsync(
                    async transaction =>
                    {
                        await GiveUpAsync(transaction, scope, row, detail);
                        await lease.ReleaseAsync(transaction);
                    },
                    CancellationToken.None);
            }
#pragma warning disable CA1031 // What came first is what the caller has to know.
            catch (Exception second)
#pragma warning restore CA1031
            {
                LogNotGivenUp(_logger, second, scope.ToString(), row.CrlNumber);
            }

            throw;
        }
        finally
        {
            if (File.Exists(path))
            {
                File.Delete(path);
            }
        }
    }

    private async Task<(CrlRow? Row, CrlRow? Last, IReadOnlyList<Profile> Profiles)> BeginAsync(Transaction transaction, CrlScope scope, Lease lease)
    {
        DateTimeOffset now = _time.GetUtcNow();
        if (!await lease.TakeAsync(transaction, now))
        {
            return default;
        }

        // Asked with the lease: who has had it may have made one since.
        if (!await _scopes.IsDueAsync(transaction, scope, now) || await CrlStore.FindLastAsync(transaction, scope, CrlState.Judged) is not null)
        {
            await lease.ReleaseAsync(transaction);
            return default;
        }

        foreach (CrlRow broken in await CrlStore.ListBrokenOffAsync(transaction, scope))
        {
            await GiveUpAsync(transaction, scope, broken, BrokenOff);
        }

        await CrlStore.TakeOrderAsync(transaction, scope);

        var row = new CrlRow
        {
            CrlId = Ulid.Create(now),
            AuthorityId = scope.Authority.Id,
            Shard = scope.Shard,
            CrlNumber = await CrlStore.TakeNumberAsync(transaction, scope),
            State = CrlState.Begun,
            BegunAt = now,
            ChangedAt = now,
        };
        await CrlStore.BeginAsync(transaction, row);
        return (row, await CrlStore.FindPublishedAsync(transaction, scope), await _profiles.GetAllAsync(transaction));
    }

    private async Task<bool> IntendAsync(Transaction transaction, Lease lease, CrlScope scope, CrlRow row, ReadOnlyMemory<byte> digest)
    {
        if (!await lease.TakeAsync(transaction, row.ChangedAt) || !await CrlStore.IntendAsync(transaction, row))
        {
            // What was given up meanwhile keeps nobody waiting.
            await lease.ReleaseAsync(transaction);
            return false;
        }

        await RecordAsync(
            transaction, IntendAction, scope, row, AuditOutcome.Intended,
            new AuditField.Octets("digest", digest),
            new AuditField.Number("entries", row.Entries!.Value),
            new AuditField.Number("thisUpdate", row.ThisUpdate!.Value.ToUnixTimeSeconds()),
            new AuditField.Number("nextUpdate", row.NextUpdate!.Value.ToUnixTimeSeconds()),
            new AuditField.Number("logSize", row.LogSize!.Value));
        return true;
    }

    /// <returns>False: another node has given it up.</returns>
    private async Task<bool> KeepAsync(Lease lease, CrlRow row, FileStream file, CancellationToken cancellationToken)
    {
        file.Position = 0;
        byte[] buffer = new byte[CrlStore.PartLength];
        for (long part = 0; ; part++)
        {
            int count = await file.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            if (count == 0)
            {
                return true;
            }

            byte[] content = buffer[..count];
            bool kept = await _database.WriteAsync(
                async transaction =>
                {
                    if (await lease.TakeAsync(transaction, _time.GetUtcNow()) && await CrlStore.AddPartAsync(transaction, row.CrlId, part, content))
                    {
                        return true;
                    }

                    await lease.ReleaseAsync(transaction);
                    return false;
                },
                cancellationToken);
            if (!kept)
            {
                return false;
            }
        }
    }

    private async Task<bool> EndAsync(Transaction transaction, Lease lease, CrlScope scope, CrlRow row)
    {
        if (!await lease.TakeAsync(transaction, row.ChangedAt) || !await CrlStore.JudgeAsync(transaction, row))
        {
            await lease.ReleaseAsync(transaction);
            return false;
        }

        // What was refused is tried again soon: the reason may pass, and everybody waits.
        bool isJudged = row.State == CrlState.Judged;
        await CrlStore.SetDueAsync(transaction, scope, isJudged ? row.ThisUpdate!.Value + _options.Interval : await TryAgainAtAsync(transaction, scope));
        await lease.ReleaseAsync(transaction);
        await RecordAsync(
            transaction, isJudged ? IssueAction : RefuseAction, scope, row, isJudged ? AuditOutcome.Done : AuditOutcome.Refused,
            [new AuditField.Octets("hash", row.Hash), .. isJudged ? [] : new AuditField[] { AuditField.Text.Fit("reason", row.Detail!) }]);
        return true;
    }

    private async Task GiveUpAsync(Transaction transaction, CrlScope scope, CrlRow row, string detail)
    {
        if (await CrlStore.GiveUpAsync(transaction, row.CrlId, detail, _time.GetUtcNow()))
        {
            await CrlStore.SetDueAsync(transaction, scope, await TryAgainAtAsync(transaction, scope));
            await RecordAsync(transaction, GiveUpAction, scope, row, AuditOutcome.Failed, AuditField.Text.Fit("reason", detail));
        }
    }

    /// <summary>Later each time: every attempt is a number, a signature and two events that are kept for ever.</summary>
    private async Task<DateTimeOffset> TryAgainAtAsync(Transaction transaction, CrlScope scope) =>
        _time.GetUtcNow() + (CrlNode.TryAgainAfter * Math.Clamp(await CrlStore.CountFailedAsync(transaction, scope), 1, MostTries));

    private Task RecordAsync(Transaction transaction, string action, CrlScope scope, CrlRow row, AuditOutcome outcome, params IReadOnlyList<AuditField> fields) => _log.AppendAsync(
        transaction,
        new AuditEvent(Actor, action, ObjectOf(scope), outcome) { Fields = [new AuditField.Number("number", row.CrlNumber), .. fields] });

    /// <summary>What the log calls it by: the issuer's key identifier and the partition.</summary>
    internal static AuditObject ObjectOf(CrlScope scope) => new(ObjectKind, $"{scope.Authority.KeyIdentifier}/{scope.Shard}");

    /// <summary>As the column has room; not in the middle of a character.</summary>
    private static string Shortened(string text)
    {
        string line = text.ReplaceLineEndings(" ");
        return line.Length <= MaxDetail ? line : line[..(char.IsHighSurrogate(line[MaxDetail - 1]) ? MaxDetail - 1 : MaxDetail)];
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "No CRL is made: {Fault}")]
    private static partial void LogClock(ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The end of CRL {Scope} number {Number} could not be written down: whoever is next gives it up")]
    private static partial void LogNotGivenUp(ILogger logger, Exception exception, string scope, long number);

    [LoggerMessage(Level = LogLevel.Error, Message = "CRL {Scope} was not made; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string scope);

    [LoggerMessage(Level = LogLevel.Error, Message = "CRL {Scope} number {Number} does not leave: {Reason}")]
    private static partial void LogRefused(ILogger logger, string scope, long number, string reason);
}
