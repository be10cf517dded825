using System.Globalization;
using OpenTelemetry;

namespace ZwCa.ServiceDefaults.Telemetry;

/// <summary>Names, labels and numbers of the Prometheus text format 0.0.4.</summary>
internal static class PrometheusText
{
    /// <summary><c>http.server.duration</c> in s becomes <c>http_server_duration_seconds</c>; what only grows ends with <c>_total</c>.</summary>
    public static string Name(string name, string? unit, bool onlyGrows)
    {
        string suffix = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "d" => "_days",
            _ => "",
        };
        string plain = Plain(name);
        plain = plain.EndsWith(suffix, StringComparison.Ordinal) ? plain : plain + suffix;
        return onlyGrows && !plain.EndsWith("_total", StringComparison.Ordinal) ? plain + "_total" : plain;
    }

    public static string Help(string? text) => (text ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <returns><c>name="value",name="value"</c>, or nothing.</returns>
    public static string Labels(ReadOnlyTagCollection tags)
    {
        // Two names may become the same one: a label is allowed once.
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            string name = Plain(tag.Key);
            string value = tag.Value switch
            {
                bool flag => flag ? "true" : "false",
                null => "",
                _ => Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "",
            };
            labels[name] = labels.TryGetValue(name, out string? other) ? $"{other};{value}" : value;
        }

        return string.Join(',', labels.Select(label => $"{label.Key}=\"{Escape(label.Value)}\""));
    }

    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Plain(string name)
    {
        string plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return char.IsAsciiDigit(plain[0]) ? "_" + plain : plain;
    }
}
