using System.Globalization;
using ZwCa.Data;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>
/// A file of applicants on its way to certificates, and SIGKILL of everything that has to do with it: of the RA between any two steps, of CA, KMC and the three devices in the middle, and of all of them at
/// once, as when a machine loses its power. Whatever is armed to die is so after a few steps, so that the batch never comes to its end while something is killed.
/// </summary>
public sealed class BatchCrashTests(ITestOutputHelper output)
{
    private const int KilledBySignal = 137;

    private const string Submissions = "SELECT COUNT(*) FROM submission";
    private const string Certificates = "SELECT COUNT(*) FROM certificate";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TestRandom _random = new();
    private int _kills;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Of how much is done in CI, so many times as much with ZWCA_LONG=1.</summary>
    private static int Times => TestRandom.Long ? 4 : 1;

    [Fact]
    public async Task Killed_TheBatchGoesOn_AndEachGoodRowIsIssuedOnce()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        var kmc = new KmcProcess(new Dictionary<string, string?>
        {
            ["Kmc:Pool:Threshold"] = "64", ["Kmc:Pool:Full"] = "128", ["Kmc:Requests:ClaimFor"] = "00:00:05", ["Service:Limits:RequestTimeout"] = "00:00:05",
        });
        var ra = new RaProcess(new Dictionary<string, string?>
        {
            ["Ra:Ca:Timeout"] = "00:00:04",
            ["Ra:Ca:RequestsAtOnce"] = "4",
            ["Ra:BatchClaimFor"] = "00:00:02",
            ["Ra:ClaimFor"] = "00:00:05",
            ["Service:Limits:RequestTimeout"] = "00:00:05",
        });
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            RaProfiles = RaScene.Profiles,
            Inside = kmc,
            Prepare = kmc.PrepareAsync,
            Fill = ra.PrepareAsync,
            Settings = new Dictionary<string, string?>
            {
                ["Ca:RecoverAfter"] = "00:00:01",
                ["Ca:ClaimFor"] = "00:00:05",
                ["Service:Limits:RequestTimeout"] = "00:00:05",
                ["Ca:KeyCentre:Timeout"] = "00:00:04",
                ["Ca:KeyCentre:Look"] = "00:00:00.2",
                ["Ca:KeyCentre:UnknownAfter"] = "00:00:10",
            },
        });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await ra.StartAsync();
        await ra.WaitForCaAsync();
        await ra.KillAsync();

        using var applicants = new BatchApplicants(TestRandom.Long ? 480 : 52);
        using var errand = new BatchErrand(ra, applicants, Token);
        Task work = errand.RunAsync();
        await DisturbAsync(new Machine(ca, kmc, ra), work);
        ra.Launch();
        await work.WaitAsync(Patience, Token);

        var truth = new BatchTruth(ca, kmc, ra);
        await truth.SettleAsync(Token);
        IReadOnlyList<string> findings = await truth.CheckAsync(applicants, Token);
        output.WriteLine($"{_kills} kills: {applicants.Good.Count} rows issued, {findings.Count} findings");
        Assert.Empty(findings);
    }

    private async Task DisturbAsync(Machine all, Task work)
    {
        (CaProcess ca, KmcProcess kmc, RaProcess ra) = all;

        // Step 1: the file is looked at, and drafts are made.
        await DieAsync(ra, "batch-claimed:1", work);
        await DieAsync(ra, "import-part-checked:1", work);
        await DieAsync(ra, "batch-claimed:2", work);
        await DieAsync(ra, "import-part-made:1", work);

        // Step 2: keys come, one request each; the RA's device is away in between.
        for (int i = 0; i < Times; i++)
        {
            await DieAsync(ra, At("message.claimed", 5), work);
            await DieAsync(ra, At("message.run", 5), work);
            await DieSomewhereAsync(ra, "enrollment-submitted:1", work);
        }

        await DieAsync(ra, "enrollment-submitted:1", work, async () =>
        {
            await ra.WaitUntilReadyAsync(Patience);
            await RestartAsync(ra.Device, ra.StartDeviceAsync);
        });

        // Step 3: what one officer has signed is submitted.
        for (int i = 0; i < Times; i++)
        {
            await AllDieAsync(all, "enrollment-submitted:3", Submissions, work);
            await DieAsync(ra, At("enrollment-submitted", 4), work);
            await DieAsync(ra, "batch-rows:1", work);
        }

        await DieAsync(ra, "batch-part:1", work);

        // Step 4: what the other one has signed is approved, while the CA is away.
        await ca.KillAsync();
        _kills++;
        for (int i = 0; i < Times; i++)
        {
            await DieAsync(ra, At("enrollment-reviewed", 4), work);
            await DieAsync(ra, "batch-rows:1", work);
            await DieAsync(ra, "outbox-claimed:1", work);
        }

        await DieAsync(ra, "batch-part:1", work);
        ca.Launch();

        // Step 5: certificates are issued; the first that is asked for makes the CA want the approvals, once. Of six rows at a time, and what is on its way then, there is an end before that of the batch.
        await DieAsync(ra, "outbox-approvals:1", work);
        for (int i = 0; i < Times; i++)
        {
            await DieAsync(ra, "outbox-applied:6", work, () => DieInTheMiddleAsync(ca, At("issue-signed", 3), work));
            await DieAsync(ra, "outbox-answered:6", work, () => DieInTheMiddleAsync(kmc, "kmc-kept:1", work));
            await DieAsync(ra, "outbox-applied:6", work, async () =>
            {
                await ra.WaitUntilReadyAsync(Patience);
                await RestartAsync(ca.Device, ca.StartDeviceAsync);
                await RestartAsync(kmc.Device, kmc.StartDeviceAsync);
                await RestartAsync(ra.Device, ra.StartDeviceAsync);
            });
            await DieSomewhereAsync(ra, "outbox-applied:6", work);
            await AllDieAsync(all, "outbox-applied:6", Certificates, work);
        }
    }

    private string At(string point, int most) => string.Create(CultureInfo.InvariantCulture, $"{point}:{_random.Next(1, most + 1)}");

    /// <summary>A new life of it, to that point.</summary>
    /// <param name="meanwhile">What else happens in it. Null: nothing.</param>
    private async Task DieAsync(ServiceProcess process, string point, Task work, Func<Task>? meanwhile = null)
    {
        process.Launch(point);
        if (meanwhile is not null)
        {
            await meanwhile();
        }

        Task<int> exit = process.WaitForExitAsync(Patience);
        if (await Task.WhenAny(exit, work) == work)
        {
            await work;
            Assert.Fail($"The batch was at its end before {point}.");
        }

        Assert.True(await exit == KilledBySignal, $"{point}: {process.Log}");
        _kills++;
    }

    /// <summary>It is there again, without a point to die at.</summary>
    private async Task DieInTheMiddleAsync(ServiceProcess process, string point, Task work)
    {
        await process.KillAsync();
        await DieAsync(process, point, work);
        process.Launch();
    }

    /// <param name="atLatest">Where it dies by itself.</param>
    private async Task DieSomewhereAsync(RaProcess ra, string atLatest, Task work)
    {
        ra.Launch(atLatest);
        await Task.WhenAny(Task.Delay(_random.Next(500, 4000), Token), ra.WaitForExitAsync(Patience), work);
        await ra.KillAsync();
        _kills++;
    }

    private async Task RestartAsync(HsmSimProcess device, Func<Task> startAsync)
    {
        await device.KillAsync();
        _kills++;
        await Task.Delay(_random.Next(500), Token);
        await startAsync();
    }

    /// <summary>While the batch is on its way, and before the RA dies by itself; then everything is started again, with the devices first, but for the RA.</summary>
    /// <param name="count">Of which one more has come first.</param>
    private async Task AllDieAsync(Machine all, string atLatest, string count, Task work)
    {
        (CaProcess ca, KmcProcess kmc, RaProcess ra) = all;
        await using (Database database = ra.OpenDatabase())
        {
            long before = await database.FindAsync<long>(count, cancellationToken: Token);
            ra.Launch(atLatest);
            while (ra.IsRunning && !work.IsCompleted && await database.FindAsync<long>(count, cancellationToken: Token) == before)
            {
                await Task.Delay(5, Token);
            }
        }

        await Task.WhenAll(ra.KillAsync(), ca.KillAsync(), kmc.KillAsync(), ra.Device.KillAsync(), ca.Device.KillAsync(), kmc.Device.KillAsync());
        _kills++;
        Assert.False(work.IsCompleted, $"The batch was at its end before everything was killed. {work.Exception}");
        await Task.WhenAll(ra.StartDeviceAsync(), ca.StartDeviceAsync(), kmc.StartDeviceAsync());
        kmc.Launch();
        ca.Launch();
    }

    private sealed record Machine(CaProcess Ca, KmcProcess Kmc, RaProcess Ra);
}
