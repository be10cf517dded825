using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Compares every certificate with everything that is recorded about it, and every event of the log about an issue with its certificate. Page by page: where it stands, and what it found,
/// is committed with each page, so that it goes on after a crash and counts nothing twice. Safe to run on several nodes: one of them moves a run.
/// </summary>
internal sealed partial class ReauditCertificates
{
    public const string FindingAction = "reaudit.finding";
    public const string EndAction = "reaudit.end";

    private const int Page = 200;

    /// <summary>Recorded one by one; beyond that they are only counted: something is wrong with the whole, not with some.</summary>
    private const int MaxRecorded = 10_000;

    private static readonly byte[] First = new byte[Ulid.Length];
    private static readonly AuditActor Actor = new(AuditActorKind.Job, "reaudit");
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly EventList _events;
    private readonly AuthorityList _authorities;
    private readonly ProfileStore _profiles;
    private readonly Places _places;
    private readonly CertificateCheck _check;
    private readonly CaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ReauditCertificates> _logger;
    private readonly Counter<long> _checked;
    private readonly Counter<long> _findings;

    public ReauditCertificates(
        Database database, AuditLog log, EventList events, AuthorityList authorities, ProfileStore profiles, Places places, CertificateCheck check, CaOptions options,
        TimeProvider time, IMeterFactory meters, ILogger<ReauditCertificates> logger)
    {
        _database = database;
        _log = log;
        _events = events;
        _authorities = authorities;
        _profiles = profiles;
        _places = places;
        _check = check;
        _options = options;
        _time = time;
        _logger = logger;
        Meter meter = meters.Create("ZwCa.Ca");
        _checked = meter.CreateCounter<long>("zwca.reaudit.checked", null, "Certificates and events that the re-audit has looked at.");
        _findings = meter.CreateCounter<long>("zwca.reaudit.findings", null, "What did not agree, by kind.");
    }

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
        (ReauditRun next, List<(string ObjectId, Discrepancy What)> found) = run.Phase == ReauditPhase.Certificates
            ? await LookAtCertificatesAsync(run, until, cancellationToken)
            : await LookAtEventsAsync(run, until, cancellationToken);
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

        // A change of this moment may be in the row and not yet in the log: what is found twice is so.
        var found = new List<(string, Discrepancy)>();
        if (doubtful.Count > 0)
        {
            await SettleAsync(cancellationToken);
        }

        foreach (CertificateRow row in doubtful)
        {
            found.AddRange((await JudgeAsync(row.CertificateId, cancellationToken)).Select(each => (ObjectIdOf(row), each)));
        }

        ReauditRun next = run with
        {
            Certificates = run.Certificates + rows.Count,
            Phase = rows.Count < Page ? ReauditPhase.IssueEvents : run.Phase,
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
            var events = new List<ListedEvent>();
            IReadOnlyList<ListedEvent> page;
            var filter = new EventFilter { Object = new AuditObject("certificate", ObjectIdOf(row)) };
            do
            {
                page = await _events.ListAsync(filter, events.LastOrDefault()?.EventId, EventList.MaxRows, cancellationToken: cancellationToken);
                events.AddRange(page.Where(each => each.Leaf.Object == filter.Object));
            }
            while (page.Count == EventList.MaxRows);
            return _check.Judge(await _database.ReadAsync(transaction => CertificateRecords.LoadAsync(transaction, row, events, _authorities, _profiles, _places), cancellationToken));
        }
        catch (Exception e) when (e is DerException or RefusalException or ArgumentException)
        {
            // Somebody has put there what this program never writes: that is a finding, and no reason to look no further.
            return [new Discrepancy("bytes", $"what is recorded cannot be read: {e.Message}")];
        }
    }

    /// <summary>The reverse: whoever takes a certificate's row away leaves its events.</summary>
    private async Task<(ReauditRun Next, List<(string ObjectId, Discrepancy What)> Found)> LookAtEventsAsync(ReauditRun run, DateTimeOffset until, CancellationToken cancellationToken)
    {
        bool isIssue = run.Phase == ReauditPhase.IssueEvents;
        var found = new List<(string, Discrepancy)>();
        IReadOnlyList<ListedEvent> page = [];
        try
        {
            page = await _events.ListAsync(
                new EventFilter { Action = isIssue ? IssueCertificate.IssueAction : IssueCertificate.IntendAction, Until = until },
                run.Reached.AsSpan().SequenceEqual(First) ? null : run.Reached,
                Page,
                cancellationToken: cancellationToken);
        }
        catch (DerException e)
        {
            // The log itself is damaged: its own check says where. Nothing that follows can be read by pages.
            found.Add(("log", new Discrepancy("log", $"an event cannot be read, those after it were not looked at: {e.Message}")));
        }

        await _database.ReadAsync(
            async transaction =>
            {
                foreach (ListedEvent each in page)
                {
                    CertificateRow? row = await FindAsync(transaction, each.Leaf.Object.Id);
                    byte[]? bytes = isIssue ? BytesOf(row) : row?.Tbs;
                    if (bytes is null || CertificateRecords.OctetsOf(each.Leaf, isIssue ? "certificate" : "tbs") is not { } hash || !hash.Span.SequenceEqual(Sm3.HashData(bytes)))
                    {
                        found.Add((each.Leaf.Object.Id, new Discrepancy("missing", isIssue ? "the log has its issue; the certificate is not there" : "the log has its intention; its bytes are not there")));
                    }
                }

                return true;
            },
            cancellationToken);
        ReauditRun next = run with
        {
            Events = run.Events + page.Count,
            Phase = page.Count == Page ? run.Phase : isIssue ? ReauditPhase.IntendEvents : ReauditPhase.Ended,
            Reached = page.Count == Page ? page[^1].EventId : First,
        };
        return (next, found);
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

    /// <summary>Also of a CA that the configuration lacks.</summary>
    private string ObjectIdOf(CertificateRow row) =>
        $"{_authorities.All.FirstOrDefault(each => each.Id == row.AuthorityId)?.KeyIdentifier ?? $"authority-{row.AuthorityId}"}/{row.Serial}";

    [LoggerMessage(Level = LogLevel.Error, Message = "Re-audit: certificate {ObjectId}: {Kind}: {Detail}")]
    private static partial void LogFinding(ILogger logger, string objectId, string kind, string detail);

    [LoggerMessage(Level = LogLevel.Information, Message = "Re-audit ended: {Certificates} certificates, {Events} events, {Findings} findings")]
    private static partial void LogEnded(ILogger logger, long certificates, long events, long findings);
}
