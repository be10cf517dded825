using System.Net.Http.Headers;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>Proposed by one officer, approved by another, over HTTP; and the registers that come of it.</summary>
public sealed class CommandsApiTests(SharedStage shared) : IClassFixture<SharedStage>
{
    private CaStage Stage => shared.Stage;

    [Fact]
    public async Task ACommandIsSeen_Approved_AndARetryHearsTheSame()
    {
        Application application = Region("350200", CaStage.Province, "厦门市");
        var proposal = RequestId.Create(TimeProvider.System);
        var review = RequestId.Create(TimeProvider.System);
        var entry = new CommandProposal { Application = Der.Encode(application), Approval = Der.Encode(Stage.Sign(Stage.FirstAdministrator, ApprovalStep.Entry, application)) };
        CommandAnswer proposed = await Stage.FirstAdministrator.PostAsync<CommandAnswer>("/commands", entry, proposal);
        Assert.Equal(("proposed", OfficerActions.RegisterRegion, application.EnrollmentId), (proposed.State, proposed.Action, proposed.Id));
        Assert.Equal(Der.Encode(application), proposed.Application);
        Assert.Equal(Stage.FirstAdministrator.SerialNumber.ToString(), proposed.Proposer);
        CommandPage waiting = await Stage.SecondAdministrator.GetAsync<CommandPage>("/commands?state=proposed");
        Assert.Contains(waiting.Commands, each => each.Id == proposed.Id);

        string path = $"/commands/{application.EnrollmentId}/approval";
        var yes = new CommandReview { Approval = Der.Encode(Stage.Sign(Stage.SecondAdministrator, ApprovalStep.Review, application)) };
        Assert.Equal("done", (await Stage.SecondAdministrator.PostAsync<CommandAnswer>(path, yes, review)).State);
        Assert.Equal("done", (await Stage.SecondAdministrator.PostAsync<CommandAnswer>(path, yes, review)).State);
        Assert.Equal("done", (await Stage.FirstAdministrator.PostAsync<CommandAnswer>("/commands", entry, proposal)).State);
        Assert.Contains(await Stage.Stranger.GetAsync<RegionAnswer[]>("/regions"), each => each is { Code: "350200", Name: "厦门市", Parent: CaStage.Province });

        // Under another id it is the same command, which is spent.
        await StageCommands.RefusedAsync(Refusal.Duplicate, () => Stage.ProposeAsync(Stage.FirstAdministrator, application));
        await StageCommands.RefusedAsync(Refusal.WrongState, () => Stage.ApproveAsync(Stage.SecondAdministrator, application));
    }

