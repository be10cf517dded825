using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>The database answers and has the version that this program needs.</summary>
internal sealed class DatabaseCheck(Migrator migrator) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await migrator.CheckAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (DatabaseVersionException e)
        {
            return HealthCheckResult.Unhealthy(e.Message);
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
