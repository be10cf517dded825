using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>For one run of a procedure, step after step: how long each takes, by its name.</summary>
/// <param name="seconds">Where it is recorded.</param>
public struct StepWatch(Histogram<double> seconds)
{
    /// <summary>For histograms of steps, in seconds: from half a millisecond on.</summary>
    public static readonly IReadOnlyList<double> Boundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

    private long _since = Stopwatch.GetTimestamp();

    /// <summary>The step has ended and the next begins.</summary>
    public void End(string step)
    {
        long now = Stopwatch.GetTimestamp();
        seconds.Record(Stopwatch.GetElapsedTime(_since, now).TotalSeconds, new KeyValuePair<string, object?>("step", step));
        _since = now;
    }
}
