using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ZwCa.Ca.Crls;

/// <summary>Publishes on every node, for the folders are its own: no job, of which one node does each run.</summary>
internal sealed partial class PublicationService(PublishCrls publication, CrlOptions options, TimeProvider time, ILogger<PublicationService> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Look, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await publication.RunAsync(stoppingToken);
            }
#pragma warning disable CA1031 // Whatever it is: what waits goes on waiting, and the next look is the next try.
            catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
            {
                LogFailed(logger, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "CRLs could not be published; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
