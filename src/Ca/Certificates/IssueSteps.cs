using System.Diagnostics.Metrics;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Ca.Certificates;

/// <summary>How long each step of issuing takes: the metric <c>zwca.ca.issue.step</c>, in seconds, by the name of the step. Where a CA is slow, it says by what.</summary>
internal sealed class IssueSteps(IMeterFactory meters)
{
    private readonly Histogram<double> _seconds = meters.Create("ZwCa.Ca").CreateHistogram(
        "zwca.ca.issue.step",
        "s",
        "Steps of issuing a certificate.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = StepWatch.Boundaries });

    public StepWatch Start() => new(_seconds);
}
