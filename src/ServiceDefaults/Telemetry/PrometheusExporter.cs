using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>Metrics as Prometheus reads them (text format 0.0.4), collected when asked for.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock _lock = new();
    private string _text = "";

    public Func<int, bool>? Collect { get; set; }

    public static Task WriteAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.WriteAsync(context.RequestServices.GetRequiredService<PrometheusExporter>().Read(), context.RequestAborted);
    }

    public string Read()
    {
        lock (_lock)
        {
            Collect?.Invoke(Timeout.Infinite);
            return _text;
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        // A name may be measured by several meters, and its TYPE line is allowed once.
        var families = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        foreach (Metric metric in batch)
        {
            (string type, bool isSum) = metric.MetricType switch
            {
                MetricType.LongSum or MetricType.DoubleSum => ("counter", true),
                MetricType.Histogram => ("histogram", false),
                _ => ("gauge", false),
            };
            string name = PrometheusText.Name(metric.Name, metric.Unit, isSum);
            if (!families.TryGetValue(name, out StringBuilder? text))
            {
                families[name] = text = new StringBuilder($"# HELP {name} {PrometheusText.Help(metric.Description)}\n# TYPE {name} {type}\n");
            }

            foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
            {
                Write(text, name, metric.MetricType, point);
            }
        }

        _text = string.Concat(families.Values);
        return ExportResult.Success;
    }

    private static void Write(StringBuilder text, string name, MetricType type, in MetricPoint point)
    {
        string labels = PrometheusText.Labels(point.Tags);
        if (type != MetricType.Histogram)
        {
            double value = type switch
            {
                MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
                MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
                MetricType.LongGauge => point.GetGaugeLastValueLong(),
                _ => point.GetGaugeLastValueDouble(),
            };
            Line(text, name, labels, value);
            return;
        }

        long below = 0;
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            string bound = $"le=\"{PrometheusText.Number(bucket.ExplicitBound)}\"";
            Line(text, name + "_bucket", labels.Length == 0 ? bound : $"{labels},{bound}", below);
        }

        Line(text, name + "_sum", labels, point.GetHistogramSum());
        Line(text, name + "_count", labels, point.GetHistogramCount());
    }

    private static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length == 0 ? "" : $"{{{labels}}}").Append(' ').Append(PrometheusText.Number(value)).Append('\n');
}
