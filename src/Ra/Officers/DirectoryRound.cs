using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Data;
using ZwCa.Ra.CertificationAuthority;

namespace ZwCa.Ra.Officers;

/// <summary>Asks the CA again and again whether its directory has changed, and keeps what it names of its log: on every node, whichever jobs it runs.</summary>
internal sealed partial class DirectoryRound(PullOfficers officers, KeepCheckpoint kept, CaLinkOptions options, TimeProvider time, ILogger<DirectoryRound> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(options.PullEvery, time);
        do
        {
            await TryAsync(officers.RunAsync, stoppingToken);
            await TryAsync(kept.RunAsync, stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TryAsync(Func<CancellationToken, Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await step(cancellationToken);
        }
#pragma warning disable CA1031 // Whatever it is: this RA goes on with whom it knows, the next round asks again, and readiness says how old that is.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogFailed(logger, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The CA's directory, or its log, was not asked")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

/// <summary>Unhealthy until the directory was pulled for the first time, by whichever node; degraded while nobody has asked the CA for a while, and while somebody of it is left out.</summary>
internal sealed class DirectoryHealth(Database database, PullOfficers officers, TimeProvider time) : IHealthCheck
{
    public const string Name = "directory";

    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            DateTimeOffset? pulled = await database.FindAsync<DateTimeOffset?>("SELECT pulled_at FROM ca_directory WHERE pulled_at > 0", cancellationToken: cancellationToken);
            return pulled is not { } at ? HealthCheckResult.Unhealthy("The CA's directory was never pulled: nobody is in office.")
                : time.GetUtcNow() - at > Stale ? HealthCheckResult.Degraded($"The CA's directory was last asked at {at:u}: who was disabled since is known there alone.")
                : officers.Skipped is > 0 and int skipped ? HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"{skipped} entries of the CA's directory are left out: the log says which."))
                : HealthCheckResult.Healthy();
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
