using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ZwCa.Ca.Ocsp;

/// <summary>On every node: tells what has changed, at once where this node changed it, and at the next look where another did. No job, of which one node does each run: nothing is to wait for one that stands still.</summary>
internal sealed partial class PresignService(
    IntroduceSigners introduction, PresignResponses responses, TellCrls crls, RollFeedKey rollover, PresignCall call, OcspOptions options, TimeProvider time, ILogger<PresignService> logger) : BackgroundService
{
    /// <summary>After a device or a database that failed.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Look, time);
        Task tick = Tick(), called = call.WaitAsync(stoppingToken);
        string? failure = null;
        while (true)
        {
            try
            {
                await introduction.RunAsync(stoppingToken);
                await responses.RunChangesAsync(stoppingToken);
                if (responses.HasUnnamed)
                {
                    introduction.LookAgain();
                }

                await crls.RunAsync(stoppingToken);
                await rollover.RunAsync(stoppingToken);
                failure = null;
            }
#pragma warning disable CA1031 // Whatever it is: what waits goes on waiting, which readiness tells of, and the next look is the next try.
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                // A device that is away for an hour is one line.
                if (failure != e.Message)
                {
                    failure = e.Message;
                    LogFailed(logger, e);
                }

                await Task.Delay(Pause, stoppingToken);
            }

            await await Task.WhenAny(tick, called);
            tick = tick.IsCompleted ? Tick() : tick;
            called = called.IsCompleted ? call.WaitAsync(stoppingToken) : called;
        }

        Task Tick() => timer.WaitForNextTickAsync(stoppingToken).AsTask();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Changes of statuses could not be told; they are tried again")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}

/// <summary>Calls this node's <see cref="PresignService"/>: something has changed. A call that gets lost costs the time until the next look. Safe for concurrent use.</summary>
internal sealed class PresignCall
{
    private readonly Channel<bool> _calls = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Send() => _calls.Writer.TryWrite(true);

    public Task WaitAsync(CancellationToken cancellationToken) => _calls.Reader.ReadAsync(cancellationToken).AsTask();
}
