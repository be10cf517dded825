using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>Loads measured in turns: so many callers at once, each starting its next call when the last is answered.</summary>
/// <param name="title">Names the table.</param>
/// <param name="rounds">Odd; each gives every load one slice.</param>
/// <param name="slice">Time for one load in one round.</param>
/// <param name="warmUp">Time for one load before the first round; null: one slice. A process that compiles as it runs takes longer until it is what it is for months.</param>
internal sealed class Load(string title, int rounds, TimeSpan slice, TimeSpan? warmUp = null)
{
    private readonly List<(string Name, int Callers, int PerCall, Func<Task> Call)> _loads = [];
    private readonly Dictionary<string, double[]> _rates = [];

    /// <param name="perCall">Operations in one call.</param>
    public void Add(string name, int callers, int perCall, Func<Task> call) => _loads.Add((name, callers, perCall, call));

    /// <summary>Measures and prints: median operations a second over the rounds, lowest and highest, and how long a call took.</summary>
    public async Task RunAsync()
    {
        var latencies = _loads.ToDictionary(each => each.Name, _ => new ConcurrentBag<double>());
        foreach ((string name, int callers, int perCall, Func<Task> call) in _loads)
        {
            _rates[name] = new double[rounds];
            await SliceAsync(warmUp ?? slice, callers, perCall, call, []);
        }

        for (int round = 0; round < rounds; round++)
        {
            foreach ((string name, int callers, int perCall, Func<Task> call) in round % 2 == 0 ? _loads : Enumerable.Reverse(_loads))
            {
                _rates[name][round] = await SliceAsync(slice, callers, perCall, call, latencies[name]);
            }
        }

        Console.WriteLine();
        Console.WriteLine($"{title,-52} {"median/s",10} {"lowest",10} {"highest",10} {"p50 ms",8} {"p99 ms",8}");
        foreach ((string name, _, _, _) in _loads)
        {
            double[] times = [.. latencies[name].Order()];
            double[] rates = _rates[name];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-52} {SideBySide.Median(rates),10:N0} {rates.Min(),10:N0} {rates.Max(),10:N0} {At(times, 0.5),8:N2} {At(times, 0.99),8:N2}"));
        }
    }

    public double Rate(string name) => SideBySide.Median(_rates[name]);

    /// <summary>The median over the rounds of the quotient within a round.</summary>
    /// <param name="bar">What it should reach; null: nothing was promised.</param>
    /// <param name="note">What has to be known of it; null: nothing.</param>
    public void PrintRatio(string name, string ours, string theirs, double? bar = null, string? note = null) =>
        SideBySide.PrintRatio(name, SideBySide.Median([.. _rates[ours].Zip(_rates[theirs], (our, their) => our / their)]), bar, note);

    private async Task<double> SliceAsync(TimeSpan time, int callers, int perCall, Func<Task> call, ConcurrentBag<double> milliseconds)
    {
        long done = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                long start = Stopwatch.GetTimestamp();
                await call();
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                Interlocked.Add(ref done, perCall);
            }
        })));
        return done / clock.Elapsed.TotalSeconds;
    }

    private static double At(double[] sorted, double quantile) => sorted[(int)(quantile * (sorted.Length - 1))];
}