    [Fact]
    public async Task TwoPersonsDecide_EachForHimself()
    {
        Application application = Region("350300", CaStage.Province, "莆田市");
        await Stage.ProposeAsync(Stage.FirstAdministrator, application);
        await StageCommands.RefusedAsync(Refusal.SecondOfficerRequired, () => Stage.ApproveAsync(Stage.FirstAdministrator, application));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.ApproveAsync(Stage.Entry, application));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.ApproveAsync(Stage.Audit, application));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.Ra.PostAsync<CommandAnswer>(
            $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = Der.Encode(Stage.Sign(Stage.SecondAdministrator, ApprovalStep.Review, application)) }));

        // Somebody else's opinion; one about something else; an old one.
        await StageCommands.RefusedAsync(Refusal.NotApproved, () => Stage.FirstAdministrator.PostAsync<CommandAnswer>(
            $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = Der.Encode(Stage.Sign(Stage.SecondAdministrator, ApprovalStep.Review, application)) }));
        await StageCommands.RefusedAsync(Refusal.NotApproved, () => Stage.SecondAdministrator.PostAsync<CommandAnswer>(
            $"/commands/{application.EnrollmentId}/approval",
            new CommandReview { Approval = Der.Encode(Stage.Sign(Stage.SecondAdministrator, ApprovalStep.Review, Region("350400", CaStage.Province, "三明市"))) }));
        await StageCommands.RefusedAsync(Refusal.NotApproved, () => Stage.SecondAdministrator.PostAsync<CommandAnswer>(
            $"/commands/{application.EnrollmentId}/approval",
            new CommandReview { Approval = Der.Encode(Stage.Sign(Stage.SecondAdministrator, ApprovalStep.Review, application, DateTimeOffset.UtcNow.AddDays(-31))) }));
        await StageCommands.RefusedAsync(Refusal.NotApproved, () => Stage.SecondAdministrator.PostAsync<CommandAnswer>(
            "/commands",
            new CommandProposal { Application = Der.Encode(application), Approval = Der.Encode(Stage.Sign(Stage.FirstAdministrator, ApprovalStep.Entry, application)) }));
        await StageCommands.RefusedAsync(Refusal.NotFound, () => Stage.ApproveAsync(Stage.SecondAdministrator, Region("350400", CaStage.Province, "三明市")));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.FirstAdministrator.GetAsync<CommandAnswer>("/commands/xyz"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.FirstAdministrator.GetAsync<CommandPage>("/commands?state=none"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.FirstAdministrator.GetAsync<CommandPage>("/commands?rows=0"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.FirstAdministrator.PostAsync<CommandAnswer>("/commands", new CommandProposal { Application = [1], Approval = [2] }));

        // No.
        Assert.Equal("rejected", (await Stage.SecondAdministrator.PostAsync<CommandAnswer>($"/commands/{application.EnrollmentId}/rejection", new { })).State);
        await StageCommands.RefusedAsync(Refusal.WrongState, () => Stage.ApproveAsync(Stage.SecondAdministrator, application));
        Application mine = Region("350400", CaStage.Province, "三明市");
        await Stage.ProposeAsync(Stage.FirstAdministrator, mine);
        await StageCommands.RefusedAsync(
            Refusal.NotAllowed, () => Stage.SecondAdministrator.PostAsync<CommandAnswer>($"/commands/{mine.EnrollmentId}/withdrawal", new { }));
        Assert.Equal("withdrawn", (await Stage.FirstAdministrator.PostAsync<CommandAnswer>($"/commands/{mine.EnrollmentId}/withdrawal", new { })).State);
    }

    [Fact]
    public async Task AnRaPassesOnWhatOfficersOfItsRegionPropose_AndSeesThatOnly()
    {
        Application own = Region("350500", CaStage.Province, "泉州市");
        Application other = Region("360100", CaStage.OtherProvince, "南昌市");
        CommandProposal Signed(Application application) =>
            new() { Application = Der.Encode(application), Approval = Der.Encode(Stage.Sign(Stage.FirstAdministrator, ApprovalStep.Entry, application)) };

        Assert.Equal("proposed", (await Stage.Ra.PostAsync<CommandAnswer>("/commands", Signed(own))).State);
        await StageCommands.RefusedAsync(Refusal.OutOfScope, () => Stage.Ra.PostAsync<CommandAnswer>("/commands", Signed(other)));
        await Stage.ProposeAsync(Stage.FirstAdministrator, other);
        await StageCommands.RefusedAsync(Refusal.NotFound, () => Stage.Ra.GetAsync<CommandAnswer>($"/commands/{other.EnrollmentId}"));
        CommandPage page = await Stage.Ra.GetAsync<CommandPage>("/commands");
        Assert.Contains(page.Commands, each => each.Id == own.EnrollmentId);
        Assert.DoesNotContain(page.Commands, each => each.Id == other.EnrollmentId);
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.Ra.PostAsync<CommandAnswer>($"/commands/{own.EnrollmentId}/rejection", new { }));
    }

    [Fact]
    public async Task ProfilesAreActivatedAndRetiredByTwo()
    {
        Profile profile = ProfileCatalogue.Shipped["device-signing-2023"];
        byte[] reference = Der.Encode(new ProfileReference(profile.Name, profile.Hash));
        string nation = RegionCode.Nation.Value;
        await Stage.RefusedAsync(Refusal.WrongState, ProfileActions.Activate, nation, reference);
        await Stage.RefusedAsync(Refusal.OutOfScope, ProfileActions.Retire, CaStage.Province, reference);
        await Stage.RefusedAsync(Refusal.UnknownProfile, ProfileActions.Activate, nation, Der.Encode(new ProfileReference(profile.Name, new byte[32])));
        await Stage.RefusedAsync(Refusal.UnknownProfile, ProfileActions.Activate, nation, Der.Encode(new ProfileReference("tls-server", profile.Hash)));
        await Stage.RefusedAsync(Refusal.WrongState, ProfileActions.Retire, nation, Der.Encode(new ProfileReference(profile.Name, new byte[32])));
        Profile authority = ProfileCatalogue.Shipped["sub-ca"];
        await Stage.RefusedAsync(Refusal.NotAllowed, ProfileActions.Activate, nation, Der.Encode(new ProfileReference(authority.Name, authority.Hash)));

        await Stage.CommandAsync(ProfileActions.Retire, nation, reference);
        Assert.False(await IsActiveAsync());
        await Stage.CommandAsync(ProfileActions.Activate, nation, reference);
        Assert.True(await IsActiveAsync());

        async Task<bool> IsActiveAsync() => (await Stage.Ra.GetAsync<ProfileAnswer[]>("/profiles")).Single(each => each.Name == profile.Name).Active;
    }

    [Fact]
    public async Task WhoCreatesNobody_EnrollsNobody()
    {
        var person = new PersonRequest { Name = "李四", IdNumber = CaStage.NewIdNumber().Reveal() };
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.Entry.PostAsync<PersonAnswer>("/persons", person));
        string byAuditor = (await Stage.Audit.PostAsync<PersonAnswer>("/persons", person)).PersonId;
        Assert.Equal(byAuditor, (await Stage.FirstAdministrator.PostAsync<PersonAnswer>("/persons", person)).PersonId);
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => Stage.Ra.PostAsync<PersonAnswer>("/persons", person));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.Audit.PostAsync<PersonAnswer>("/persons", person with { IdNumber = "1" }));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => Stage.Audit.PostAsync<PersonAnswer>("/persons", person with { Name = " " }));
    }

    [Fact]
    public async Task ADisabledOfficerIsHeardNoMore()
    {
        StageOfficer officer = await Stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County);
        await officer.GetAsync<RegionAnswer[]>("/regions");
        await Stage.ProposeAsync(
            Stage.FirstAdministrator, StageCommands.Command(OfficerActions.Disable, CaStage.County, Der.Encode(new OfficerChange(officer.SerialNumber, "调离岗位"))));
        await StageCommands.RefusedAsync(Refusal.LinkNotTrusted, () => officer.GetAsync<RegionAnswer[]>("/regions"));
    }

    [Fact]
    public async Task EveryAnswerCarriesTheLatestCheckpoint()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/regions");
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
        using HttpResponseMessage response = await Stage.Ra.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("zwca/ca", CheckpointOf(response.Headers).Tbs.Origin);

        // A refusal too.
        using var unknown = new HttpRequestMessage(HttpMethod.Get, "/commands/xyz");
        MessageSigningHandler.SetRequestId(unknown, RequestId.Create(TimeProvider.System));
        using HttpResponseMessage refused = await Stage.Ra.Client.SendAsync(unknown, TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)refused.StatusCode);
        Assert.Equal("zwca/ca", CheckpointOf(refused.Headers).Tbs.Origin);
    }

    private static Application Region(string code, string parent, string name) =>
        StageCommands.Command(OfficerActions.RegisterRegion, code, Der.Encode(new RegionEntry(code, parent, name)));

    private static Checkpoint CheckpointOf(HttpResponseHeaders headers) => Der.Decode<Checkpoint>(Convert.FromBase64String(headers.GetValues(CheckpointHeader.Name).Single()));
}
