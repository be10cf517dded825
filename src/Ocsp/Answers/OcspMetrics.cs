using System.Diagnostics.Metrics;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Ocsp.Answers;

/// <summary>How many answers of which kind, how long they took, and how the feed stands.</summary>
internal sealed class OcspMetrics
{
    private static readonly KeyValuePair<string, object?>[] Outcomes =
    [
        .. Enum.GetValues<Outcome>().Select(each => new KeyValuePair<string, object?>("outcome", each switch
        {
            Outcome.PreSigned => "presigned",
            Outcome.Live => "live",
            Outcome.MalformedRequest => "malformed",
            Outcome.TryLater => "trylater",
            Outcome.Unauthorized => "unauthorized",
            _ => "error",
        })),
    ];

    private readonly long[] _answers = new long[Outcomes.Length];
    private readonly Histogram<double> _duration;

    public OcspMetrics(IMeterFactory meters, FeedState state)
    {
        Meter meter = meters.Create("ZwCa.Ocsp");
        meter.CreateObservableCounter("zwca.ocsp.answers", () => Outcomes.Select((each, i) => new Measurement<long>(Interlocked.Read(ref _answers[i]), each)), "{answer}", "Answers, by what they were.");
        _duration = meter.CreateHistogram(
            "zwca.ocsp.duration",
            "s",
            "From the head of a request to its answer.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1] });
        meter.CreateObservableGauge("zwca.ocsp.certificates", () => state.Served?.Table.Count ?? 0, "{certificate}", "Certificates whose status is known.");
        meter.CreateObservableGauge("zwca.ocsp.segment", () => state.Number, null, "Number of the last segment of the feed.");
        meter.CreateObservableGauge("zwca.ocsp.feed.age", () => Math.Round(state.Age.TotalSeconds, 1), "s", "For how long nothing was heard of the feed.");
    }

    public void Count(Outcome outcome, TimeSpan duration)
    {
        Interlocked.Increment(ref _answers[(int)outcome]);
        _duration.Record(duration.TotalSeconds, Outcomes[(int)outcome]);
    }
}
