using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Audit.Sequencing;

namespace ZwCa.ServiceDefaults;

/// <summary>For services that keep a log: the sequencer that gives each event its place, and signs checkpoints.</summary>
public static class LogSequencing
{
    /// <param name="sequencer">Makes it, once; it may ask the device for its key.</param>
    public static void AddLogSequencer(this IServiceCollection services, Func<IServiceProvider, Sequencer> sequencer)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton(sequencer);
        services.AddHostedService<SequencerService>();
    }
}

/// <summary>Runs the sequencer as long as the service runs.</summary>
internal sealed partial class SequencerService(Sequencer sequencer, ILogger<SequencerService> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => sequencer.RunAsync(e => LogFailed(logger, e), stoppingToken);

    [LoggerMessage(Level = LogLevel.Error, Message = "The log's sequencer failed; it goes on trying")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
