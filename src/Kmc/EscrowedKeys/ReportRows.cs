using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>Runs <see cref="CheckRows"/> and tells of it: each finding is an event and a line of the log, and the run's own event says how many there were.</summary>
internal sealed partial class ReportRows(CheckRows check, Database database, AuditLog log, ILogger<ReportRows> logger)
{
    public const string RunAction = "rows.check";
    public const string FindingAction = "rows.finding";
    public const string FindingsField = "findings";

    /// <summary>With a wrong key of the MACs every row is one.</summary>
    private const int MaxEvents = 1000;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "rows");

    /// <returns>How many rows are not as they should be.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<RowFinding> found = await check.RunAsync(cancellationToken);
        foreach (RowFinding finding in found.Take(MaxEvents))
        {
            LogFinding(logger, finding.Object.Kind, finding.Object.Id, finding.Detail);
        }

        await database.WriteAsync(transaction => RecordAsync(transaction, found), cancellationToken);
        return found.Count;
    }

    private async Task RecordAsync(Transaction transaction, IReadOnlyList<RowFinding> found)
    {
        foreach (RowFinding finding in found.Take(MaxEvents))
        {
            await log.AppendAsync(transaction, new AuditEvent(Actor, FindingAction, finding.Object, AuditOutcome.Failed)
            {
                Fields = [new AuditField.Text("detail", finding.Detail)],
            });
        }

        await log.AppendAsync(
            transaction,
            new AuditEvent(Actor, RunAction, new AuditObject("table", "escrowed_key"), found.Count == 0 ? AuditOutcome.Done : AuditOutcome.Failed)
            {
                Fields = [new AuditField.Number(FindingsField, found.Count)],
            });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of the {Kind} {Id} is not as it should be: {Detail}")]
    private static partial void LogFinding(ILogger logger, string kind, string id, string detail);
}

/// <summary>Red while the last check of all rows has findings: until one has none.</summary>
internal sealed class RowsHealth(Database database) : IHealthCheck
{
    public const string Name = "rows";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            byte[]? last = await database.FindAsync<byte[]>(
                $"""
                 SELECT e.leaf FROM audit_search s JOIN audit_event e ON e.event_id = s.event_id
                 WHERE s.action = @Action ORDER BY s.event_id DESC {database.Dialect.Limit(1)}
                 """,
                new { Action = ReportRows.RunAction },
                cancellationToken);
            long findings = last is null ? 0 : Der.Decode<AuditLeaf>(last).Fields.OfType<AuditField.Number>().Single(field => field.Name == ReportRows.FindingsField).Value;
            return findings == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"The last check of the rows found {findings} that are not as they should be: events {ReportRows.FindingAction} of the log say which.");
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
