using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Ra.Batches;

namespace ZwCa.Tests.Ra.Batches.Following;

/// <summary>Batches that make their drafts themselves: of what expires soon, and of all that an organisation has.</summary>
public sealed class FollowingTests(RaFixture fixture) : IClassFixture<RaFixture>, IDisposable
{
    private readonly BatchDesk _desk = new(fixture.Stage);

    private RaStage Stage => fixture.Stage;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _desk.Dispose();

    [Fact]
    public async Task WhatExpiresSoon_IsRenewedOnce_WithItsKey()
    {
        SubscriberAnswer organization = await _desk.OrganizationAsync();
        EnrollmentAnswer[] servers = await _desk.ServersAsync(5, organization);
        await _desk.IssueAsync(await _desk.OfAsync(servers));

        // Nobody has fetched them yet.
        BatchAnswer early = await _desk.OpenAsync(Renewal(organization));
        Assert.Equal((0L, 5L), CountsOf(early));
        Assert.All((await _desk.RefusalsAsync(early)).Rows, row => Assert.Contains("尚未领取", row.Reason, StringComparison.Ordinal));
        await _desk.HandOutAsync(servers);

        // Not so soon; of another profile; without an agent.
        Assert.Equal((0L, 0L), CountsOf(await _desk.OpenAsync(Renewal(organization) with { WithinDays = 30 })));
        Assert.Equal((0L, 0L), CountsOf(await _desk.OpenAsync(Renewal(organization) with { Profile = "person" })));
        BatchAnswer without = await _desk.OpenAsync(Renewal(organization) with { Agent = null });
        Assert.Equal((0L, 5L), CountsOf(without));
        Assert.All((await _desk.RefusalsAsync(without)).Rows, row => Assert.Contains("经办人", row.Reason, StringComparison.Ordinal));

        BatchAnswer renewal = await _desk.OpenAsync(Renewal(organization));
        Assert.Equal((5L, 0L), CountsOf(renewal));
        Assert.Equal(5, renewal.States["draft"]);
        Assert.Equal((0L, 0L), CountsOf(await _desk.OpenAsync(Renewal(organization))));

        Assert.Equal(5, (await _desk.IssueAsync(renewal)).States["issued"]);
        Assert.Equal(
            (10L, 5L),
            (await Stage.Database.FindAsync<long>(Certificates("COUNT(*)"), Of(organization), Token), await Stage.Database.FindAsync<long>(Certificates("COUNT(DISTINCT c.key_hash)"), Of(organization), Token)));

        // Its successors expire as soon as it does, and have not been fetched; what has one is not renewed again.
        Assert.Equal((0L, 5L), CountsOf(await _desk.OpenAsync(Renewal(organization))));
    }

    [Fact]
    public async Task WhatHasMovedAway_IsRefusedByRow_AndTheRestIsRevoked()
    {
        SubscriberAnswer organization = await _desk.OrganizationAsync();
        BatchAnswer first = await _desk.IssueAsync(await _desk.OfServersAsync(4, organization));
        await Stage.Database.WriteAsync(
            transaction => transaction.ExecuteAsync(
                "UPDATE subscriber SET region = '350000' WHERE subscriber_id = (SELECT e.subscriber_id FROM enrollment e JOIN batch_row r ON r.enrollment_id = e.enrollment_id WHERE r.batch_id = @Id AND r.row_number = 2)",
                new { Id = Convert.FromHexString(first.Id) }),
            Token);

        BatchAnswer revocation = await _desk.OpenAsync(Revocation(organization));
        Assert.Equal((3L, 1L), CountsOf(revocation));
        Assert.Contains("受理区域", Assert.Single((await _desk.RefusalsAsync(revocation)).Rows).Reason, StringComparison.Ordinal);
        Assert.Equal((0L, 1L), CountsOf(await _desk.OpenAsync(Revocation(organization))));

        Assert.Equal(3, (await _desk.IssueAsync(revocation, "delivered")).States["delivered"]);
        Assert.Equal(1, await Stage.Database.FindAsync<long>(Certificates("COUNT(*)") + " AND c.state = 1", Of(organization), Token));

        // The province's officer sees the one that is left.
        BatchAnswer rest = await _desk.OpenAsync(Revocation(organization) with { Region = CaScene.Province }, Stage.Province);
        Assert.Equal((1L, 0L), CountsOf(rest));
    }

