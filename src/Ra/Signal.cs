using System.Threading.Channels;

namespace ZwCa.Ra;

/// <summary>Tells those of this node who wait for work that there is some. Whoever misses it looks a moment later. Safe for concurrent use.</summary>
internal abstract class Signal
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Raise() => _channel.Writer.TryWrite(true);

    /// <param name="most">So long, where nothing is told.</param>
    public async Task WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        either.CancelAfter(most);
        try
        {
            await _channel.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nothing was told: it is looked all the same.
        }
    }
}
