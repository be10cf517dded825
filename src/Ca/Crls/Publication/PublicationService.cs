using System.Threading.Channels;
using Microsoft.Extensions.Hosting;

namespace ZwCa.Ca.Crls;

/// <summary>Publishes on every node, for the folders are its own: no job, of which one node does each run. At once what this node made, and what others made at the next look.</summary>
internal sealed class PublicationService(PublishCrls publication, PublicationCall call, CrlOptions options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Look, time);
        Task tick = Tick(), called = call.WaitAsync(stoppingToken);
        while (true)
        {
            await await Task.WhenAny(tick, called);
            tick = tick.IsCompleted ? Tick() : tick;
            called = called.IsCompleted ? call.WaitAsync(stoppingToken) : called;
            await publication.RunAsync(stoppingToken);
        }

        Task Tick() => timer.WaitForNextTickAsync(stoppingToken).AsTask();
    }
}

/// <summary>Calls this node's <see cref="PublicationService"/>: something waits. A call that gets lost costs the time until the next look. Safe for concurrent use.</summary>
internal sealed class PublicationCall
{
    private readonly Channel<bool> _calls = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Send() => _calls.Writer.TryWrite(true);

    public Task WaitAsync(CancellationToken cancellationToken) => _calls.Reader.ReadAsync(cancellationToken).AsTask();
}
