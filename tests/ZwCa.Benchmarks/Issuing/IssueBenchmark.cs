using System.Globalization;
using ZwCa.Data;

namespace ZwCa.Benchmarks;

/// <summary>
/// Certificates a second of the CA as it runs in production: a process, over mutual TLS, with signed messages and two approvals each, its keys in hsm-sim, SQLite with full durability, lint
/// and log on; empty, and with many certificates stored. Beside it <c>cfssl serve</c>. All processes share the machine with the load, whose requests are made before.
/// </summary>
internal static class IssueBenchmark
{
    public const int StoredByDefault = 1_000_000;

    private const int Rounds = 7;
    private const int Many = 64;
    private const double StoredBar = 0.8;
    private const double CfsslBar = 2;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan StepTime = TimeSpan.FromSeconds(3);

    /// <param name="stored">Certificates of the CA that is not empty; 0: there is none.</param>
    public static async Task<int> RunAsync(int stored)
    {
        Machine.Print("each caller sends its next request when the last is answered; all processes share the cores");
        await using CaProcess empty = await CaProcess.CreateAsync(new CaProcessSetup { WithRsa = true });
        await empty.StartAsync();
        await using CaProcess? full = stored > 0 ? await SeededCa.OpenAsync(stored, stored / 2) : null;
        await (full?.StartAsync() ?? Task.CompletedTask);
        await using CfsslServer? cfssl = await CfsslServer.StartAsync();
        if (cfssl is null)
        {
            Console.WriteLine("cfssl is not installed: not compared (Debian: golang-cfssl).");
        }

        var own = new List<IDisposable>();
        var load = new Load("Certificates (the RSA CA's key has 3072 bits, the least that a CA may)", Rounds, Slice, WarmUp);
        async Task AddAsync(string name, int callers, Task<PreparedRequests> preparing)
        {
            PreparedRequests requests = await preparing;
            own.Add(requests);
            load.Add(name, callers, 1, requests.SendAsync);
        }

        string full64 = string.Create(CultureInfo.InvariantCulture, $"SM2, {Many} in flight, {stored:N0} certificates stored");
        await AddAsync("SM2, 1 in flight", 1, PreparedRequests.ForCertificatesAsync(empty, 5_000, 1));
        await AddAsync("SM2, 64 in flight", Many, PreparedRequests.ForCertificatesAsync(empty, 20_000, Many));
        await AddAsync("RSA-2048 for RSA, 1 in flight", 1, PreparedRequests.ForCertificatesAsync(empty, 4_000, 1, rsa: true));
        await AddAsync("RSA-2048 for RSA, 64 in flight", Many, PreparedRequests.ForCertificatesAsync(empty, 8_000, Many, rsa: true));
        if (full is not null)
        {
            await AddAsync(full64, Many, PreparedRequests.ForCertificatesAsync(full, 20_000, Many));
        }

        if (cfssl is not null)
        {
            await AddAsync("cfssl serve, P-256, SQLite, 1 in flight", 1, cfssl.PrepareAsync(1));
            await AddAsync("cfssl serve, P-256, SQLite, 64 in flight", Many, cfssl.PrepareAsync(Many));
        }

        Size before = await Size.ReadAsync(empty);
        await load.RunAsync();
        if (full is not null)
        {
            if (stored != StoredByDefault)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"not with {StoredByDefault:N0} certificates stored, but with {stored:N0}:"));
            }

            load.PrintRatio("issue.at-1m.vs.empty", full64, "SM2, 64 in flight", StoredBar);
        }

        if (cfssl is not null)
        {
            load.PrintRatio("issue.sm2.vs.cfssl-sqlite", "SM2, 64 in flight", "cfssl serve, P-256, SQLite, 64 in flight", CfsslBar);
            load.PrintRatio("issue.sm2-single.vs.cfssl-sqlite", "SM2, 1 in flight", "cfssl serve, P-256, SQLite, 1 in flight");
        }

        await (await Size.ReadAsync(empty)).PrintAsync(before, empty);
        foreach (int callers in (int[])[1, Many])
        {
            using PreparedRequests requests = await PreparedRequests.ForCertificatesAsync(empty, callers == 1 ? 1_500 : 4_000, callers);
            await StepTable.PrintAsync($"SM2, {callers} in flight", callers, requests, StepTime, [("CA", empty.Id)], [StepTable.OfCertificates(empty)]);
        }

        own.ForEach(each => each.Dispose());
        return 0;
    }

    /// <summary>Of a database.</summary>
    private sealed record Size(long Bytes, long Certificates)
    {
        public static async Task<Size> ReadAsync(CaProcess ca)
        {
            await using Database database = ca.OpenDatabase();
            return new Size(
                await database.FindAsync<long>("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"),
                await database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state = 2"));
        }

        public async Task PrintAsync(Size before, CaProcess ca)
        {
            Console.WriteLine();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Certificates - before.Certificates:N0} certificates took {(double)(Bytes - before.Bytes) / (Certificates - before.Certificates):N0} bytes of the database each"));
            await using Database database = ca.OpenDatabase();
            foreach (TableSize table in await database.QueryAsync<TableSize>(
                "SELECT m.tbl_name AS name, SUM(d.pgsize) AS bytes FROM dbstat d JOIN sqlite_master m ON m.name = d.name GROUP BY m.tbl_name ORDER BY bytes DESC LIMIT 12"))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {table.Name,-24} {(double)table.Bytes / Certificates,8:N0}"));
            }
        }
    }

    private sealed record TableSize
    {
        public required string Name { get; init; }

        public required long Bytes { get; init; }
    }
}
