namespace ZwCa.Ca.Crls;

/// <summary>
/// Notices that the clock was set: it and the count of the processor's ticks have to advance alike. What is dated ahead is not believed by relying parties, and everything after it would
/// have to be dated later still. Safe for concurrent use.
/// </summary>
internal sealed class ClockWatch(TimeProvider time)
{
    /// <summary>What a clock may be set by, in all, while a service runs.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _ticks = time.GetTimestamp();

    /// <returns>What is wrong, in English; null: nothing.</returns>
    public string? FindFault()
    {
        TimeSpan jump = time.GetUtcNow() - _startedAt - time.GetElapsedTime(_ticks);
        return jump.Duration() <= Tolerance
            ? null
            : $"The clock was set {(jump > TimeSpan.Zero ? "forward" : "back")} by {jump.Duration():d\\.hh\\:mm\\:ss} since the service started at {_startedAt:u}. Set it right; if it is right now, restart the service.";
    }
}
