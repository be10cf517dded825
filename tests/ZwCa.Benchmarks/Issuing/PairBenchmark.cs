using System.Globalization;
using ZwCa.Data;

namespace ZwCa.Benchmarks;

/// <summary>
/// Pairs a second as a subscriber gets them: CA and KMC as processes, each with an hsm-sim of its own, over mutual TLS, with signed messages and two approvals each, SQLite with full durability,
/// lint and logs on; with an empty CA, and with one that has many certificates. The KMC's stock is filled before: no key is made while it is measured. Beside it single certificates of the same
/// CA, and <c>cfssl serve</c> asked twice, which has no KMC. All processes share the machine with the load, whose requests are made before.
/// </summary>
internal static class PairBenchmark
{
    private const int Rounds = 7;
    private const int Many = 64;
    private const int Stock = 24_000;
    private const double Bar = 300;
    private const double StoredBar = 0.8;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan StepTime = TimeSpan.FromSeconds(3);

    /// <param name="stored">Certificates of the CA that is not empty; 0: there is none.</param>
    public static async Task<int> RunAsync(int stored)
    {
        Machine.Print(string.Create(
            CultureInfo.InvariantCulture, $"each caller sends its next request when the last is answered; all processes share the cores; {Stock:N0} keys in stock, none made meanwhile"));
        await using KmcProcess kmc = NewKmc();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = PairScene.Profiles, Prepare = kmc.PrepareAsync });
        await StartAsync(ca, kmc);
        await using KmcProcess? fullKmc = stored > 0 ? NewKmc() : null;
        await using CaProcess? full = fullKmc is null ? null : await SeededCa.OpenAsync(stored, stored / 2, fullKmc);
        await (full is null ? Task.CompletedTask : StartAsync(full, fullKmc!));
        await using CfsslServer? cfssl = await CfsslServer.StartAsync();

        const string one = "pairs, 1 in flight", many = "pairs, 64 in flight", single = "single certificates, 64 in flight", twice = "cfssl serve, P-256, SQLite, 2 each, 64 in flight";
        string full64 = string.Create(CultureInfo.InvariantCulture, $"pairs, 64 in flight, {stored:N0} stored");
        var load = new Load("Pairs of certificates", Rounds, Slice, WarmUp);
        using PreparedRequests forOne = await PreparedRequests.ForPairsAsync(ca, 4_000, 1);
        load.Add(one, 1, 1, forOne.SendAsync);
        using PreparedRequests forMany = await PreparedRequests.ForPairsAsync(ca, 12_000, Many);
        load.Add(many, Many, 1, forMany.SendAsync);
        using PreparedRequests forSingle = await PreparedRequests.ForCertificatesAsync(ca, 20_000, Many);
        load.Add(single, Many, 1, forSingle.SendAsync);
        using PreparedRequests? forFull = full is null ? null : await PreparedRequests.ForPairsAsync(full, 12_000, Many);
        if (forFull is not null)
        {
            load.Add(full64, Many, 1, forFull.SendAsync);
        }

        using PreparedRequests? forTwice = cfssl is null ? null : await cfssl.PrepareAsync(Many);
        if (forTwice is null)
        {
            Console.WriteLine("cfssl is not installed: not compared (Debian: golang-cfssl).");
        }
        else
        {
            load.Add(twice, Many, 1, async () =>
            {
                await forTwice.SendAsync();
                await forTwice.SendAsync();
            });
        }

        await load.RunAsync();
        SideBySide.PrintRatio("pair.vs.bar-of-300", load.Rate(many) / Bar, 1);
        load.PrintRatio("pair.vs.single-certificate", many, single);
        if (full is not null)
        {
            PrintStored(load, stored, full64, many);
        }

        if (forTwice is not null)
        {
            load.PrintRatio("pair.vs.two-of-cfssl-sqlite", many, twice);
        }

        foreach (int callers in (int[])[1, Many])
        {
            using PreparedRequests requests = await PreparedRequests.ForPairsAsync(ca, callers == 1 ? 1_000 : 3_000, callers);
            await StepTable.PrintAsync(
                $"{callers} in flight",
                callers,
                requests,
                StepTime,
                [("CA", ca.Id), ("its hsm-sim", ca.Device.Id), ("KMC", kmc.Id), ("its hsm-sim", kmc.Device.Id), ("load", Environment.ProcessId)],
                [StepTable.OfPairs(ca), StepTable.OfKeys(kmc)]);
        }

        await using Database keys = kmc.OpenDatabase();
        long used = await keys.FindAsync<long>("SELECT COUNT(*) FROM escrowed_key WHERE state = 2");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{used:N0} keys are in use, {Stock - used:N0} in stock"));
        return 0;
    }

    /// <summary>Its stock is filled when it is made, and not looked at again.</summary>
    private static KmcProcess NewKmc() => new(new Dictionary<string, string?>
    {
        ["Kmc:Pool:Threshold"] = "1",
        ["Kmc:Pool:Full"] = Stock.ToString(CultureInfo.InvariantCulture),
        ["Kmc:PoolLook"] = "01:00:00",
    });

    private static async Task StartAsync(CaProcess ca, KmcProcess kmc)
    {
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
    }

    /// <summary>With fewer certificates than is stated, it is no answer to the bar, whatever it is.</summary>
    private static void PrintStored(Load load, int stored, string full, string empty)
    {
        if (stored >= IssueBenchmark.StoredByDefault)
        {
            load.PrintRatio("pair.at-1m.vs.empty", full, empty, StoredBar);
            return;
        }

        load.PrintRatio(
            string.Create(CultureInfo.InvariantCulture, $"pair.at-{stored}.vs.empty"),
            full,
            empty,
            note: string.Create(
                CultureInfo.InvariantCulture, $"run on {stored:N0} certificates instead of {IssueBenchmark.StoredByDefault:N0}: does not meet the bar {StoredBar} of pair.at-1m.vs.empty"));
    }
}
