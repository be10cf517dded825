using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ZwCa.Ca;

/// <summary>For one run of a procedure, step after step: how long each takes, by its name.</summary>
/// <param name="seconds">Where it is recorded.</param>
internal struct StepWatch(Histogram<double> seconds)
{
    private long _since = Stopwatch.GetTimestamp();

    /// <summary>The step has ended and the next begins.</summary>
    public void End(string step)
    {
        long now = Stopwatch.GetTimestamp();
        seconds.Record(Stopwatch.GetElapsedTime(_since, now).TotalSeconds, new KeyValuePair<string, object?>("step", step));
        _since = now;
    }
}