    [Fact]
    public async Task WhereThereIsMoreThanABatchTakes_ItSaysSo_AndAnotherGoesOnWithTheRest()
    {
        SubscriberAnswer organization = await _desk.OrganizationAsync();
        EnrollmentAnswer[] servers = await _desk.ServersAsync(4, organization);
        await _desk.IssueAsync(await _desk.OfAsync(servers));
        await _desk.HandOutAsync(servers);

        BatchAnswer cut = await BeginAtAsync(organization, 99_998);

        Assert.Equal((2L, 0L), CountsOf(cut));
        Assert.Equal((100_000L, 2L), (cut.Tasks[0].Rows, cut.States["draft"]));
        Assert.Contains("另建批次", cut.Tasks[0].Reason, StringComparison.Ordinal);

        BatchAnswer rest = await _desk.OpenAsync(Revocation(organization));
        Assert.Equal((2L, 0L), CountsOf(rest));
        Assert.Null(rest.Tasks[0].Reason);
        Assert.Equal((0L, 0L), CountsOf(await _desk.OpenAsync(Revocation(organization))));
    }

    [Fact]
    public async Task ExactlyAsManyAsABatchTakes_IsAll()
    {
        SubscriberAnswer organization = await _desk.OrganizationAsync();
        EnrollmentAnswer[] servers = await _desk.ServersAsync(2, organization);
        await _desk.IssueAsync(await _desk.OfAsync(servers));
        await _desk.HandOutAsync(servers);
        BatchAnswer batch = await BeginAtAsync(organization, 99_998);
        Assert.Equal((2L, 0L), CountsOf(batch));
        Assert.Null(batch.Tasks[0].Reason);
    }

    [Fact]
    public async Task AnOrganisationThatIsNone_RefusesTheTask()
    {
        SubscriberAnswer person = await Stage.GetAsync<SubscriberAnswer>(Stage.City, $"/subscribers/{await Stage.PersonAsync()}");
        BatchTaskAnswer task = Assert.Single((await _desk.OpenAsync(Revocation(person))).Tasks);
        Assert.Equal("refused", task.State);
        BatchTaskAnswer unknown = Assert.Single((await _desk.OpenAsync(Revocation(person) with { Organization = new string('0', 32) })).Tasks);
        Assert.Equal("refused", unknown.State);
        Assert.Contains("没有该单位", unknown.Reason, StringComparison.Ordinal);
        await RaStage.RefusedAsync(() => _desk.OpenAsync(Revocation(person) with { Organization = null }), Refusal.Malformed);
    }

    /// <summary>A revocation that is through with so many rows before it begins.</summary>
    private async Task<BatchAnswer> BeginAtAsync(SubscriberAnswer organization, long reached)
    {
        RunBatches service = Stage.App.Services.GetServices<IHostedService>().OfType<RunBatches>().Single();
        await service.StopAsync(Token);
        BatchAnswer begun = await Stage.PostAsync<BatchAnswer>(Stage.City, "/batches", Revocation(organization));
        await Stage.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("UPDATE batch_task SET reached = @Reached WHERE batch_id = @Id", new { Reached = reached, Id = Convert.FromHexString(begun.Id) }), Token);
        await service.StartAsync(Token);
        return await _desk.UntilIdleAsync(begun);
    }

    private static string Certificates(string what) =>
        $"SELECT {what} FROM certificate c JOIN subscriber s ON s.subscriber_id = c.subscriber_id WHERE s.organization_id = @Id";

    private static object Of(SubscriberAnswer organization) => new { Id = Convert.FromHexString(organization.Id) };

    private static (long Done, long Refused) CountsOf(BatchAnswer batch)
    {
        BatchTaskAnswer task = Assert.Single(batch.Tasks);
        Assert.Equal(("making", "done"), (task.Kind, task.State));
        return (task.Done, task.Refused);
    }

    private static BatchRequest Renewal(SubscriberAnswer organization) =>
        new() { Kind = "renewal", Region = CaScene.City, Title = "到期更新", WithinDays = 100, Organization = organization.Id, Agent = RaCounter.Agent() };

    private static BatchRequest Revocation(SubscriberAnswer organization) => new()
    {
        Kind = "revocation", Region = CaScene.City, Title = "单位撤销", Organization = organization.Id, RevocationReason = "cessationOfOperation", Agent = RaCounter.Agent(),
    };
}
