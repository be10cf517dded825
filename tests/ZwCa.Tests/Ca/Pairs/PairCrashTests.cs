using System.Globalization;
using ZwCa.Data;

namespace ZwCa.Tests.Ca.Pairs;

/// <summary>SIGKILL of the CA and of the KMC at each step of a pair and of a recovery, and anywhere else, under load; each is a process with a device and a disk of its own.</summary>
public sealed class PairCrashTests(ITestOutputHelper output)
{
    private const int KilledBySignal = 137;
    private const int Clients = 6;

    /// <summary>Until a point is reached: some are few, and a machine may be busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>In this order, for what goes on with an intention is met only where one was left.</summary>
    private static readonly string[] CaPoints =
    [
        "issue-reserved", "pair-key", "issue-intended", "again-recorded", "issue-prepared", "issue-signed", "again-signed", "issue-stored", "recovery-intended", "recovery-answered",
    ];

    private static readonly string[] KmcPoints = ["kmc-bound", "kmc-opened", "recovery-intended", "kmc-signed", "kmc-kept"];

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_A_pair_is_whole_or_absent_and_no_key_is_bound_twice_or_lost()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        int kills = TestRandom.Long ? 200 : 20;
        using var publication = new TemporaryFolder();
        var kmc = new KmcProcess(new Dictionary<string, string?>
        {
            ["Kmc:Pool:Threshold"] = "64", ["Kmc:Pool:Full"] = "128", ["Kmc:Requests:ClaimFor"] = "00:00:05", ["Service:Limits:RequestTimeout"] = "00:00:05",
        });
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            RaProfiles = PairScene.Profiles,
            Inside = kmc,
            Prepare = kmc.PrepareAsync,
            Settings = new Dictionary<string, string?>
            {
                ["Ca:RecoverAfter"] = "00:00:02",
                ["Ca:ClaimFor"] = "00:00:05",
                ["Service:Limits:RequestTimeout"] = "00:00:05",
                ["Ca:KeyCentre:Timeout"] = "00:00:04",
                ["Ca:KeyCentre:Look"] = "00:00:00.2",
                ["Ca:KeyCentre:UnknownAfter"] = "00:00:10",
                ["Ca:Crls:Look"] = "00:00:00.2",
                ["Ca:Crls:PublicationFolders:0"] = publication.Path,
            },
        });
        await kmc.AdmitAsync();
        await kmc.StartAsync();

        // A recovery takes the officers' revocation list.
        await ca.StartAsync();
        await UntilAsync(ca.OpenDatabase, "SELECT COUNT(*) FROM crl WHERE state = 3 AND authority_id = (SELECT authority_id FROM authority WHERE name = 'ops-s1')", count => count > 0);
        await ca.KillAsync();

        using var subscribers = new Subscribers(ca.Scene, Token);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(() => subscribers.LiveAsync(stop.Token), Token))];
        try
        {
            for (int kill = 0; kill < kills; kill++)
            {
                int turn = kill % (CaPoints.Length + KmcPoints.Length + 5);
                if (turn < CaPoints.Length)
                {
                    // The round before may have left it running.
                    await ca.KillAsync();
                    await DieAtAsync(ca, CaPoints[turn], clients);
                }
                else if (turn < CaPoints.Length + KmcPoints.Length)
                {
                    await StayAsync(ca);
                    await kmc.KillAsync();
                    await DieAtAsync(kmc, KmcPoints[turn - CaPoints.Length], clients);
                    await kmc.StartAsync();
                }
                else
                {
                    await StayAsync(ca);
                    await DieSomewhereAsync(ca, kmc, subscribers, clients);
                }

                AssertGoesOn(clients, $"kill {kill}");
                await using Database database = ca.OpenDatabase();
                Assert.Empty(await PairTruth.CheckWholeAsync(database, Token));
            }

            // The last life. Whoever has asked gets his answer.
            await StayAsync(ca);
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }
        finally
        {
            await stop.CancelAsync();
        }

        await SettleAsync(ca, kmc);
        await Parallel.ForEachAsync(
            subscribers.Issued, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Token }, async (each, _) => await subscribers.AskAgainAsync(each));
        await SettleAsync(ca, kmc);
        Assert.Equal(0, await ca.StopAsync());
        Assert.Equal(0, await kmc.StopAsync());

        IReadOnlyList<string> findings = await new PairTruth(ca, kmc).CheckAsync(subscribers.Issued, Token);
        output.WriteLine($"{kills} kills: {subscribers.Issued.Count} pairs, {subscribers.Recovered} recoveries; {findings.Count} findings");
        Assert.Empty(findings);
        Assert.True(subscribers.Recovered > 0);
    }

    private static void AssertGoesOn(Task[] clients, string when) => Assert.All(clients, client => Assert.False(client.IsFaulted, $"{when}: {client.Exception}"));

    /// <param name="rest">What is told where it is not reached.</param>
    private static async Task UntilAsync(Func<Database> open, string count, Func<long, bool> reached, string? rest = null)
    {
        await using Database database = open();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(Patience);
        while (!reached(await database.FindAsync<long>(count, cancellationToken: Token)))
        {
            if (patience.IsCancellationRequested)
            {
                IReadOnlyList<string> left = rest is null ? [] : await database.QueryAsync<string>(rest, cancellationToken: Token);
                Assert.Fail($"Not reached: {count}: {string.Join("; ", left)}");
            }

            await Task.Delay(100, Token);
        }
    }

    /// <summary>Whatever died comes to its end, and the KMC hears of it.</summary>
    private static async Task SettleAsync(CaProcess ca, KmcProcess kmc)
    {
        await UntilAsync(ca.OpenDatabase, "SELECT COUNT(*) FROM certificate WHERE state < 2", count => count == 0);
        await UntilAsync(ca.OpenDatabase, "SELECT COUNT(*) FROM key_task", count => count == 0, "SELECT kind || ' ' || key_serial || ', tried ' || tries FROM key_task");
        await UntilAsync(ca.OpenDatabase, "SELECT COUNT(*) FROM log_pending", count => count == 0);
        await UntilAsync(kmc.OpenDatabase, "SELECT COUNT(*) FROM log_pending", count => count == 0);
    }

    /// <summary>It runs, without a point to die at.</summary>
    private static async Task StayAsync(CaProcess ca)
    {
        if (!ca.IsRunning)
        {
            await ca.StartAsync();
        }
    }

    private async Task DieAtAsync(ServiceProcess process, string point, Task[] clients)
    {
        // Requests are many; what goes on with an intention, and recoveries, few.
        int time = point.StartsWith("again", StringComparison.Ordinal) || point.StartsWith("recovery", StringComparison.Ordinal) ? 1 : _random.Next(1, 10);
        process.Launch(string.Create(CultureInfo.InvariantCulture, $"{point}:{time}"));
        try
        {
            Assert.True(await process.WaitForExitAsync(Patience) == KilledBySignal, $"{point}: {process.Log}");
        }
        catch (TimeoutException)
        {
            AssertGoesOn(clients, point);
            throw;
        }
    }

    /// <summary>One of them, or both, while the subscribers are being served or while it starts.</summary>
    private async Task DieSomewhereAsync(CaProcess ca, KmcProcess kmc, Subscribers subscribers, Task[] clients)
    {
        int before = subscribers.Issued.Count;
        while (subscribers.Issued.Count == before)
        {
            AssertGoesOn(clients, "at random");
            await Task.Delay(5, Token);
        }

        int which = _random.Next(3);
        await Task.Delay(_random.Next(1000), Token);
        if (which != 0)
        {
            await kmc.KillAsync();
        }

        if (which != 1)
        {
            await ca.KillAsync();
            ca.Launch();
            await Task.Delay(_random.Next(3000), Token);
            await ca.KillAsync();
        }

        if (which != 0)
        {
            await kmc.StartAsync();
        }
    }
}
