using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>Where the time of requests goes, by the metrics of the services themselves: the difference of two readings.</summary>
/// <param name="title">Of the requests that are timed.</param>
/// <param name="service">Whose metrics they are.</param>
/// <param name="metric">Histogram of the steps.</param>
/// <param name="route">Of the requests.</param>
/// <param name="steps">By their names, in order, and what they are.</param>
/// <param name="rest">What no step has.</param>
internal sealed class StepTable(string title, ServiceProcess service, string metric, string route, IReadOnlyList<(string Name, string Text)> steps, string rest)
{
    private const string Request = "http_server_request_duration_seconds";
    private const string IssueStep = "zwca_ca_issue_step_seconds";
    private const string RestOfMessage = "the rest: message, its claim, the answer";

    private Dictionary<string, double> _before = [];
    private Dictionary<string, double> _after = [];

    public static StepTable OfCertificates(CaProcess ca) => new(
        "a certificate",
        ca,
        IssueStep,
        "/certificates",
        [
            ("approvals", "approvals: two signatures and their certificates"), ("request", "request: proof of possession"), ("find", "find: was it done before"),
            ("gate", "gate: does the log keep up"), ("reserve", "reserve (a commit)"), ("prepare", "prepare: build, judge"), ("intend", "intend (a commit)"),
            ("sign", "sign (the device), verify"), ("store", "store (a commit)"),
        ],
        RestOfMessage);

    public static StepTable OfPairs(CaProcess ca) => new(
        "CA, a pair",
        ca,
        IssueStep,
        "/pairs",
        [
            ("approvals", "approvals: two signatures and their certificates"), ("request", "request: proof of possession"), ("find", "find: was it done before"),
            ("gate", "gate: does the log keep up"), ("reserve", "reserve both (a commit)"), ("prepare", "prepare: build, judge, both"), ("key", "key: from the KMC"),
            ("intend", "intend both (a commit)"), ("sign", "sign both (the device), verify"), ("store", "store both (a commit)"),
        ],
        RestOfMessage);

    public static StepTable OfKeys(KmcProcess kmc) => new(
        "KMC, a message",
        kmc,
        "zwca_kmc_answer_step_seconds",
        "/gmt0014",
        [
            ("sender", "sender: whose it is, its signature"), ("claim", "claim (a commit)"), ("gate", "gate: does the log keep up"), ("bind", "bind keys (a commit)"),
            ("open", "open (the device)"), ("sign", "sign the answer (the device)"), ("keep", "keep (a commit)"),
        ],
        "the rest: link, reading and writing");

    /// <summary>Sends requests for a while and prints what was measured meanwhile.</summary>
    /// <param name="processes">Whose processor time is read.</param>
    public static Task PrintAsync(
        string title, int callers, PreparedRequests requests, TimeSpan time, IReadOnlyList<(string Name, int Id)> processes, IReadOnlyList<StepTable> tables) => PrintAsync(title, processes, tables, async () =>
        {
            int before = requests.Sent;
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
            {
                while (clock.Elapsed < time)
                {
                    await requests.SendAsync();
                }
            })));
            return requests.Sent - before;
        });

    /// <summary>Runs a load and prints what was measured meanwhile.</summary>
    /// <param name="processes">Whose processor time is read.</param>
    /// <param name="run">Returns how many were done.</param>
    public static async Task PrintAsync(string title, IReadOnlyList<(string Name, int Id)> processes, IReadOnlyList<StepTable> tables, Func<Task<int>> run)
    {
        foreach (StepTable table in tables)
        {
            table._before = await table.ReadAsync();
        }

        TimeSpan[] used = ReadProcessors(processes);
        var clock = Stopwatch.StartNew();
        int sent = await run();
        TimeSpan elapsed = clock.Elapsed;
        TimeSpan[] usedAfter = ReadProcessors(processes);
        Console.WriteLine();
        Console.WriteLine($"Where the time goes, {title}");
        foreach (StepTable table in tables)
        {
            table._after = await table.ReadAsync();
            table.Print(sent);
        }

        string processors = string.Join(
            ", ",
            processes.Select((each, i) => string.Create(CultureInfo.InvariantCulture, $"{each.Name} {1000 * (usedAfter[i] - used[i]).TotalSeconds / sent:0.00}")));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{sent / elapsed.TotalSeconds:N0}/s; ms of processor time each: {processors}; of {Environment.ProcessorCount} cores there are {1000 * Environment.ProcessorCount * elapsed.TotalSeconds / sent:0.00}"));
    }

    private async Task<Dictionary<string, double>> ReadAsync()
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string line in (await service.ReadMetricsAsync()).Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            int space = line.LastIndexOf(' ');
            metrics[line[..space]] = double.Parse(line.AsSpan(space + 1), CultureInfo.InvariantCulture);
        }

        return metrics;
    }

    private static TimeSpan[] ReadProcessors(IReadOnlyList<(string Name, int Id)> processes) => [.. processes.Select(each =>
    {
        using var process = Process.GetProcessById(each.Id);
        return process.TotalProcessorTime;
    })];

    private void Print(int sent)
    {
        string request = _after.Keys.Single(IsRequest);
        double count = Difference(request.Replace("_sum{", "_count{", StringComparison.Ordinal));
        double whole = Difference(request) / count;
        Console.WriteLine($"{title,-52} {"ms each",10} {"share",8}");
        double others = whole;
        foreach ((string step, string text) in steps)
        {
            double mean = Difference($"{metric}_sum{{step=\"{step}\"}}") / count;
            others -= mean;
            Row(text, mean);
        }

        Row(rest, others);
        Row("in the service", whole);
        if (Math.Round(sent / count, 1) > 1)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"",-2}{sent / count:0.0} requests in each"));
        }

        void Row(string text, double seconds) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {text,-50} {1000 * seconds,10:N2} {100 * seconds / whole,7:N0}%"));
    }

    private double Difference(string key) => _after.GetValueOrDefault(key) - _before.GetValueOrDefault(key);

    /// <summary>Of the route, answered.</summary>
    private bool IsRequest(string key) =>
        key.StartsWith(Request + "_sum{", StringComparison.Ordinal)
        && (key.Contains($"route=\"{route}\"", StringComparison.Ordinal) || key.Contains($"route=\"{route}/\"", StringComparison.Ordinal))
        && key.Contains("\"200\"", StringComparison.Ordinal);
}
