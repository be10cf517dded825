using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Audit;
using ZwCa.Ca.Reaudit;
using ZwCa.Data;

namespace ZwCa.Ca.Bulk;

/// <summary>Degraded while a change waits that no officers have ordered; and from the moment when a bulk change leaves out a certificate whose records make no sense until a re-audit, which says what is wrong with it, has begun since and ended.</summary>
internal sealed class BulkChangeHealth(Database database, EventList events, BulkChanges changes) : IHealthCheck
{
    public const string Name = "bulk-change";

    /// <summary>Runs that are looked back at: one that ended is among them, unless all were broken off.</summary>
    private const int Runs = 10;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            if (await changes.FindNotOrderedAsync(cancellationToken) is { } id)
            {
                return HealthCheckResult.Degraded($"The bulk change {id} is not what two officers have ordered, and is left alone. Somebody has written to the database past the service: run the re-audit.");
            }

            ReauditRun? ended = (await database.ReadAsync(transaction => ReauditStore.ListAsync(transaction, Runs), cancellationToken)).FirstOrDefault(run => run.Phase == ReauditPhase.Ended);
            var filter = new EventFilter { Action = BulkChanges.FindingAction, From = ended?.StartedAt };
            return await events.ListAsync(filter, rows: 1, cancellationToken: cancellationToken) is [{ } first]
                ? HealthCheckResult.Degraded($"A bulk change has left out certificates whose records make no sense, the first of them {first.Leaf.Object.Id}. Run the re-audit.")
                : HealthCheckResult.Healthy();
        }
        catch (DbException e)
        {
            return HealthCheckResult.Degraded("The database does not answer.", e);
        }
    }
}
