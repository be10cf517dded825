using System.Diagnostics;

namespace ZwCa.Benchmarks;

/// <summary>
/// The largest working set (resident memory: heap, stacks, code, buffers) of a process while this watches, by sampling.
/// </summary>
internal sealed class PeakMemory : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(5);

    private readonly Process _process;
    private readonly Thread _sampler;
    private volatile bool _stop;
    private long _bytes;

    public PeakMemory(Process process)
    {
        _process = process;
        _sampler = new Thread(Watch) { IsBackground = true };
        _sampler.Start();
    }

    /// <summary>After <see cref="Dispose"/>.</summary>
    public long Bytes => _bytes;

    public void Dispose()
    {
        _stop = true;
        _sampler.Join();
    }

    private void Watch()
    {
        try
        {
            while (!_stop)
            {
                _process.Refresh();
                _bytes = Math.Max(_bytes, _process.WorkingSet64);
                Thread.Sleep(_interval);
            }
        }
        catch (InvalidOperationException) when (_process.HasExited)
        {
            // It ended between two samples: what was seen until then counts.
        }
    }
}
