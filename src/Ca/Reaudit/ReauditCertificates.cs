using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Import;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Compares every certificate with everything that is recorded about it, every event of the log about one with the certificate, and registers with the commands of officers. Page by page: where it stands, and what it found,
/// is committed with each page, so that it goes on after a crash and counts nothing twice. Safe to run on several nodes: one of them moves a run.
/// </summary>
internal sealed partial class ReauditCertificates
{
    public const string FindingAction = "reaudit.finding";
    public const string EndAction = "reaudit.end";

    private const int Page = 200;
    private const int LogPage = 1000;

    /// <summary>Beyond so many events that wait for their place, nothing can be said of any certificate that seems wrong.</summary>
    private const int MaxPending = 10_000;

    /// <summary>Recorded one by one; beyond that they are only counted: something is wrong with the whole, not with some.</summary>
    private const int MaxRecorded = 10_000;

    private static readonly byte[] First = new byte[Ulid.Length];
    private static readonly AuditActor Actor = new(AuditActorKind.Job, "reaudit");
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly AuthorityList _authorities;
    private readonly ProfileStore _profiles;
    private readonly Places _places;
    private readonly CertificateCheck _check;
    private readonly RegisterCheck _registers;
    private readonly CaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ReauditCertificates> _logger;
    private readonly Counter<long> _checked;
    private readonly Counter<long> _findings;

    public ReauditCertificates(
        Database database, AuditLog log, AuthorityList authorities, ProfileStore profiles, Places places, CertificateCheck check, RegisterCheck registers, CaOptions options,
        TimeProvider time, IMeterFactory meters, ILogger<ReauditCertificates> logger)
    {
        _database = database;
        _log = log;
        _authorities = authorities;
        _profiles = profiles;
        _places = places;
        _check = check;
        _registers = registers;
        _options = options;
        _time = time;
        _logger = logger;
        Meter meter = meters.Create("ZwCa.Ca");
        _checked = meter.CreateCounter<long>("zwca.reaudit.checked", null, "Certificates and events that the re-audit has looked at.");
        _findings = meter.CreateCounter<long>("zwca.reaudit.findings", null, "What did not agree, by kind.");
    }

    /// <summary>How long the log is waited for before a certificate of which an event has no place yet is left to the next run.</summary>
    internal TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Ends the run that was broken off, if there is one; else begins and ends another.</summary>
    /// <returns>The run as it ended; null: another node is at it.</returns>
    public async Task<ReauditRun?> RunAsync(CancellationToken cancellationToken)
    {
        ReauditRun run = await FindBrokenOffAsync(cancellationToken) ?? await StartAsync(cancellationToken);
        return await GoOnAsync(run, cancellationToken);
    }

    /// <summary>After a start of the service: ends the run that was broken off.</summary>
    /// <returns>Null: there is none, or another node is at it.</returns>
    public async Task<ReauditRun?> ResumeAsync(CancellationToken cancellationToken) =>
        await FindBrokenOffAsync(cancellationToken) is { } run ? await GoOnAsync(run, cancellationToken) : null;

    /// <summary>One page of a run.</summary>
    /// <returns>How the run stands then; null: another node has moved it.</returns>
    internal async Task<ReauditRun?> StepAsync(ReauditRun run, CancellationToken cancellationToken)
    {
        // What is being issued at present is left to the next run: all of it was begun before, and its events have their place in the log.
        DateTimeOffset until = run.StartedAt - _options.RecoverAfter;
        (ReauditRun next, List<(string ObjectId, Discrepancy What)> found) = run.Phase switch
        {
            ReauditPhase.Certificates => await LookAtCertificatesAsync(run, until, cancellationToken),
            ReauditPhase.Log => await LookAtLogAsync(run, until, cancellationToken),
            _ => (run with { Phase = ReauditPhase.Ended, Reached = First }, await LookAtRegistersAsync(cancellationToken)),
        };
        next = next with { Findings = run.Findings + found.Count, EndedAt = next.Phase == ReauditPhase.Ended ? _time.GetUtcNow() : null };
        bool moved = await _database.WriteAsync(transaction => StoreAsync(transaction, run, next, found), cancellationToken);
        if (!moved)
        {
            return null;
        }

        _checked.Add(next.Certificates + next.Events - run.Certificates - run.Events);
        foreach ((string objectId, Discrepancy what) in found)
        {
            _findings.Add(1, new KeyValuePair<string, object?>("kind", what.Kind));
            LogFinding(_logger, objectId, what.Kind, what.Detail);
        }

        return next;
    }

