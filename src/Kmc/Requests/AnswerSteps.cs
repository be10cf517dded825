using System.Diagnostics.Metrics;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Kmc.Requests;

/// <summary>How long each step of answering a message takes: the metric <c>zwca.kmc.answer.step</c>, in seconds, by the name of the step.</summary>
internal sealed class AnswerSteps(IMeterFactory meters)
{
    private readonly Histogram<double> _seconds = meters.Create("ZwCa.Kmc").CreateHistogram(
        "zwca.kmc.answer.step", "s", "Steps of answering a message of GM/T 0014.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = StepWatch.Boundaries });

    public StepWatch Start() => new(_seconds);
}
