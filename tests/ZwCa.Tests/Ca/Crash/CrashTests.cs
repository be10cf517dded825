using System.Collections.Concurrent;
using System.Globalization;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Crash;

/// <summary>SIGKILL at each step of issuing and anywhere else, under load, the CA being a process with a device and a disk.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int KilledBySignal = 137;

    /// <summary>In this order, for recovery is met only where an intention was left; after them a kill at random.</summary>
    private static readonly string[] Points = ["issue-reserved", "issue-intended", "again-recorded", "issue-prepared", "issue-signed", "again-signed", "issue-stored"];

    private static readonly string[] Ras = [CaScene.RaName, "ra-35-1", "ra-35-2"];

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(30);

    private readonly TestRandom _random = new();
    private readonly ConcurrentBag<Answered> _answered = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_Every_serial_number_is_accounted_for_and_every_request_has_one_certificate()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        int kills = TestRandom.Long ? 500 : 20;
        var parties = new List<RaParty>();
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Settings = new Dictionary<string, string?>
            {
                ["Ca:RecoverAfter"] = "00:00:01", ["Ca:ClaimFor"] = "00:00:03", ["Service:Limits:RequestTimeout"] = "00:00:03",
            },
            Fill = async (scene, _) =>
            {
                parties.Add(scene.Ra);
                foreach (string name in Ras.Skip(1))
                {
                    parties.Add(await scene.RaAsync(name, CaScene.Province));
                }
            },
        });
        long signedBefore = await ca.CountSignaturesAsync("issuing-s1");

        // Two clients of each RA ask on and on, and each asks until it is answered.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clients = [.. parties.Concat(parties).Select(ra => Task.Run(() => AskAsync(ca, ra, stop.Token), Token))];
        try
        {
            var hit = new HashSet<string>();
            for (int kill = 0; kill < kills; kill++)
            {
                int turn = kill % (Points.Length + 1);
                if (turn < Points.Length)
                {
                    await DieAtAsync(ca, Points[turn]);
                    hit.Add(Points[turn]);
                }
                else
                {
                    await DieSomewhereAsync(ca);
                }

                Assert.All(clients, client => Assert.False(client.IsFaulted, $"kill {kill}: {client.Exception}"));
            }

            Assert.Equal(Points.Order(), hit.Order());

            // The last life. Whoever has asked gets his answer.
            await ca.StartAsync();
            await stop.CancelAsync();
            await Task.WhenAll(clients);
        }
        finally
        {
            await stop.CancelAsync();
        }

        await SettleAsync(ca);

        // Each retry of each request gets the same bytes, however old it is.
        await Parallel.ForEachAsync(_answered, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Token }, async (each, _) =>
        {
            CertificateAnswer again = await each.Ra.PostAsync<CertificateAnswer>("/certificates", each.Request, each.Id);
            Assert.Equal(each.Answer.Certificate, again.Certificate);
        });
        await SettleAsync(ca);
        Assert.Equal(0, await ca.StopAsync());

        var truth = new Truth(ca, [.. _answered]);
        CrashReport report = await truth.CheckAsync(signedBefore, Token);
        output.WriteLine($"{kills} kills: {report}");
        Assert.Empty(report.Findings);
        Assert.True(report.Stored > 0 && _answered.Count == report.Stored + report.GivenUp, report.ToString());
    }

    [Fact]
    public async Task Disk_full_or_device_away_Nothing_is_lost_and_it_goes_on_afterwards()
    {
        Requires.Condition(OperatingSystem.IsLinux() && File.Exists("/usr/bin/prlimit"), "prlimit");
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            Settings = new Dictionary<string, string?>
            {
                ["Ca:RecoverAfter"] = "00:00:01", ["Ca:ClaimFor"] = "00:00:05", ["Service:Limits:RequestTimeout"] = "00:00:05",
            },
        });
        long signedBefore = await ca.CountSignaturesAsync("issuing-s1");
        await ca.StartAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task[] clients = [.. Enumerable.Range(0, 6).Select(_ => Task.Run(() => AskAsync(ca, ca.Scene.Ra, stop.Token), Token))];
        await GoOnAsync();

        // No write reaches the file.
        await ca.LimitFilesAsync(4096);
        RefusalException full = await Assert.ThrowsAsync<RefusalException>(() => ca.Scene.Ra.PostAsync<CertificateAnswer>("/certificates", ca.Scene.NewRequest()));
        Assert.Equal(Refusal.Unavailable, full.Kind);
        await Task.Delay(TimeSpan.FromSeconds(1), Token);
        await ca.LimitFilesAsync(null);
        await GoOnAsync();

        // The device is killed under load, and comes again: without the answers that were on their way.
        await ca.Device.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(1), Token);
        await ca.StartDeviceAsync();
        await GoOnAsync();

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        await SettleAsync(ca);
        Assert.Equal(0, await ca.StopAsync());
        CrashReport report = await new Truth(ca, [.. _answered]).CheckAsync(signedBefore, Token);
        output.WriteLine(report.ToString());
        Assert.Empty(report.Findings);

        async Task GoOnAsync()
        {
            int before = _answered.Count;
            while (_answered.Count < before + 10)
            {
                Assert.All(clients, client => Assert.False(client.IsFaulted, client.Exception?.ToString()));
                await Task.Delay(20, Token);
            }
        }
    }

    private async Task DieAtAsync(CaProcess ca, string point)
    {
        // Recovery is one after another, requests are many.
        int time = point.StartsWith("again", StringComparison.Ordinal) ? 1 : _random.Next(1, 25);
        ca.Launch(string.Create(CultureInfo.InvariantCulture, $"{point}:{time}"));
        Assert.True(await ca.WaitForExitAsync() == KilledBySignal, $"{point}: {ca.Log}");
    }

    /// <summary>While it starts, or under load.</summary>
    private async Task DieSomewhereAsync(CaProcess ca)
    {
        ca.Launch();
        if (_random.Next(3) > 0)
        {
            Assert.True(await ca.WaitUntilReadyAsync(), ca.Log);
            int before = _answered.Count;
            while (_answered.Count == before)
            {
                await Task.Delay(5, Token);
            }
        }

        await Task.Delay(_random.Next(1500), Token);
        Assert.True(await ca.KillAsync(), ca.Log);
    }

    /// <summary>Ends between two requests, never within one.</summary>
    private async Task AskAsync(CaProcess ca, RaParty ra, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            DecidedRequest request = ca.Scene.NewRequest(ra.Name);
            var id = RequestId.Create(TimeProvider.System);
            CertificateAnswer answer = await SignedCalls.UntilAnsweredAsync(() => ra.PostAsync<CertificateAnswer>("/certificates", request, id), Token);
            _answered.Add(new Answered(ra, id, request, answer));
            await Task.Delay(Pause, Token);
        }
    }

    /// <summary>Until recovery has nothing left, and a checkpoint covers every event.</summary>
    private static async Task SettleAsync(CaProcess ca)
    {
        await using Database database = ca.OpenDatabase();
        var proofs = new LogProofs(database);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        while (await database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state < 2", cancellationToken: Token) > 0
            || (await proofs.FindLatestCheckpointAsync(Token))!.Tbs.TreeSize < await database.FindAsync<long>("SELECT COUNT(*) FROM audit_event", cancellationToken: Token))
        {
            await Task.Delay(100, patience.Token);
        }
    }
}
