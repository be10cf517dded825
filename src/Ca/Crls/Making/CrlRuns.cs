using Microsoft.Extensions.Logging;
using ZwCa.Jobs;

namespace ZwCa.Ca.Crls;

/// <summary>
/// The runs of this process that make CRLs: one at a time, and for no longer than its data may be old. One that stands still after that keeps no other from beginning: who of them makes a CRL,
/// and who ends it, is decided by the lease of each, of which every attempt is a holder of its own. Safe for concurrent use.
/// </summary>
internal sealed partial class CrlRuns(AdoptCrl adoption, MakeCrl making, ClockWatch clock, TimeProvider time, ILogger<CrlRuns> logger)
{
    /// <summary>From its beginning until it is cancelled, and another may begin beside it. What was read that long ago does not pass the gate.</summary>
    public static readonly TimeSpan Deadline = CrlGate.MaxAge;

    /// <summary>Each that stands still has a thread of the scheduler's. So many: the node begins none any more until it is restarted, and others go on.</summary>
    private const int Most = 3;

    private readonly Lock _lock = new();
    private readonly List<long> _begun = [];

    /// <summary>Makes what is due, unless a run of this process is at it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        lock (_lock)
        {
            if (_begun.Count > 0 && (_begun.Count == Most || time.GetElapsedTime(_begun[^1], began) <= Deadline))
            {
                return;
            }

            if (_begun.Count > 0)
            {
                LogStandsStill(logger, _begun.Count);
            }

            _begun.Add(began);
        }

        try
        {
            using var deadline = new CancellationTokenSource(Deadline, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            await clock.RefreshAsync(either.Token);
            await adoption.RunAsync(either.Token);
            await making.RunDueAsync(either.Token);
        }
        finally
        {
            lock (_lock)
            {
                _begun.Remove(began);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} runs that make CRLs have not ended in half an hour, though they were cancelled: another begins beside them. Restart this node")]
    private static partial void LogStandsStill(ILogger logger, int count);
}
