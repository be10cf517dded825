using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ra.Limits;

/// <summary>The CA is away, or does not want this RA: nothing is lost, and clerks hear what there is to hear.</summary>
public sealed class CaAwayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhileTheCaIsDown_CountersWorkOn_AndWhatWasApprovedIsIssuedWhenItIsBack()
    {
        Requires.Condition(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "SIGKILL");
        var kmc = new KmcProcess(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "16", ["Kmc:Pool:Full"] = "32" });
        var ra = new RaProcess(new Dictionary<string, string?> { ["Ra:Ca:Timeout"] = "00:00:05" });
        await using CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = ra.PrepareAsync });
        await using RaProcess ends = ra;
        await kmc.AdmitAsync();
        await kmc.StartAsync();
        await ca.StartAsync();
        await ra.StartAsync();
        await ra.WaitForCaAsync();
        ProcessCounter counter = ra.Counter;
        using Sm2PrivateKey key = Sm2PrivateKey.Generate(), earlierKey = Sm2PrivateKey.Generate(), thirdKey = Sm2PrivateKey.Generate();
        EnrollmentAnswer earlier = await counter.IssueAsync(RaCounter.NewRequest(await counter.PersonAsync(), earlierKey));

        // Somebody new, from the counter to the last approval.
        await ca.KillAsync();
        string person = await counter.PersonAsync();
        EnrollmentAnswer approved = await counter.ApproveAsync(await counter.SubmitAsync(await counter.TakeInAsync(RaCounter.NewRequest(person, key))));
        Assert.Equal("issuing", approved.State);
        await using Database database = ra.OpenDatabase();
        await RaWaiting.UntilAsync(async () => await database.FindAsync<long>("SELECT COUNT(*) FROM outbox WHERE tries > 1 AND state = 0", cancellationToken: Token) == 1, "it is tried again");
        Assert.Equal("issuing", (await counter.ShowAsync(approved)).State);
        Assert.Equal("Unavailable", await database.FindAsync<string>("SELECT refusal FROM outbox WHERE state = 0", cancellationToken: Token));

        // What needs the CA says so, and can be asked again; the rest goes on.
        await RaStage.RefusedAsync(() => counter.FetchAsync(earlier, earlierKey), Refusal.Unavailable);
        EnrollmentAnswer other = await counter.SubmitAsync(await counter.TakeInAsync(RaCounter.NewRequest(person, thirdKey)));
        EnrollmentAnswer rejected = await counter.PostAsync<EnrollmentAnswer>(
            counter.CityReviewer, $"/enrollments/{other.Id}/review", new ReviewRequest { Version = other.Version, Outcome = "rejected", Reason = "重复申请" });
        Assert.Equal("rejected", rejected.State);
        Assert.Equal(3, (await counter.GetAsync<EnrollmentPage>(counter.City, "/enrollments")).Enrollments.Count);

        await ca.StartAsync();
        EnrollmentAnswer issued = await counter.UntilAsync(approved, "issued");
        Assert.Equal(2, issued.Certificates.Count);
        Assert.Equal("delivered", (await counter.DeliverAsync(issued, key)).Enrollment.State);
        Assert.Equal("delivered", (await counter.DeliverAsync(earlier, earlierKey)).Enrollment.State);
    }

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task WhileTheCaDoesNotHearAnRa_ItsEnrollmentsWait_AndTheClerkReadsWhy(DatabaseKind kind)
    {
        await using RaStage stage = await RaStage.StartAsync(new RaSetup { Kind = kind });
        EnrollmentAnswer submitted = await stage.SubmitAsync(await stage.TakeInAsync(RaStage.NewRequest(await stage.PersonAsync(), stage.Pairs.NewKey())));
        await stage.Ca.RawAsync("UPDATE registration_authority SET enabled = 0 WHERE ra_name = @Name", new { Name = CaScene.RaName });
        EnrollmentAnswer approved = await stage.ApproveAsync(submitted);
        EnrollmentAnswer waiting = await RaWaiting.UntilAsync(stage, approved, now => now.Waiting is not null);
        Assert.Equal(("issuing", "该RA已被停用。"), (waiting.State, waiting.Waiting));
        Assert.Empty(waiting.Certificates);

        // Enabled again, the same request goes through: whether it was done before, the CA had not even looked.
        await stage.Ca.RawAsync("UPDATE registration_authority SET enabled = 1 WHERE ra_name = @Name", new { Name = CaScene.RaName });
        await stage.Database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE outbox SET try_after = 0 WHERE state = 0"), Token);
        Assert.Equal("issued", (await stage.UntilAsync(approved, "issued")).State);
    }

    [Fact]
    public async Task AnRaThatOfficersOfTheCaPutOut_WaitsUntilTheyLetItIn()
    {
        await using RaStage stage = await RaStage.StartAsync();
        EnrollmentAnswer submitted = await stage.SubmitAsync(await stage.TakeInAsync(RaStage.NewRequest(await stage.PersonAsync(), stage.Pairs.NewKey())));
        Application disable = StageCommands.Command(RaActions.Disable, CaScene.Province, Der.Encode(new RaSwitch(CaScene.RaName, "整改")));
        Assert.Equal("done", (await stage.Ca.ProposeAsync(stage.Ca.FirstAdministrator, disable)).State);

        // With the RA go its links: nobody there even hears it, and that is no answer to an application.
        EnrollmentAnswer approved = await stage.ApproveAsync(submitted);
        await RaWaiting.UntilAsync(
            async () => await stage.Database.FindAsync<string>("SELECT refusal FROM outbox WHERE state = 0", cancellationToken: Token) == nameof(Refusal.LinkNotTrusted), "the CA hears it no more");
        Assert.Equal("issuing", (await stage.ShowAsync(approved)).State);

        await stage.Ca.CommandAsync(RaActions.Enable, CaScene.Province, Der.Encode(new RaSwitch(CaScene.RaName, "整改完成")));
        LinkOptions link = stage.App.Services.GetRequiredService<ServiceOptions>().Link;
        using X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(link.CertificateFile);
        await stage.Ca.CommandAsync(ClientActions.Enable, CaScene.Province, Der.Encode(new ClientSwitch(SHA256.HashData(own.RawData), "整改完成")));
        Assert.Equal(2, (await stage.UntilAsync(approved, "issued")).Certificates.Count);
    }
}
