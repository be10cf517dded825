using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Registrations;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>What officers propose at the RA is decided at the CA; all through both services.</summary>
public sealed class ForwardedCommandsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AProposalMadeAtTheRa_IsApprovedAtTheCa()
    {
        await using CaStage ca = await CaStage.StartAsync();
        StageOfficer proposer = await ca.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaStage.Province);
        StageOfficer approver = await ca.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaStage.Province);
        StageOfficer county = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County);
        await using RaHost ra = await RaHost.StartAsync(ca);
        HttpClient client = ra.Client(proposer);
        await UntilKnownAsync(client);

        // Proposed; the same message again is the same command, and only its id is kept here.
        Application application = Recertify(ca.Entry);
        CommandProposal proposal = Propose(ca, proposer, application);
        var id = RequestId.Create(TimeProvider.System);
        CommandAnswer proposed = await SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, id);
        Assert.Equal((application.EnrollmentId, "proposed"), (proposed.Id, proposed.State));
        Assert.Equal(proposed.Id, (await SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, id)).Id);
        Database database = ra.App.Services.GetRequiredService<Database>();
        Assert.Equal(
            application.EnrollmentId, await database.FindAsync<string>("SELECT row_reference FROM message_answer WHERE body IS NULL AND state = 2", cancellationToken: Token));
        Assert.Equal(1, await ca.Database.FindAsync<long>("SELECT COUNT(*) FROM officer_command WHERE command_id = @Id", new { Id = Convert.FromHexString(application.EnrollmentId) }, Token));

        // Seen by those of the region, and only by them.
        Assert.Equal("proposed", (await GetAsync<CommandAnswer>(client, $"/commands/{application.EnrollmentId}")).State);
        Assert.Contains((await GetAsync<CommandPage>(client, "/commands?state=proposed&rows=500")).Commands, each => each.Id == application.EnrollmentId);
        Assert.Contains((await GetAsync<CommandPage>(ra.Client(ca.Entry), "/commands?rows=500")).Commands, each => each.Id == application.EnrollmentId);
        Assert.Empty((await GetAsync<CommandPage>(ra.Client(county), "/commands?rows=500")).Commands);
        await StageCommands.RefusedAsync(Refusal.NotFound, () => GetAsync<CommandAnswer>(ra.Client(county), $"/commands/{application.EnrollmentId}"));
        await StageCommands.RefusedAsync(Refusal.NotFound, () => GetAsync<CommandAnswer>(client, "/commands/00000000000000000000000000000000"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => GetAsync<CommandAnswer>(client, "/commands/..%2Fofficers"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => GetAsync<CommandPage>(client, "/commands?state=x%26rows=1"));

        // Approved there, and shown here; the message that is sent again is answered by what it is now.
        Assert.Equal("done", (await ca.ApproveAsync(approver, application)).State);
        Assert.Equal("done", (await GetAsync<CommandAnswer>(client, $"/commands/{application.EnrollmentId}")).State);
        Assert.Equal("done", (await SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, id)).State);

        // The RA's own officers, masked, and the regions; and all that it watches is in order.
        Assert.Equal(5, (await GetAsync<OfficerPage>(client, "/officers")).Officers.Count);
        HealthReport health = await ra.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal(
            [("ca-log", HealthStatus.Healthy), ("directory", HealthStatus.Healthy), ("inclusion", HealthStatus.Healthy)],
            health.Entries.Where(each => each.Key is "ca-log" or "directory" or "inclusion").Select(each => (each.Key, each.Value.Status)).Order());
    }

    [Fact]
    public async Task WhatIsNotTheSendersOwn_IsRefusedHere_AndTheCasRefusalReachesTheOfficer()
    {
        await using CaStage ca = await CaStage.StartAsync();
        StageOfficer proposer = await ca.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaStage.Province);
        await using RaHost ra = await RaHost.StartAsync(ca);
        HttpClient client = ra.Client(proposer);
        await UntilKnownAsync(client);

        CommandProposal proposal = Propose(ca, proposer, Recertify(ca.Entry));
        await StageCommands.RefusedAsync(Refusal.NotApproved, () => PostAsync(ra.Client(ca.Review), proposal));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => PostAsync(client, proposal with { Application = [5, 0] }));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => PostAsync(client, proposal with { Approval = [5, 0] }));

        // The CA's words: an operator proposes no officers; a command of another province.
        RefusalException here = await Assert.ThrowsAsync<RefusalException>(() => PostAsync(ra.Client(ca.Review), Propose(ca, ca.Review, Recertify(ca.Entry))));
        RefusalException there = await Assert.ThrowsAsync<RefusalException>(() => ca.ProposeAsync(ca.Review, Recertify(ca.Entry)));
        Assert.Equal((there.Kind, there.Message), (here.Kind, here.Message));
        Application elsewhere = StageCommands.Command(OfficerActions.Recertify, CaStage.OtherProvince, Der.Encode(new OfficerChange(ca.Stranger.SerialNumber, "年审")));
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => PostAsync(client, Propose(ca, proposer, elsewhere)));

        // That the CA does not hear this RA is no answer to the officer: the same message is taken when it does.
        var clients = ca.App.Services.GetRequiredService<ClientStore>();
        var id = RequestId.Create(TimeProvider.System);
        await clients.DisableAsync(CaStage.Actor, ra.Thumbprint, Token);
        await StageCommands.RefusedAsync(Refusal.Unavailable, () => SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, id));
        await clients.EnableAsync(CaStage.Actor, ra.Thumbprint, Token);
        Assert.Equal("proposed", (await SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, id)).State);

        // Who is disabled at the CA is out here after the next pull.
        await ca.ProposeAsync(
            ca.Super, StageCommands.Command(OfficerActions.Disable, CaStage.Province, Der.Encode(new OfficerChange(proposer.SerialNumber, "调离岗位"))));
        RefusalException? refused = null;
        for (int i = 0; i < 300 && refused is null; i++)
        {
            await Task.Delay(100, Token);
            refused = await Record.ExceptionAsync(() => GetAsync<RegionAnswer[]>(client, "/regions")) as RefusalException;
        }

        Assert.True(refused?.Kind is Refusal.LinkNotTrusted or Refusal.NotAllowed);
    }

    private static Application Recertify(StageOfficer officer) =>
        StageCommands.Command(OfficerActions.Recertify, officer.Identity.Region, Der.Encode(new OfficerChange(officer.SerialNumber, "年审")));

    private static CommandProposal Propose(CaStage ca, StageOfficer officer, Application application) => new()
    {
        Application = Der.Encode(application),
        Approval = Der.Encode(ca.Sign(officer, ApprovalStep.Entry, application)),
    };

    private static Task<CommandAnswer> PostAsync(HttpClient client, CommandProposal proposal) => SignedCalls.SendAsync<CommandAnswer>(client, HttpMethod.Post, "/commands", proposal, null);

    private static Task<T> GetAsync<T>(HttpClient client, string path) => SignedCalls.SendAsync<T>(client, HttpMethod.Get, path, null, null);

    /// <summary>Until the RA has pulled, by itself.</summary>
    private static async Task UntilKnownAsync(HttpClient client)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                await GetAsync<RegionAnswer[]>(client, "/regions");
                return;
            }
            catch (RefusalException e) when (e.Kind is Refusal.LinkNotTrusted or Refusal.BadSignature && i < 300)
            {
                await Task.Delay(100, Token);
            }
        }
    }
}
