using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace ZwCa.Benchmarks;

/// <summary>
/// Enrollments a second from their submission until they are issued: RA, CA and KMC as processes, each with an hsm-sim of its own. Drafts, approvals and messages are made before the time is taken.
/// </summary>
/// <param name="seconds">For each measurement with many in flight.</param>
internal sealed class EnrollmentBenchmark(RaProcess ra, CaProcess ca, KmcProcess kmc, int seconds)
{
    /// <summary>In flight.</summary>
    public const int Many = 64;

    /// <summary>More are not prepared for a second.</summary>
    private const int MostPerSecond = 220;

    private const int WarmUpSeconds = 6;
    private const double Window = 2;

    /// <summary>Enrollments that are issued in all measurements, at most: so many pairs of keys they need.</summary>
    /// <param name="times">How often it is measured.</param>
    public static int Most(int seconds, int times) => (MostPerSecond * (WarmUpSeconds + (times * (seconds + 1)))) + (2 * Many * times);

    /// <returns>Enrollments a second: the median over windows of two seconds.</returns>
    public async Task<double> RunAsync(string title, int callers, bool warmUp, bool steps)
    {
        await using var watch = new EnrollmentWatch(ra);
        if (warmUp)
        {
            using PreparedEnrollments some = await PreparedEnrollments.CreateAsync(ra, watch, MostPerSecond * WarmUpSeconds, Many);
            some.SignMessages();
            await LoadAsync(some, Many, WarmUpSeconds);
        }

        using PreparedEnrollments prepared = await PreparedEnrollments.CreateAsync(ra, watch, callers == 1 ? 40 * seconds : MostPerSecond * seconds, callers);
        prepared.SignMessages();
        IReadOnlyList<EnrollmentTimes> times = [];
        if (steps)
        {
            await StepTable.PrintAsync(
                title,
                [("RA", ra.Id), ("its hsm-sim", ra.Device.Id), ("CA", ca.Id), ("its hsm-sim", ca.Device.Id), ("KMC", kmc.Id), ("its hsm-sim", kmc.Device.Id), ("load", Environment.ProcessId)],
                [StepTable.OfPairs(ca), StepTable.OfKeys(kmc)],
                async () => (times = await LoadAsync(prepared, callers, seconds)).Count);
        }
        else
        {
            times = await LoadAsync(prepared, callers, seconds);
        }

        double last = Math.Min(seconds, times.Max(each => each.At) / 1000);
        double[] rates = [.. Enumerable.Range(0, Math.Max(1, (int)(last / Window))).Select(i => times.Count(each => each.At / 1000 >= i * Window && each.At / 1000 < (i + 1) * Window) / Window)];
        double median = SideBySide.Median(rates);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\n{title}: {times.Count:N0} issued; median of {rates.Length} windows of {Window:0} s {median:N0}/s, lowest {rates.Min():N0}, highest {rates.Max():N0}{(prepared.Left == 0 ? "; all that were prepared" : "")}"));
        Console.WriteLine($"{"milliseconds",-52} {"p50",10} {"p99",10} {"longest",10}");
        Print("submission", times.Select(each => each.Submit));
        Print("review", times.Select(each => each.Review));
        Print("outbox, CA and what it answered", times.Select(each => each.Wait));
        Print("from submission to issued", times.Select(each => each.Total));
        return median;
    }

    private static async Task<IReadOnlyList<EnrollmentTimes>> LoadAsync(PreparedEnrollments prepared, int callers, int seconds)
    {
        var times = new ConcurrentBag<EnrollmentTimes>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed.TotalSeconds < seconds && await prepared.IssueAsync(clock) is { } one)
            {
                times.Add(one);
            }
        })));
        return [.. times];
    }

    private static void Print(string what, IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  {what,-50} {sorted[(int)(0.5 * (sorted.Length - 1))],10:N1} {sorted[(int)(0.99 * (sorted.Length - 1))],10:N1} {sorted[^1],10:N1}"));
    }
}
