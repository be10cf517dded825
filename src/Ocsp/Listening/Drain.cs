using Microsoft.Extensions.Hosting;

namespace ZwCa.Ocsp.Listening;

/// <summary>The end, in order: first the node says that it is not ready any more, so that nobody sends it new clients, then it waits, and then the listeners close and what was begun is finished.</summary>
internal sealed class Drain(OcspOptions options, TimeProvider time) : IHostedLifecycleService
{
    private bool _hasBegun;

    public bool HasBegun => Volatile.Read(ref _hasBegun);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _hasBegun, true);
        await Task.Delay(options.DrainFor, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
