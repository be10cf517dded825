using System.Diagnostics;
using System.Globalization;
using ZwCa.Contracts.Ra;

namespace ZwCa.Benchmarks;

/// <summary>
/// Applicants of a file: rows a second of the dry run and of the drafts, by the RA as a process with an hsm-sim of its own over TLS, an SQLite file with full durability, logs on; and the most memory that
/// the RA held (resident; the kernel keeps the highest), with all rows and then with half as many others, each in a process that is new.
/// </summary>
internal static class ImportBenchmark
{
    public const int RowsByDefault = 100_000;

    private const double Bar = 3_000;

    /// <param name="withKeys">Whether each row has a request, whose signature is verified twice.</param>
    public static async Task<int> RunAsync(int rows, bool withKeys)
    {
        Machine.Print("all processes share the cores");
        await using BatchMachine machine = await BatchMachine.StartAsync();
        int half = Math.Max(1, rows / 2);
        Result all = await ImportAsync(machine.Ra, new ApplicantsOfFile(0, rows, withKeys));
        await machine.Ra.StopAsync();
        Result small = await ImportAsync(machine.Ra, new ApplicantsOfFile(rows, half, withKeys));
        Print("rows/s, dry run", all.Checked, small.Checked, "N0");
        Print("rows/s, drafts", all.Made, small.Made, "N0");
        Print("RA, most memory, MiB", all.MiB, small.MiB, "N1");
        SideBySide.PrintRatio("import.check.vs.bar-of-3000", all.Checked / Bar, 1);
        SideBySide.PrintRatio("import.make.vs.bar-of-3000", all.Made / Bar, 1);
        SideBySide.PrintRatio("import.memory.half.vs.all", small.MiB / all.MiB);
        return 0;

        void Print(string what, double whole, double second, string format) => Console.WriteLine(
            $"{what,-28} {rows,9:N0} rows {whole.ToString(format, CultureInfo.InvariantCulture),12}   {half,9:N0} behind them {second.ToString(format, CultureInfo.InvariantCulture),12}");
    }

    private static async Task<Result> ImportAsync(RaProcess ra, ApplicantsOfFile applicants)
    {
        await ra.StartAsync();
        await ra.WaitForCaAsync();
        (_, BatchTaskAnswer check, BatchTaskAnswer make) = await applicants.ImportAsync(ra.Counter);
        using Process process = Process.GetProcessById(ra.Id);
        return new Result(BatchMachine.Rate(check, applicants.Rows), BatchMachine.Rate(make, applicants.Rows), process.PeakWorkingSet64 / 1048576.0);
    }

    private sealed record Result(double Checked, double Made, double MiB);
}