    internal Task<ReauditRun> StartAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var run = new ReauditRun
        {
            RunId = Ulid.Create(now), Phase = ReauditPhase.Certificates, Reached = First, Certificates = 0, Events = 0, Findings = 0, StartedAt = now,
        };
        return _database.WriteAsync(
            async transaction =>
            {
                await ReauditStore.StartAsync(transaction, run);
                return run;
            },
            cancellationToken);
    }

    private async Task<ReauditRun?> FindBrokenOffAsync(CancellationToken cancellationToken) =>
        (await _database.ReadAsync(transaction => ReauditStore.ListAsync(transaction, 1), cancellationToken)) is [{ Phase: not ReauditPhase.Ended } last] ? last : null;

    private async Task<ReauditRun?> GoOnAsync(ReauditRun run, CancellationToken cancellationToken)
    {
        ReauditRun? at = run;
        while (at is { Phase: not ReauditPhase.Ended })
        {
            cancellationToken.ThrowIfCancellationRequested();
            at = await StepAsync(at, cancellationToken);
        }

        if (at is not null)
        {
            LogEnded(_logger, at.Certificates, at.Events, at.Findings);
        }

        return at;
    }

    private async Task<(ReauditRun Next, List<(string ObjectId, Discrepancy What)> Found)> LookAtCertificatesAsync(ReauditRun run, DateTimeOffset until, CancellationToken cancellationToken)
    {
        IReadOnlyList<CertificateRow> rows = await _database.QueryAsync<CertificateRow>(
            $"""
             SELECT {CertificateRow.Columns} FROM certificate WHERE certificate_id > @Reached AND certificate_id < @Before
             ORDER BY certificate_id {_database.Dialect.Limit(Page)}
             """,
            new { run.Reached, Before = Ulid.FirstOf(until) },
            cancellationToken);
        var doubtful = new List<CertificateRow>();
        foreach (CertificateRow row in rows)
        {
            if ((await JudgeAsync(row.CertificateId, cancellationToken)).Count > 0)
            {
                doubtful.Add(row);
            }
        }

        // A change of this moment may be in the row and not yet in the log: what is found twice is so, once the log has what was recorded before.
        var found = new List<(string, Discrepancy)>();
        if (doubtful.Count > 0)
        {
            await SettleAsync(cancellationToken);
            int postponed = 0;
            foreach (CertificateRow row in doubtful)
            {
                IReadOnlyList<Discrepancy> again = await JudgeAsync(row.CertificateId, cancellationToken);
                bool isBehind = again.Count > 0 && await IsPendingAsync(ObjectIdOf(row), cancellationToken);
                postponed += isBehind ? 1 : 0;
                found.AddRange(isBehind ? [] : again.Select(each => (ObjectIdOf(row), each)));
            }

            if (postponed > 0)
            {
                LogPostponed(_logger, postponed);
            }
        }

        ReauditRun next = run with
        {
            Certificates = run.Certificates + rows.Count,
            Phase = rows.Count < Page ? ReauditPhase.Log : run.Phase,
            Reached = rows.Count < Page ? First : rows[^1].CertificateId,
        };
        return (next, found);
    }

    private async Task<IReadOnlyList<Discrepancy>> JudgeAsync(byte[] id, CancellationToken cancellationToken)
    {
        CertificateRow? row = await _database.ReadAsync(transaction => CertificateStore.FindAsync(transaction, id), cancellationToken);
        if (row is null)
        {
            return [new Discrepancy("missing", "the row went while it was looked at")];
        }

        try
        {
            var about = new AuditObject("certificate", ObjectIdOf(row));
            return await _database.ReadAsync(
                async transaction =>
                {
                    IReadOnlyList<LoggedEvent> logged = await LoggedEvent.FindAsync(transaction, about);
                    IReadOnlyList<ListedEvent> events = [.. logged.Select(each => new ListedEvent(each.EventId, Der.Decode<AuditLeaf>(each.Leaf))).Where(each => each.Leaf.Object == about)];
                    IReadOnlyList<Discrepancy> found = _check.Judge(await CertificateRecords.LoadAsync(transaction, row, events, _authorities, _profiles, _places));
                    return logged.All(each => each.IsInLog) ? found : [.. found, new Discrepancy("log", "an event of it is not in the log, or another than the log has")];
                },
                cancellationToken);
        }
        catch (Exception e) when (e is DerException or RefusalException or ArgumentException or FormatException)
        {
            // Somebody has put there what this program never writes: that is a finding, and no reason to look no further.
            return [new Discrepancy("bytes", $"what is recorded cannot be read: {e.Message}")];
        }
    }

    /// <summary>The reverse: whoever takes a certificate's row away leaves its events in the log, also where he takes away what they are found by.</summary>
    private async Task<(ReauditRun Next, List<(string ObjectId, Discrepancy What)> Found)> LookAtLogAsync(ReauditRun run, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var found = new List<(string, Discrepancy)>();
        int looked = 0;
        IReadOnlyList<LoggedEvent> page = await _database.ReadAsync(
            async transaction =>
            {
                IReadOnlyList<LoggedEvent> page = await LoggedEvent.ListAsync(transaction, PlaceOf(run.Reached), LogPage);
                foreach (LoggedEvent each in page)
                {
                    AuditLeaf? leaf = Read(each);
                    if (leaf is null)
                    {
                        found.Add(($"log/{each.LogIndex}", new Discrepancy("log", "the event is gone, or another than the log has")));
                    }
                    else if (leaf.Action is CommandEvents.ProposeAction or CommandEvents.ApproveAction && leaf.Outcome == AuditOutcome.Done)
                    {
                        if (!await CommandEvents.IsThereAsync(transaction, leaf))
                        {
                            found.Add(($"command/{leaf.Object.Id}", new Discrepancy("missing", $"the log has its {leaf.Action}; the command is not there as it was")));
                        }
                    }
                    else if (leaf.Time < until && leaf.Action is IssueCertificate.IntendAction or FinishIssuance.IssueAction or ImportCeremony.ImportAction)
                    {
                        looked++;
                        bool isIntention = leaf.Action == IssueCertificate.IntendAction;
                        CertificateRow? row = await FindAsync(transaction, leaf.Object.Id);
                        byte[]? bytes = isIntention ? row?.Tbs : BytesOf(row);
                        if (bytes is null || CertificateRecords.OctetsOf(leaf, isIntention ? "tbs" : "certificate") is not { } hash || !hash.Span.SequenceEqual(Sm3.HashData(bytes)))
                        {
                            found.Add((leaf.Object.Id, new Discrepancy("missing", $"the log has its {leaf.Action}; {(isIntention ? "its bytes are" : "the certificate is")} not there")));
                        }
                    }
                }

                return page;
            },
            cancellationToken);
        ReauditRun next = run with
        {
            Events = run.Events + looked,
            Phase = page.Count == LogPage ? run.Phase : ReauditPhase.Registers,
            Reached = page.Count == LogPage ? ReachedAt(page[^1].LogIndex!.Value) : First,
        };
        return (next, found);
    }

    /// <returns>Null: it is gone, or not what the log has.</returns>
    private static AuditLeaf? Read(LoggedEvent each)
    {
        try
        {
            return each.IsInLog ? Der.Decode<AuditLeaf>(each.Leaf) : null;
        }
        catch (DerException)
        {
            return null;
        }
    }

    /// <returns>-1 at the beginning.</returns>
    private static long PlaceOf(byte[] reached) => reached.AsSpan().SequenceEqual(First) ? -1 : BinaryPrimitives.ReadInt64BigEndian(reached.AsSpan(Ulid.Length - sizeof(long))) - 1;

    /// <summary>One more, for nothing but zeros is the beginning.</summary>
    private static byte[] ReachedAt(long place)
    {
        byte[] reached = new byte[Ulid.Length];
        BinaryPrimitives.WriteInt64BigEndian(reached.AsSpan(Ulid.Length - sizeof(long)), place + 1);
        return reached;
    }

    /// <summary>Twice where something is found: a command may be done in between two of the rows that are compared.</summary>
    private async Task<List<(string ObjectId, Discrepancy What)>> LookAtRegistersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<(string ObjectId, Discrepancy What)> found = await _database.ReadAsync(_registers.JudgeAsync, cancellationToken);
        if (found.Count == 0)
        {
            return [];
        }

        // By what it is about: a number in the text may have gone on meanwhile.
        HashSet<(string, string)> first = [.. found.Select(each => (each.ObjectId, each.What.Kind))];
        return [.. (await _database.ReadAsync(_registers.JudgeAsync, cancellationToken)).Where(each => first.Contains((each.ObjectId, each.What.Kind)))];
    }

    /// <returns>Null: no certificate, or none that can be read.</returns>
    private static byte[]? BytesOf(CertificateRow? row)
    {
        try
        {
            return row?.FindCertificate() is { } certificate ? Der.Encode(certificate) : null;
        }
        catch (DerException)
        {
            return null;
        }
    }

    private async Task<CertificateRow?> FindAsync(Transaction transaction, string objectId)
    {
        string[] parts = objectId.Split('/');
        Authority? authority = parts.Length == 2 ? _authorities.All.FirstOrDefault(each => each.KeyIdentifier == parts[0]) : null;
        return authority is null ? null : await CertificateStore.FindAsync(transaction, authority.Id, parts[1]);
    }

    private async Task<bool> StoreAsync(Transaction transaction, ReauditRun from, ReauditRun to, IReadOnlyList<(string ObjectId, Discrepancy What)> found)
    {
        if (!await ReauditStore.MoveAsync(transaction, from, to))
        {
            return false;
        }

        DateTimeOffset now = _time.GetUtcNow();
        foreach ((string objectId, Discrepancy what) in found.Take((int)Math.Max(0, MaxRecorded - from.Findings)))
        {
            string detail = what.Detail.Length <= 240 ? what.Detail : what.Detail[..240];
            await ReauditStore.InsertFindingAsync(
                transaction, from.RunId, new FindingRow { FindingId = Ulid.Create(now), ObjectId = objectId, Kind = what.Kind, Detail = detail, FoundAt = now });
            await _log.AppendAsync(transaction, new AuditEvent(Actor, FindingAction, new AuditObject("certificate", objectId), AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("run", from.RunId), new AuditField.Text("kind", what.Kind), new AuditField.Octets("detail", Sm3.HashData(System.Text.Encoding.UTF8.GetBytes(detail)))],
            });
        }

        if (to.Phase == ReauditPhase.Ended)
        {
            await _log.AppendAsync(transaction, new AuditEvent(Actor, EndAction, new AuditObject("reaudit", Convert.ToHexStringLower(to.RunId)), AuditOutcome.Done)
            {
                Fields = [new AuditField.Number("certificates", to.Certificates), new AuditField.Number("events", to.Events), new AuditField.Number("findings", to.Findings)],
            });
        }

        return true;
    }

    /// <summary>Waits until the log has what was recorded up to now.</summary>
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = _time.GetUtcNow();
        for (TimeSpan waited = TimeSpan.Zero; waited < Patience; waited += LookAgain)
        {
            byte[]? oldest = await _database.FindAsync<byte[]>(
                $"SELECT event_id FROM log_pending ORDER BY event_id {_database.Dialect.Limit(1)}", cancellationToken: cancellationToken);
            if (oldest is null || Ulid.TimeOf(oldest) > now)
            {
                return;
            }

            await Task.Delay(LookAgain, _time, cancellationToken);
        }
    }

    /// <summary>Whether an event about a certificate waits for its place, or so many that it may.</summary>
    private async Task<bool> IsPendingAsync(string objectId, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> pending = await _database.QueryAsync<byte[]>(
            $"SELECT e.leaf FROM log_pending p JOIN audit_event e ON e.event_id = p.event_id ORDER BY p.event_id {_database.Dialect.Limit(MaxPending)}", cancellationToken: cancellationToken);
        return pending.Count == MaxPending || pending.Any(leaf => Der.Decode<AuditLeaf>(leaf).Object.Id == objectId);
    }

    /// <summary>Also of a CA that the configuration lacks.</summary>
    private string ObjectIdOf(CertificateRow row) =>
        $"{_authorities.All.FirstOrDefault(each => each.Id == row.AuthorityId)?.KeyIdentifier ?? $"authority-{row.AuthorityId}"}/{row.Serial}";

    [LoggerMessage(Level = LogLevel.Error, Message = "Re-audit: certificate {ObjectId}: {Kind}: {Detail}")]
    private static partial void LogFinding(ILogger logger, string objectId, string kind, string detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Re-audit: {Count} certificates are left to the next run, for the log is behind and has not what was recorded about them last")]
    private static partial void LogPostponed(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Re-audit ended: {Certificates} certificates, {Events} events, {Findings} findings")]
    private static partial void LogEnded(ILogger logger, long certificates, long events, long findings);
}
