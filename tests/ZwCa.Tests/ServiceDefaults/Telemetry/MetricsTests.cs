using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.Tests.ServiceDefaults.Telemetry;

/// <summary>What /metrics says is read again by a parser written from the format's description.</summary>
public sealed partial class MetricsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryLineOfARunningServiceIsInTheFormat()
    {
        await using SampleService service = await SampleService.StartAsync();
        HttpClient client = await service.RegisterAsync("ra-11");
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("ra-11", await client.GetStringAsync("/who", Cancellation));
        }

        using HttpResponseMessage refused = await service.CreateClient(null).GetAsync("/who", Cancellation);
        using var http = new HttpClient { BaseAddress = service.Management };
        using HttpResponseMessage answer = await http.GetAsync("/metrics", Cancellation);

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Dictionary<string, (string Type, List<Sample> Samples)> families = Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("histogram", families["http_server_request_duration_seconds"].Type);
        Assert.Contains(families["http_server_request_duration_seconds"].Samples, each => each.Labels.GetValueOrDefault("http_route") == "/who");
        Assert.Equal("gauge", families["kestrel_active_connections"].Type);
        Assert.InRange(Assert.Single(families["zwca_link_left_days"].Samples).Value, 59, 60);
        Assert.Contains(families["zwca_refusals_total"].Samples, each => each.Labels["kind"] == "LinkNotTrusted" && each.Value >= 1);
    }

    [Fact]
    public void CountersGaugesAndHistogramsComeOutAsTheyWereMeasured()
    {
        using var meter = new Meter("metrics-test");
        using var exporter = new PrometheusExporter();
        using MeterProvider provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter(meter.Name)
            .AddView("odd", new ExplicitBucketHistogramConfiguration { Boundaries = [0.5, 10] })
            .AddReader(new BaseExportingMetricReader(exporter))
            .Build();
        const string odd = "a\"b\\c\nd张三";
        Counter<long> counter = meter.CreateCounter<long>("my.things", "{thing}", "Back\\slash\nline");
        counter.Add(2, new KeyValuePair<string, object?>("odd.name", odd));
        counter.Add(3, new KeyValuePair<string, object?>("odd.name", odd));
        counter.Add(1, new TagList { { "a.b", "1" }, { "a_b", "2" } });
        meter.CreateUpDownCounter<double>("level", "By").Add(-1.5);
        meter.CreateObservableGauge("hot", () => double.NaN);
        meter.CreateObservableGauge("hottest", () => double.PositiveInfinity);
        meter.CreateObservableCounter("lives", () => new Measurement<long>(long.MaxValue, new KeyValuePair<string, object?>("9", null)));
        Histogram<double> histogram = meter.CreateHistogram<double>("odd", "s");
        foreach (double value in (double[])[0.1, 0.5, 7, 100])
        {
            histogram.Record(value, new KeyValuePair<string, object?>("flag", true));
        }

        string text = exporter.Read();
        Dictionary<string, (string Type, List<Sample> Samples)> families = Parse(text);

        Assert.Contains("# HELP my_things_total Back\\\\slash\\nline\n", text, StringComparison.Ordinal);
        Assert.Contains(families["my_things_total"].Samples, each => each.Labels.GetValueOrDefault("odd_name") == odd && each.Value == 5);
        Assert.Contains(families["my_things_total"].Samples, each => each.Labels.GetValueOrDefault("a_b") is "1;2" or "2;1");
        Assert.Equal(("gauge", -1.5), (families["level_bytes"].Type, Assert.Single(families["level_bytes"].Samples).Value));
        Assert.Equal(double.NaN, Assert.Single(families["hot"].Samples).Value);
        Assert.Equal(double.PositiveInfinity, Assert.Single(families["hottest"].Samples).Value);
        Assert.Equal(("counter", ""), (families["lives_total"].Type, Assert.Single(families["lives_total"].Samples).Labels["_9"]));
        Assert.Equal(
            ["odd_seconds_bucket 0.5 2", "odd_seconds_bucket 10 3", "odd_seconds_bucket +Inf 4", "odd_seconds_sum  107.6", "odd_seconds_count  4"],
            families["odd_seconds"].Samples.Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Name} {each.Labels.GetValueOrDefault("le")} {each.Value}")));
        Assert.All(families["odd_seconds"].Samples, each => Assert.Equal("true", each.Labels["flag"]));
    }

    /// <summary>Fails on any line that is not in the format, on a second TYPE of a family, and on samples outside their family.</summary>
    private static Dictionary<string, (string Type, List<Sample> Samples)> Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var families = new Dictionary<string, (string Type, List<Sample> Samples)>();
        string current = "";
        foreach (string line in text.Split('\n')[..^1])
        {
            if (HelpLine().IsMatch(line))
            {
                continue;
            }

            if (TypeLine().Match(line) is { Success: true } type)
            {
                current = type.Groups[1].Value;
                Assert.True(families.TryAdd(current, (type.Groups[2].Value, [])), line);
                continue;
            }

            Match match = SampleLine().Match(line);
            Assert.True(match.Success, line);
            var labels = new Dictionary<string, string>();
            for (int i = 0; i < match.Groups["label"].Captures.Count; i++)
            {
                Assert.True(labels.TryAdd(match.Groups["label"].Captures[i].Value, Unescape(match.Groups["value"].Captures[i].Value)), line);
            }

            string name = match.Groups["name"].Value;
            string[] suffixes = families[current].Type == "histogram" ? ["_bucket", "_sum", "_count"] : [""];
            Assert.Contains(name, suffixes.Select(suffix => current + suffix));
            string number = match.Groups["number"].Value;
            families[current].Samples.Add(new Sample(name, labels, number switch
            {
                "+Inf" => double.PositiveInfinity,
                "-Inf" => double.NegativeInfinity,
                "NaN" => double.NaN,
                _ => double.Parse(number, CultureInfo.InvariantCulture),
            }));
        }

        return families;
    }

    private static string Unescape(string value)
    {
        var plain = new StringBuilder();
        for (int i = 0; i < value.Length; i++)
        {
            plain.Append(value[i] == '\\' ? value[++i] == 'n' ? '\n' : value[i] : value[i]);
        }

        return plain.ToString();
    }

    [GeneratedRegex("""^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* (?:[^\\]|\\\\|\\n)*$""")]
    private static partial Regex HelpLine();

    [GeneratedRegex("""^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$""")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?:(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\]|\\\\|\\"|\\n)*)",?)+\})? (?<number>[+-]Inf|NaN|-?[0-9.]+(?:E[+-]?[0-9]+)?)$""")]
    private static partial Regex SampleLine();

    private sealed record Sample(string Name, Dictionary<string, string> Labels, double Value);
}
