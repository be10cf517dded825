namespace ZwCa.Hsm.Simulator;

/// <param name="ConnectTimeout">TCP and TLS, and Hello where there is one.</param>
/// <param name="RequestTimeout">From the call to the answer.</param>
/// <param name="MaxInFlight">Requests without an answer at a time.</param>
/// <param name="MaxAnswerBody">A longer answer ends the connection.</param>
internal sealed record ConnectionSettings(TimeSpan ConnectTimeout, TimeSpan RequestTimeout, int MaxInFlight, int MaxAnswerBody, TimeProvider Time)
{
    /// <summary>What is left of the time-out of a call.</summary>
    /// <param name="started">Timestamp of the call.</param>
    public TimeSpan Remaining(long started)
    {
        TimeSpan remaining = RequestTimeout - Time.GetElapsedTime(started);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }
}
