using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>An RA's officers are those of the CA's directory.</summary>
public sealed class PullOfficersTests
{
    private static readonly AuditActor Actor = new(AuditActorKind.Job, "test");

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatTheCaDecides_TheRaKnowsAfterTheNextPull(DatabaseKind kind)
    {
        await using CaStage ca = await CaStage.StartAsync();
        StageOfficer gone = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County);
        await DisableAsync(ca, gone, CaStage.County);
        await using RaSide ra = await RaSide.CreateAsync(ca, kind);
        RaNode node = ra.Node();
        Assert.Equal(HealthStatus.Unhealthy, await RaNode.StatusAsync(node.DirectoryHealth));

        // Persons by the CA's ids, their numbers by this RA's own index; the officers in office; their links.
        Assert.True(await node.PullAsync());
        Officer entry = (await ra.FindAsync(ca.Entry))!;
        entry.RequireStanding(DateTimeOffset.UtcNow);
        Assert.True(entry.PersonId.Span.SequenceEqual(ca.Entry.Identity.Person.Span));
        Person atCa = (await ca.App.Services.GetRequiredService<PersonRegistry>().FindAsync(ca.Entry.Identity.Person, Token))!;
        Assert.True((await ra.Persons.FindAsync(atCa.IdNumber, Token))!.Id.Span.SequenceEqual(ca.Entry.Identity.Person.Span));
        Assert.NotNull(await ra.FindAsync(ca.Review));
        Assert.Null(await ra.FindAsync(gone));
        Assert.Null(await ra.FindAsync(ca.Stranger));
        Assert.Null(await ra.FindAsync(ca.Super));
        Assert.Null(await ra.FindAsync(ca.FirstAdministrator));
        Assert.Equal(["000000", CaStage.Province, CaStage.City, CaStage.County], await ra.Database.QueryAsync<string>("SELECT code FROM region ORDER BY code", cancellationToken: Token));
        Assert.Equal(2, await LinksAsync(ra));
        Assert.True(await IsHeardAsync(ra, ca.Entry));
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.DirectoryHealth));

        // Without news nothing is done, by whichever node.
        IReadOnlyList<string> actions = await ra.ActionsAsync();
        Assert.False(await node.PullAsync());
        Assert.False(await ra.Node().PullAsync());
        Assert.Equal(actions, await ra.ActionsAsync());

        // Everything that can become of an officer, and somebody new.
        var clients = ca.App.Services.GetRequiredService<ClientStore>();
        await clients.DisableAsync(CaStage.Actor, ClientStore.ThumbprintOf(ca.Entry.Link), Token);
        await ca.DecideAsync(
            ca.FirstAdministrator, ca.SecondAdministrator, OfficerActions.Recertify, CaStage.City, Der.Encode(new OfficerChange(ca.Entry.SerialNumber, "年审")));
        StageOfficer next = await ca.CertifyAsync(RoleCatalogue.BusinessOperator, CaStage.Province, person: ca.Review.Identity.Person);
        await ca.DecideAsync(
            ca.FirstAdministrator, ca.SecondAdministrator, OfficerActions.ReplaceCertificate, CaStage.Province,
            Der.Encode(new CertificateReplacement(ca.Review.SerialNumber, next.Certificate)));
        await ca.DecideAsync(ca.Super, ca.Audit, OfficerActions.RegisterRegion, "350200", Der.Encode(new RegionEntry("350200", CaStage.Province, "厦门市")));
        StageOfficer added = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, "350200");
        Assert.True(await node.PullAsync());
        Assert.False(await IsHeardAsync(ra, ca.Entry));
        Assert.True((await ra.FindAsync(ca.Entry))!.CertifiedUntil > entry.CertifiedUntil);
        Assert.Null(await ra.FindAsync(ca.Review));
        Assert.True((await ra.FindAsync(next))!.Enabled);
        Assert.True(await IsHeardAsync(ra, next));
        Assert.Equal("350200", (await ra.FindAsync(added))!.Region.Value);

        // A link that is opened again; an officer who goes, and comes back in another office.
        await clients.EnableAsync(CaStage.Actor, ClientStore.ThumbprintOf(ca.Entry.Link), Token);
        await DisableAsync(ca, added, "350200");
        StageOfficer back = await ca.CertifyAsync(RoleCatalogue.BusinessOperator, CaStage.City, person: added.Identity.Person);
        await ca.DecideAsync(ca.FirstAdministrator, ca.SecondAdministrator, OfficerActions.Create, CaStage.City, Der.Encode(back.Certificate));
        Assert.True(await node.PullAsync());
        Assert.True(await IsHeardAsync(ra, ca.Entry));
        Assert.False((await ra.FindAsync(added))!.Enabled);
        Assert.False(await IsHeardAsync(ra, added));
        Assert.True((await ra.FindAsync(back))!.Enabled);
        Assert.True(await IsHeardAsync(ra, back));
        Assert.False(await node.PullAsync());
        Assert.Equal(0, node.Officers.Skipped);
    }

    [Fact]
    public async Task OneOfficerWhoDoesNotHold_HoldsNobodyElseUp()
    {
        await using CaStage ca = await CaStage.StartAsync();
        StageOfficer numbered = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County, "欧阳修");
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        await using RaSide ra = await RaSide.CreateAsync(ca, time: clock);
        RaNode node = ra.Node();

        // The certificate of one has been exchanged at the CA; the number of another is somebody else's here.
        byte[] right = Der.Encode(ca.Entry.Certificate);
        await ca.RawAsync("UPDATE officer SET certificate = @Der WHERE certificate_serial = @Serial", new { Der = Der.Encode(ca.Hierarchy.Sub.Certificate!), Serial = ca.Entry.SerialNumber.ToString() });
        IdNumber number = (await ca.App.Services.GetRequiredService<PersonRegistry>().FindAsync(numbered.Identity.Person, Token))!.IdNumber;
        await ra.Persons.EnrollAsync(number, PersonName.Parse("另一人"), Actor, new byte[16], Token);

        Assert.True(await node.PullAsync());
        Assert.True((await ra.FindAsync(ca.Review))!.Enabled);
        Assert.True(await IsHeardAsync(ra, ca.Review));
        Assert.Null(await ra.FindAsync(ca.Entry));
        Assert.Null(await ra.FindAsync(numbered));
        Assert.Equal(1, await LinksAsync(ra));
        Assert.Equal(2, node.Officers.Skipped);
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.DirectoryHealth));
        Assert.Equal(2, node.OfficerLines.All.Count(line => line.StartsWith("Error", StringComparison.Ordinal)));
        Assert.DoesNotContain(node.OfficerLines.All, line => line.Contains(number.Reveal(), StringComparison.Ordinal) || line.Contains("欧阳", StringComparison.Ordinal));

        // The CA's rows say the same as before when they are right again: it is tried again by itself, not at each look.
        await ca.RawAsync("UPDATE officer SET certificate = @Der WHERE certificate_serial = @Serial", new { Der = right, Serial = ca.Entry.SerialNumber.ToString() });
        Assert.False(await node.PullAsync());
        Assert.Null(await ra.FindAsync(ca.Entry));
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.True(await node.PullAsync());
        Assert.True((await ra.FindAsync(ca.Entry))!.Enabled);
        Assert.Equal(1, node.Officers.Skipped);

        // A node that finds all in order forgets it, whoever has put it in order.
        await ra.RawAsync("DROP TRIGGER person_no_delete");
        await ra.RawAsync("DELETE FROM person WHERE person_id = @Id", new { Id = new byte[16] });
        Assert.True(await ra.Node().PullAsync());
        Assert.False(await node.PullAsync());
        Assert.Equal(0, node.Officers.Skipped);
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.DirectoryHealth));
    }

    [Fact]
    public async Task APullThatBreaksOff_IsBegunAnew()
    {
        await using CaStage ca = await CaStage.StartAsync();
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        await using RaSide ra = await RaSide.CreateAsync(ca, time: clock);
        RaNode broken = ra.Node(handler: inner => new ChangedAnswers(inner, (request, response) => request.RequestUri!.ToString().Contains("/regions", StringComparison.Ordinal)
            ? throw new HttpRequestException("The line is cut.")
            : Task.FromResult(response)));
        RefusalException away = await Assert.ThrowsAsync<RefusalException>(() => broken.PullAsync());
        Assert.Equal(Refusal.Unavailable, away.Kind);
        Assert.Equal(HealthStatus.Unhealthy, await RaNode.StatusAsync(broken.DirectoryHealth));

        RaNode node = ra.Node();
        Assert.True(await node.PullAsync());
        Assert.NotNull(await ra.FindAsync(ca.Entry));
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.DirectoryHealth));

        // Later ones too, and it shows when nobody has heard the CA for a while.
        StageOfficer added = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.City);
        await Assert.ThrowsAsync<RefusalException>(() => broken.PullAsync());
        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(HealthStatus.Healthy, await RaNode.StatusAsync(node.DirectoryHealth));
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.DirectoryHealth));
        clock.Advance(TimeSpan.FromMinutes(-6));
        Assert.True(await node.PullAsync());
        Assert.NotNull(await ra.FindAsync(added));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhoBeganEarlier_WritesNothingAnyMore(DatabaseKind kind)
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca, kind);
        await ra.Node().PullAsync();
        StageOfficer added = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.City);

        // The slow node has read that he is in office; meanwhile he is disabled, and the other node has heard.
        RaNode quick = ra.Node();
        RaNode slow = ra.Node(handler: inner => new ChangedAnswers(inner, async (request, response) =>
        {
            if (request.RequestUri!.ToString().Contains("/regions", StringComparison.Ordinal))
            {
                await DisableAsync(ca, added, CaStage.City);
                Assert.True(await quick.PullAsync());
            }

            return response;
        }));
        Assert.False(await slow.PullAsync());
        Assert.Null(await ra.FindAsync(added));
        Assert.False(await IsHeardAsync(ra, added));
        Assert.False(await quick.PullAsync());
        Assert.Contains(slow.OfficerLines.All, line => line.Contains("Another node", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SeveralNodesAtOnce_ComeToTheSame(DatabaseKind kind)
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca, kind);
        RaNode[] nodes = [ra.Node(), ra.Node(), ra.Node()];
        bool[] pulled;
        int rounds = 0;
        do
        {
            pulled = await Task.WhenAll(nodes.Select(each => each.PullAsync()));
            Assert.InRange(rounds++, 0, 10);
        }
        while (pulled.Any(each => each));
        Assert.True((await ra.FindAsync(ca.Entry))!.Enabled);
        Assert.True((await ra.FindAsync(ca.Review))!.Enabled);
        Assert.Equal(2, await LinksAsync(ra));
        Assert.Equal(2, (await ra.ActionsAsync()).Count(each => each == OfficerActions.Create));
        Assert.All(nodes, each => Assert.Equal(0, each.Officers.Skipped));
    }

    [Fact]
    public async Task WhomTheDirectoryHasLost_StaysInOfficeUnheard_AndAPersonIsTold()
    {
        await using CaStage ca = await CaStage.StartAsync();
        await using RaSide ra = await RaSide.CreateAsync(ca);
        RaNode node = ra.Node();
        await node.PullAsync();
        await ca.RawAsync("UPDATE officer SET region = @Region WHERE certificate_serial = @Serial", new { Region = CaStage.OtherProvince, Serial = ca.Entry.SerialNumber.ToString() });

        Assert.True(await node.PullAsync());
        Assert.True((await ra.FindAsync(ca.Entry))!.Enabled);
        Assert.False(await IsHeardAsync(ra, ca.Entry));
        Assert.True(await IsHeardAsync(ra, ca.Review));
        Assert.Equal(HealthStatus.Degraded, await RaNode.StatusAsync(node.DirectoryHealth));
    }

    private static Task DisableAsync(CaStage ca, StageOfficer officer, string region) => ca.ProposeAsync(
        ca.FirstAdministrator, StageCommands.Command(OfficerActions.Disable, region, Der.Encode(new OfficerChange(officer.SerialNumber, "调离岗位"))));

    private static Task<long> LinksAsync(RaSide ra) => ra.Database.FindAsync<long>("SELECT COUNT(*) FROM registered_client WHERE enabled = 1", cancellationToken: Token);

    private static async Task<bool> IsHeardAsync(RaSide ra, StageOfficer officer) =>
        await new ClientStore(ra.Database, ra.Log, TimeProvider.System).FindAsync(ClientStore.ThumbprintOf(officer.Link), Token) is { Enabled: true, Kind: ClientKind.Officer } link
        && link.Name == Convert.ToHexStringLower(officer.Identity.Person.Span);
}
