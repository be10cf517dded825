using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Outbox;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ra.Batches;

namespace ZwCa.Tests.Ra.Outbox;

/// <summary>The CA has issued and said so, and the RA went down before it had written it: the answer that the CA keeps counts, whatever has become of those who approved.</summary>
public sealed class AnswerNotAppliedTests(RaFixture fixture) : IClassFixture<RaFixture>
{
    private RaStage Stage => fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOfficerIsDisabledInBetween_WhatWasIssuedIsNotLostNorIssuedTwice_AndNothingMoreIsIssuedByHim()
    {
        // Step 1: two servers, approved by one signature of each of two officers, which both requests refer to. Nobody sends yet.
        using var desk = new BatchDesk(Stage);
        StageOfficer reviewer = await Stage.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "郑审核");
        await RaWaiting.UntilKnownAsync(Stage, reviewer);
        SendOutbox sender = Stage.App.Services.GetRequiredService<SendOutbox>();
        await sender.StopAsync(Token);
        EnrollmentAnswer[] servers = await desk.ServersAsync(2);
        BatchAnswer batch = await desk.OfAsync(servers);
        await desk.DecideAsync(Stage.City, batch, ApprovalStep.Entry);
        Assert.Equal(2, (await desk.DecideAsync(reviewer, batch, ApprovalStep.Review)).States["issuing"]);

        // Step 2: the CA answers the first request, and nothing of it is written here; of the second it has not heard.
        await RawAsync("UPDATE outbox SET try_after = @Later WHERE enrollment_id = @Id", new { Later = DateTimeOffset.UtcNow.AddMinutes(5), Id = IdOf(servers[1]) });
        await RawAsync("CREATE TRIGGER outbox_not_applied BEFORE UPDATE ON outbox WHEN NEW.state = 2 BEGIN SELECT RAISE(ABORT, 'not applied'); END");
        await sender.StartAsync(Token);
        await RaWaiting.UntilAsync(
            async () => await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM outbox WHERE enrollment_id = @Id AND state = 0 AND tries > 0 AND refusal IS NOT NULL", new { Id = IdOf(servers[0]) }, Token) == 1,
            "the first was answered and not applied");
        await sender.StopAsync(Token);
        Assert.Equal((1, 0), (await IssuedAsync(servers[0]), await IssuedAsync(servers[1])));
        Assert.Equal((2L, "issuing"), ((await desk.ShowAsync(batch)).States["issuing"], (await Stage.ShowAsync(servers[0])).State));

        // Step 3: who reviewed both is disabled.
        await Stage.Ca.ProposeAsync(
            Stage.Ca.FirstAdministrator, StageCommands.Command(OfficerActions.Disable, CaScene.City, Der.Encode(new OfficerChange(reviewer.SerialNumber, "调离岗位"))));
        await RaWaiting.UntilAsync(
            async () => await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM officer WHERE certificate_serial = @Serial AND enabled = 1", new { Serial = reviewer.SerialNumber.ToString() }, Token) == 0,
            "the RA knows that he is disabled");

        // Step 4: a node that remembers nothing sends what waits.
        await RawAsync("DROP TRIGGER outbox_not_applied");
        await RawAsync("UPDATE outbox SET try_after = 0 WHERE state = 0");
        IServiceProvider services = Stage.App.Services;
        using SendOutbox next = ActivatorUtilities.CreateInstance<SendOutbox>(services, new DeliverApprovals(services.GetRequiredService<KnownApprovals>(), services.GetRequiredService<CaClient>()));
        await next.StartAsync(Token);
        EnrollmentAnswer issued = await Stage.UntilAsync(servers[0], "issued"), returned = await Stage.UntilAsync(servers[1], "returned");
        await next.StopAsync(Token);

        Assert.Single(issued.Certificates);
        Assert.StartsWith("CA未受理", returned.Reason, StringComparison.Ordinal);
        Assert.Equal((1, 0), (await IssuedAsync(servers[0]), await IssuedAsync(servers[1])));
        Assert.Equal(1, await Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM certificate WHERE enrollment_id IN (@First, @Second)", new { First = IdOf(servers[0]), Second = IdOf(servers[1]) }, Token));
    }

    /// <summary>At the CA: each certificate has the decision that it was issued by.</summary>
    private async Task<long> IssuedAsync(EnrollmentAnswer enrollment) => await Stage.Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM decision WHERE reference = @Id", new { enrollment.Id }, Token);

    private Task<int> RawAsync(string sql, object? parameters = null) => Stage.Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);

    private static byte[] IdOf(EnrollmentAnswer enrollment) => Convert.FromHexString(enrollment.Id);
}
