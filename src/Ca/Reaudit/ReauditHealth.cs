using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quartz;
using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>Degraded while the last re-audit has findings, or while none has begun since it was due twice. The service goes on: people have to look.</summary>
internal sealed class ReauditHealth(Database database, CaOptions options, TimeProvider time) : IHealthCheck
{
    public const string Name = "reaudit";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            IReadOnlyList<ReauditRun> runs = await database.ReadAsync(transaction => ReauditStore.ListAsync(transaction, 1), cancellationToken);
            return runs is not [{ } last] ? HealthCheckResult.Healthy()
                : last.Findings > 0 ? HealthCheckResult.Degraded($"The last re-audit has {last.Findings} findings: GET /reaudits/{Convert.ToHexStringLower(last.RunId)}/findings.")
                : IsOverdue(last) ? HealthCheckResult.Degraded($"The last re-audit began at {last.StartedAt:O}, and two were due since.")
                : HealthCheckResult.Healthy();
        }
        catch (DbException e)
        {
            return HealthCheckResult.Degraded("The database does not answer.", e);
        }
    }

    private bool IsOverdue(ReauditRun last)
    {
        var schedule = new CronExpression(options.ReauditSchedule);
        return schedule.GetNextValidTimeAfter(last.StartedAt) is { } first && schedule.GetNextValidTimeAfter(first) is { } second && second < time.GetUtcNow();
    }
}
