using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;

namespace ZwCa.Kmc.KeyPool;

/// <summary>Degraded while there are fewer keys in stock than there should be, unhealthy when there is none.</summary>
internal sealed class StockHealth(Database database, PoolOptions options) : IHealthCheck
{
    public const string Name = "stock";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            long stock = await database.ReadAsync(transaction => EscrowedKeyStore.CountAsync(transaction, KeyState.Stock), cancellationToken);
            return stock == 0 ? HealthCheckResult.Unhealthy("There is no key in stock: nobody gets one.")
                : stock < options.Threshold ? HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"There are {stock} keys in stock, and should be {options.Threshold} at the least."))
                : HealthCheckResult.Healthy(string.Create(CultureInfo.InvariantCulture, $"There are {stock} keys in stock."));
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
