using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Data;

namespace ZwCa.Jobs;

/// <summary>Has <see cref="ClockWatch"/> ask the database again and again, so that readiness knows it too on a node that makes no CRLs.</summary>
public sealed partial class ClockRound(ClockWatch clock, TimeProvider time, ILogger<ClockRound> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                await clock.RefreshAsync(stoppingToken);
            }
#pragma warning disable CA1031 // Whatever it is: what was known stays, the next round asks again, and that the database is away others say.
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                LogFailed(logger, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The database does not say what time it is")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

/// <summary>The watch of the clock, for all who date things.</summary>
public static class ClockHosting
{
    /// <summary>Needs <see cref="Database"/> and <see cref="TimeProvider"/> among the services. May be called by each who needs it.</summary>
    public static void AddClockWatch(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => DatabaseClock.Of(provider.GetRequiredService<Database>()));
        services.TryAddSingleton<ClockWatch>();
    }
}
