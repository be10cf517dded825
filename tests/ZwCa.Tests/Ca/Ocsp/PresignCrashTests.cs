using ZwCa.Asn1.Pkix;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>SIGKILL between the change of a status and the segment that tells it.</summary>
public sealed class PresignCrashTests
{
    private const int KilledBySignal = 137;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_EveryChangeIsTold_Once()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup
        {
            // What is due is told once more.
            Settings = new Dictionary<string, string?> { ["Ca:Ocsp:LookForDue"] = "01:00:00", ["Ca:RecoverAfter"] = "00:00:01", ["Ca:ClaimFor"] = "00:00:03", ["Service:Limits:RequestTimeout"] = "00:00:03" },
        });
        await ca.StartAsync();
        await WaitUntilToldAsync(ca);
        await ca.KillAsync();
        var issued = new List<string>();
        foreach (string point in (string[])["ocsp-signed", "ocsp-judged", "feed-signed", "feed-appended"])
        {
            // The first that it has to tell in this life is what it dies of.
            ca.Launch(point);
            Task<CertificateAnswer> asking = AskAsync(ca);
            Assert.True(await ca.WaitForExitAsync() == KilledBySignal, $"{point}: {ca.Log}");
            await ca.StartAsync();
            issued.Add((await asking).Serial);
            await WaitUntilToldAsync(ca);
            await ca.KillAsync();
        }

        await using Database database = ca.OpenDatabase();
        HsmKey key = (await ca.Hsm.FindKeyAsync(new KeyLabel(CaIssuers.FeedKey), Token))!;
        FeedCopy copy = await FeedCopy.ReadAsync(database, key.PublicKey!);
        Assert.All(issued, serial => Assert.Equal(1, copy.Told[(serial, 3)]));
        Assert.All(issued, serial => Assert.NotNull(copy.FindResponse(serial)));
        Assert.Equal(await database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE state IN (2, 3, 4)", cancellationToken: Token), copy.Statuses.Count);
    }

    private static Task<CertificateAnswer> AskAsync(CaProcess ca)
    {
        using var key = Sm2PrivateKey.Generate();
        DecidedRequest request = ca.Scene.Decide(ca.Scene.Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes())).ToApplication(), csr: CaScene.Csr(key));
        var id = RequestId.Create(TimeProvider.System);
        return SignedCalls.UntilAnsweredAsync(() => ca.Scene.Ra.PostAsync<CertificateAnswer>("/certificates", request, id), Token);
    }

    private static async Task WaitUntilToldAsync(CaProcess ca)
    {
        await using Database database = ca.OpenDatabase();
        while (await database.FindAsync<long>("SELECT COUNT(*) FROM ocsp_change", cancellationToken: Token) > 0)
        {
            await Task.Delay(50, Token);
        }
    }
}
