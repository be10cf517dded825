using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Audit;
using ZwCa.Ca.Pairs;
using ZwCa.Data;

namespace ZwCa.Ca.KeyCentre;

/// <summary>
/// Degraded while the KMC has not heard for long what it has to be told, and for a day after a token has found another key in its envelope than the certificate's. Whether the KMC answers just now
/// is not asked: single certificates are issued without it.
/// </summary>
internal sealed class KeyCentreHealth(Database database, EventList events, TimeProvider time) : IHealthCheck
{
    public const string Name = "key-centre";

    private static readonly TimeSpan Late = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan AlarmFor = TimeSpan.FromDays(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            DateTimeOffset now = time.GetUtcNow();
            var filter = new EventFilter { Action = PairReceipts.MismatchAction, From = now - AlarmFor };
            if (await events.ListAsync(filter, rows: 1, cancellationToken: cancellationToken) is [{ } mismatch])
            {
                return HealthCheckResult.Degraded($"A token has found another key in its envelope than that of {mismatch.Leaf.Object.Id}: look at the KMC and at this CA.");
            }

            long late = await database.ReadAsync(transaction => KeyTaskStore.CountLateAsync(transaction, now - Late), cancellationToken);
            return late == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded($"The KMC has not been told about {late} keys for {Late.TotalMinutes} minutes.");
        }
        catch (DbException e)
        {
            return HealthCheckResult.Degraded("The database does not answer.", e);
        }
    }
}
