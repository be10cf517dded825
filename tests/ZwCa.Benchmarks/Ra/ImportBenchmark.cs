using System.Diagnostics;
using System.Globalization;
using System.Text;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Benchmarks;

/// <summary>
/// Applicants of a file: rows a second of the dry run and of the drafts, by the RA as a process with an hsm-sim of its own over TLS, an SQLite file with full durability, logs on; and the most memory that
/// the RA held, with a tenth of the rows and with all, each in a process that is new.
/// </summary>
internal static class ImportBenchmark
{
    public const int RowsByDefault = 100_000;

    private const double Bar = 3_000;

    /// <summary>Persons that work for one organisation.</summary>
    private const int Staff = 100;

    /// <summary>As a clerk's program asks: each answer counts the batch's enrollments.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <param name="withKeys">Whether each row has a request, whose signature is verified twice.</param>
    public static async Task<int> RunAsync(int rows, bool withKeys)
    {
        Machine.Print("all processes share the cores");
        // Nothing is issued: its stock of keys stays as small as it can be.
        var kmc = new KmcProcess(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "1", ["Kmc:Pool:Full"] = "2", ["Kmc:PoolLook"] = "01:00:00" });
        var ra = new RaProcess();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = ra.PrepareAsync });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();

        Result small = await ImportAsync(ra, 0, Math.Max(1, rows / 10), withKeys);
        await ra.StopAsync();
        Result all = await ImportAsync(ra, rows, rows, withKeys);
        Print("rows/s, dry run", small.Checked, all.Checked, "N0");
        Print("rows/s, drafts", small.Made, all.Made, "N0");
        Print("RA, most memory, MiB", small.MiB, all.MiB, "N1");
        SideBySide.PrintRatio("import.check.vs.bar-of-3000", all.Checked / Bar, 1);
        SideBySide.PrintRatio("import.make.vs.bar-of-3000", all.Made / Bar, 1);
        SideBySide.PrintRatio("import.memory.tenth.vs.all", small.MiB / all.MiB);
        return 0;

        void Print(string what, double tenth, double whole, string format) => Console.WriteLine(
            $"{what,-28} {rows / 10,9:N0} rows {tenth.ToString(format, CultureInfo.InvariantCulture),12}   {rows,9:N0} rows {whole.ToString(format, CultureInfo.InvariantCulture),12}");
    }

    /// <param name="first">Of applicants that nobody has imported yet.</param>
    private static async Task<Result> ImportAsync(RaProcess ra, int first, int rows, bool withKeys)
    {
        await ra.StartAsync();
        await ra.WaitForCaAsync();
        byte[] file = MakeFile(first, rows, withKeys);
        using Process process = Process.GetProcessById(ra.Id);
        RaCounter counter = ra.Counter;
        string batch = (await counter.PostAsync<BatchAnswer>(counter.City, "/batches", new BatchRequest { Kind = "import", Region = CaScene.City, Title = "新办", Rows = rows })).Id;
        await counter.PutFileAsync(counter.City, batch, file);
        double check = Rate(await counter.UntilEndedAsync(counter.City, batch, Look), rows);
        await counter.PostAsync<BatchAnswer>(counter.City, $"/batches/{batch}/making", new { });
        double make = Rate(await counter.UntilEndedAsync(counter.City, batch, Look), rows);
        process.Refresh();
        return new Result(check, make, process.PeakWorkingSet64 / 1048576.0);
    }

    private static double Rate(BatchTaskAnswer task, int rows) => task.State == "done" && task.Done == rows
        ? rows / (task.EndedAt!.Value - task.StartedAt).TotalSeconds
        : throw new InvalidOperationException($"{task.Kind} is {task.State}: {task.Done} of {rows} rows, {task.Reason}");

    /// <summary>One organisation, then those who work there, and so on.</summary>
    private static byte[] MakeFile(int first, int rows, bool withKeys)
    {
        var codes = new HashSet<string>();
        while (codes.Count < 1 + (rows / Staff))
        {
            codes.Add(RaCounter.NewCreditCode());
        }

        string[] organizations = [.. codes];
        return Encoding.UTF8.GetBytes(ApplicantText.Text(ParallelEnumerable.Range(0, rows).AsOrdered().Select(i => i % Staff == 0
            ? ApplicantText.Organization(organizations[i / Staff], "某市某局", 5_000_000 + (i / Staff))
            : ApplicantText.Person(
                first + i, "欧阳志远", organization: organizations[i / Staff], departments: "办公室；一科", csr: withKeys ? Convert.ToBase64String(CaScene.Csr(Sm2PrivateKey.Generate())) : ""))));
    }

    private sealed record Result(double Checked, double Made, double MiB);
}
