using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>Where the time of a request goes, by the metrics of the CA itself: the difference of two readings.</summary>
internal sealed class StepTable
{
    private const string Step = "zwca_ca_issue_step_seconds";
    private const string Request = "http_server_request_duration_seconds";

    private readonly Dictionary<string, double> _metrics;
    private readonly TimeSpan _processor;

    private StepTable(Dictionary<string, double> metrics, TimeSpan processor)
    {
        _metrics = metrics;
        _processor = processor;
    }

    /// <summary>Sends requests for a while and prints what the CA measured meanwhile.</summary>
    public static async Task PrintAsync(string title, CaProcess ca, int callers, PreparedRequests requests, TimeSpan time)
    {
        StepTable before = await ReadAsync(ca);
        int sent = requests.Sent;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                await requests.SendAsync();
            }
        })));
        TimeSpan elapsed = clock.Elapsed;
        StepTable after = await ReadAsync(ca);
        Print(title, before, after, requests.Sent - sent, elapsed);
    }

    private static async Task<StepTable> ReadAsync(CaProcess ca)
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string line in (await ca.ReadMetricsAsync()).Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            int space = line.LastIndexOf(' ');
            metrics[line[..space]] = double.Parse(line.AsSpan(space + 1), CultureInfo.InvariantCulture);
        }

        using var process = Process.GetProcessById(ca.Id);
        return new StepTable(metrics, process.TotalProcessorTime);
    }

    private static void Print(string title, StepTable before, StepTable after, int sent, TimeSpan elapsed)
    {
        double Difference(string key) => after._metrics.GetValueOrDefault(key) - before._metrics.GetValueOrDefault(key);

        string request = after._metrics.Keys.Single(key => IsRequest(key));
        double whole = Difference(request) / Difference(request.Replace("_sum{", "_count{", StringComparison.Ordinal));
        Console.WriteLine();
        Console.WriteLine($"{title,-52} {"ms each",10} {"share",8}");
        double rest = whole;
        foreach (string step in (string[])["approvals", "request", "find", "gate", "reserve", "prepare", "intend", "sign", "store"])
        {
            double mean = Difference($"{Step}_sum{{step=\"{step}\"}}") / Difference($"{Step}_count{{step=\"{step}\"}}");
            rest -= mean;
            Row(Text(step), mean);
        }

        Row("the rest: message, its claim, the answer", rest);
        Row("in the service", whole);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{sent / elapsed.TotalSeconds:N0}/s; the CA's processor time {1000 * (after._processor - before._processor).TotalSeconds / sent:N2} ms each, {100 * (after._processor - before._processor) / elapsed:0} % of one core"));

        void Row(string text, double seconds) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text,-52} {1000 * seconds,10:N2} {100 * seconds / whole,7:N0}%"));
    }

    /// <summary>Of the route that issues, answered.</summary>
    private static bool IsRequest(string key) =>
        key.StartsWith(Request + "_sum{", StringComparison.Ordinal)
        && (key.Contains("route=\"/certificates\"", StringComparison.Ordinal) || key.Contains("route=\"/certificates/\"", StringComparison.Ordinal))
        && key.Contains("\"200\"", StringComparison.Ordinal);

    private static string Text(string step) => step switch
    {
        "approvals" => "approvals: two signatures and their certificates",
        "request" => "request: proof of possession",
        "find" => "find: was it done before",
        "gate" => "gate: does the log keep up",
        "reserve" => "reserve (a commit)",
        "prepare" => "prepare: build, judge",
        "intend" => "intend (a commit)",
        "sign" => "sign (the device), verify",
        _ => "store (a commit)",
    };
}
