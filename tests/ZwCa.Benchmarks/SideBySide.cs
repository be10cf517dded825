using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>Operations measured in turns, so that whatever else the machine does falls on all of them alike.</summary>
/// <param name="title">Names the table.</param>
/// <param name="rounds">Odd; each gives every operation one slice.</param>
/// <param name="slice">Time for one operation in one round.</param>
internal sealed class SideBySide(string title, int rounds, TimeSpan slice)
{
    /// <summary>Long enough for the runtime to have recompiled what is hot.</summary>
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(400);

    private readonly List<(string Name, Action Operation)> _operations = [];
    private double[][] _rates = [];

    public void Add(string name, Action operation) => _operations.Add((name, operation));

    /// <summary>Measures and prints the table: median operations a second, and lowest and highest round.</summary>
    public void Run()
    {
        int[] batches = [.. _operations.Select(each => WarmUp(each.Operation))];
        _rates = [.. _operations.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < _operations.Count; turn++)
            {
                // Every other round backwards: nobody always follows the same neighbour.
                int i = round % 2 == 0 ? turn : _operations.Count - 1 - turn;
                _rates[i][round] = Rate(_operations[i].Operation, batches[i], slice);
            }
        }

        Console.WriteLine();
        Console.WriteLine($"{title,-44} {"median/s",12} {"lowest",12} {"highest",12} {"µs each",10}");
        for (int i = 0; i < _operations.Count; i++)
        {
            double median = Median(_rates[i]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{_operations[i].Name,-44} {median,12:N0} {_rates[i].Min(),12:N0} {_rates[i].Max(),12:N0} {1e6 / median,10:N2}"));
        }
    }

    /// <summary>Prints how many times faster one operation was than another: the median over the rounds of their quotient within a round.</summary>
    public void PrintRatio(string name, string ours, string theirs)
    {
        double[] ourRates = RatesOf(ours), theirRates = RatesOf(theirs);
        PrintRatio(name, Median([.. ourRates.Zip(theirRates, (our, their) => our / their)]));
    }

    /// <param name="bar">What it should reach; null: nothing was promised.</param>
    /// <param name="note">What has to be known of it; null: nothing.</param>
    public static void PrintRatio(string name, double value, double? bar = null, string? note = null) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"ratio {name} {value:0.00}{(bar is null ? "" : string.Create(CultureInfo.InvariantCulture, $" (bar {bar})"))}{(note is null ? "" : $" ({note})")}"));

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>Median operations a second.</summary>
    public double Rate(string name) => Median(RatesOf(name));

    private double[] RatesOf(string name) => _rates[_operations.FindIndex(each => each.Name == name)];

    /// <returns>How many operations take about a millisecond, so that reading the clock costs nothing.</returns>
    private static int WarmUp(Action operation)
    {
        var clock = Stopwatch.StartNew();
        int done = 0;
        do
        {
            operation();
            done++;
        }
        while (clock.Elapsed < WarmUpTime);
        return Math.Max(1, (int)(done / clock.Elapsed.TotalMilliseconds));
    }

    private static double Rate(Action operation, int batch, TimeSpan atLeast)
    {
        long done = 0;
        var clock = Stopwatch.StartNew();
        do
        {
            for (int i = 0; i < batch; i++)
            {
                operation();
            }

            done += batch;
        }
        while (clock.Elapsed < atLeast);
        return done / clock.Elapsed.TotalSeconds;
    }
}
