using System.Globalization;
using ZwCa.Officers;

namespace ZwCa.Benchmarks;

/// <summary>
/// The RA of a province: how many enrollments a second it has issued, and how long its lists take with a million enrollments in its database. RA, CA and KMC are processes, each with an hsm-sim of
/// its own, over mutual TLS, with officers' signed messages, SQLite with full durability, logs on; all share the cores with the load.
/// </summary>
internal static class RaBenchmark
{
    public const int SecondsByDefault = 20;
    public const int RowsByDefault = 1_000_000;

    private const double Bar = 100;
    private const int PairSeconds = 5;
    private const int MostPairs = 500 * PairSeconds;

    /// <param name="seconds">For enrollments; 0: they are left out.</param>
    /// <param name="rows">Enrollments in the lists; 0: they are left out.</param>
    public static async Task<int> RunAsync(int seconds, int rows)
    {
        Machine.Print("all processes share the cores");
        var kmc = new KmcProcess(new Dictionary<string, string?>
        {
            ["Kmc:Pool:Threshold"] = "1",
            ["Kmc:Pool:Full"] = (EnrollmentBenchmark.Most(seconds, 3) + MostPairs).ToString(CultureInfo.InvariantCulture),
            ["Kmc:PoolLook"] = "01:00:00",
        });
        var ra = new RaProcess();
        StageOfficer county = null!;
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            RaProfiles = RaScene.Profiles,
            Inside = kmc,
            Prepare = kmc.PrepareAsync,
            Fill = async (scene, services) =>
            {
                await ra.PrepareAsync(scene, services);
                county = await scene.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.County, "赵县");
            },
        });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await ra.StartAsync();
        await ra.WaitForCaAsync();

        var enrollments = new EnrollmentBenchmark(ra, ca, kmc, seconds);
        double empty = 0;
        if (seconds > 0)
        {
            await enrollments.RunAsync("enrollments, 1 in flight", 1, warmUp: true, steps: false);
            empty = await enrollments.RunAsync("enrollments, 64 in flight", EnrollmentBenchmark.Many, warmUp: false, steps: true);
            SideBySide.PrintRatio("enroll.vs.bar-of-100", empty / Bar, 1);

            // What the CA does when it is asked for the same by somebody who has no enrollments.
            using PreparedRequests pairs = await PreparedRequests.ForPairsAsync(ca, MostPairs, EnrollmentBenchmark.Many);
            var load = new Load("the same CA, asked directly", 3, TimeSpan.FromSeconds(PairSeconds / 4.0));
            load.Add("pairs, 64 in flight", EnrollmentBenchmark.Many, 1, pairs.SendAsync);
            await load.RunAsync();
            SideBySide.PrintRatio("enroll.vs.pair", empty / load.Rate("pairs, 64 in flight"));
        }

        if (rows > 0)
        {
            await ra.StopAsync();
            await new SeededRa(ra, ca.Scene).FillAsync(rows);
            await ra.StartAsync();
            await ra.WaitForCaAsync();
            bool isFast = await new ListBenchmark(ra, county, rows).RunAsync();
            if (seconds > 0)
            {
                double stored = await enrollments.RunAsync(string.Create(CultureInfo.InvariantCulture, $"enrollments, 64 in flight, {rows:N0} stored"), EnrollmentBenchmark.Many, warmUp: false, steps: true);
                SideBySide.PrintRatio(string.Create(CultureInfo.InvariantCulture, $"enroll.at-{rows}.vs.empty"), stored / empty);
            }

            return isFast ? 0 : 1;
        }

        return 0;
    }
}
