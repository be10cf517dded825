using System.Net.Http.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.Ca.Registrations;

/// <summary>What an RA is told of its officers.</summary>
public sealed class RaDirectoryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnRaIsToldOfTheOfficersOfItsRegion_InOfficeOrNot_AndOfNobodyElse(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind);
        await using CaStage stage = await CaStage.StartAsync(new CaSetup { Database = test.Options });
        StageOfficer gone = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.County);
        await DisableAsync(stage, gone, CaStage.County);
        RaParty other = await stage.RaAsync("ra-36", CaStage.OtherProvince);
        long kept = await AnswersAsync(stage);

        DirectoryPage page = await stage.Ra.GetAsync<DirectoryPage>("/directory/officers");
        Assert.Null(page.Next);
        Assert.Equal(
            new[] { stage.Entry, stage.Review, gone }.Select(each => Hex(each.Identity.Person)).Order(),
            page.Officers.Select(each => each.Person).Order());
        DirectoryOfficer entry = Find(page, stage.Entry);
        Person person = (await Persons(stage).FindAsync(stage.Entry.Identity.Person, Token))!;
        Assert.Equal((person.Name.Reveal(), person.IdNumber.Reveal(), true), (entry.Name, entry.IdNumber, entry.Enabled));
        Assert.Equal(Der.Encode(stage.Entry.Certificate), entry.Certificate);
        Assert.Equal(ClientStore.ThumbprintOf(stage.Entry.Link), Assert.Single(entry.Links));
        Assert.InRange(entry.CertifiedUntil, DateTimeOffset.UtcNow.AddDays(364), DateTimeOffset.UtcNow.AddDays(366));
        DirectoryOfficer disabled = Find(page, gone);
        Assert.False(disabled.Enabled);
        Assert.Empty(disabled.Links);

        Assert.Equal(Hex(stage.Stranger.Identity.Person), Assert.Single((await other.GetAsync<DirectoryPage>("/directory/officers")).Officers).Person);
        Assert.Equal(page.Digest, await DigestAsync(stage, stage.Ra));
        Assert.NotEqual(page.Digest, await DigestAsync(stage, other));

        // Page by page it is the same, of one state; and nothing of all that is kept.
        var one = new List<DirectoryOfficer>();
        for (string? after = ""; after is not null;)
        {
            DirectoryPage next = await stage.Ra.GetAsync<DirectoryPage>($"/directory/officers?rows=1{(after.Length > 0 ? $"&after={after}" : "")}");
            Assert.Equal(page.Digest, next.Digest);
            one.AddRange(next.Officers);
            after = next.Next;
        }

        Assert.Equal(page.Officers.Select(each => each.Id), one.Select(each => each.Id));
        await stage.Ra.GetAsync<RegionAnswer[]>("/regions");
        await stage.Review.GetAsync<OfficerPage>("/officers");
        Assert.Equal(kept, await AnswersAsync(stage));
    }

    [Fact]
    public async Task TheDigestChangesWithEachChange_AndElseNever()
    {
        await using CaStage stage = await CaStage.StartAsync();
        byte[] last = await DigestAsync(stage, stage.Ra);
        Assert.Equal(32, last.Length);
        Assert.Equal(last, await DigestAsync(stage, stage.Ra));

        // What happens in another province, and to the nation's officers, is not this RA's.
        StageOfficer stranger = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.OtherProvince);
        await DisableAsync(stage, stranger, CaStage.OtherProvince);
        await stage.OfficerAsync(RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        await stage.DecideAsync(stage.Super, stage.Audit, OfficerActions.RegisterRegion, "360100", Der.Encode(new RegionEntry("360100", CaStage.OtherProvince, "南昌市")));
        Assert.Equal(last, await DigestAsync(stage, stage.Ra));

        StageOfficer officer = null!;
        var clients = (ClientStore)stage.App.Services.GetService(typeof(ClientStore))!;
        string link = "";
        await ChangesAsync("an officer", async () => officer = await stage.OfficerAsync(RoleCatalogue.BusinessOperator, CaStage.City));
        link = ClientStore.ThumbprintOf(officer.Link);
        await ChangesAsync("another link", () => stage.RegisterAsync(Hex(officer.Identity.Person), ClientKind.Officer));
        await ChangesAsync("a link closed", () => clients.DisableAsync(CaStage.Actor, link, Token));
        await ChangesAsync("a link opened", () => clients.EnableAsync(CaStage.Actor, link, Token));
        await ChangesAsync("confirmed again", () => stage.DecideAsync(
            stage.FirstAdministrator, stage.SecondAdministrator, OfficerActions.Recertify, CaStage.City, Der.Encode(new OfficerChange(officer.SerialNumber, "年审"))));
        StageOfficer next = await stage.CertifyAsync(RoleCatalogue.BusinessOperator, CaStage.City, person: officer.Identity.Person);
        await ChangesAsync("another link again", () => Task.CompletedTask);
        await ChangesAsync("another certificate", () => stage.DecideAsync(
            stage.FirstAdministrator,
            stage.SecondAdministrator,
            OfficerActions.ReplaceCertificate,
            CaStage.City,
            Der.Encode(new CertificateReplacement(officer.SerialNumber, next.Certificate))));
        await ChangesAsync("a region", () => stage.DecideAsync(
            stage.Super, stage.Audit, OfficerActions.RegisterRegion, "350200", Der.Encode(new RegionEntry("350200", CaStage.Province, "厦门市"))));
        await ChangesAsync("disabled", () => DisableAsync(stage, next, CaStage.City));
        Assert.False(Find(await stage.Ra.GetAsync<DirectoryPage>("/directory/officers"), officer).Enabled);

        async Task ChangesAsync(string what, Func<Task> change)
        {
            await change();
            byte[] now = await DigestAsync(stage, stage.Ra);
            Assert.False(now.AsSpan().SequenceEqual(last), what);
            Assert.Equal(now, await DigestAsync(stage, stage.Ra));
            last = now;
        }
    }

    [Fact]
    public async Task WhoIsNoRa_OrDisabled_IsToldNothing()
    {
        await using CaStage stage = await CaStage.StartAsync();
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.Review.GetAsync<DirectoryPage>("/directory/officers"));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.FirstAdministrator.GetAsync<DirectoryPage>("/directory/officers"));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.FirstAdministrator.GetAsync<DirectoryDigest>("/directory/digest"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Ra.GetAsync<DirectoryPage>("/directory/officers?rows=501"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Ra.GetAsync<DirectoryPage>("/directory/officers?after=x"));

        // The list needs a signed message, the digest does not; both need the RA to be registered.
        using HttpClient plain = stage.CreateClient(stage.Ra.Link);
        using HttpResponseMessage unsigned = await plain.GetAsync("/directory/officers", Token);
        Assert.False(unsigned.IsSuccessStatusCode);
        await stage.RawAsync("UPDATE registration_authority SET enabled = 0");
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => DigestAsync(stage, stage.Ra));
        await StageCommands.RefusedAsync(Refusal.NotAllowed, () => stage.Ra.GetAsync<DirectoryPage>("/directory/officers"));
    }

    [Fact]
    public async Task APersonWhoseRowDoesNotOpen_TakesNobodyElseOut()
    {
        await using CaStage stage = await CaStage.StartAsync();
        await stage.RawAsync("DROP TRIGGER person_no_update");
        await stage.RawAsync("UPDATE person SET name_sealed = id_number_sealed WHERE person_id = @Id", new { Id = stage.Entry.Identity.Person.ToArray() });

        DirectoryPage page = await stage.Ra.GetAsync<DirectoryPage>("/directory/officers");
        Assert.Null(Find(page, stage.Entry).Name);
        Assert.Null(Find(page, stage.Entry).IdNumber);
        Assert.NotNull(Find(page, stage.Review).IdNumber);
        Assert.DoesNotContain(Find(page, stage.Review).IdNumber!, stage.Logged);
    }

    /// <summary>By the keys and the code of a verifier; what it says of a log is tested elsewhere.</summary>
    [Fact]
    public async Task TheLogProvesThatItHasOnlyGrown()
    {
        await using CaStage stage = await CaStage.StartAsync();
        var proofs = (LogProofs)stage.App.Services.GetService(typeof(LogProofs))!;
        Checkpoint earlier = await LatestAsync(0);
        await stage.IssueAsync();
        Checkpoint later = await LatestAsync(earlier.Tbs.TreeSize);

        ConsistencyAnswer answer = await stage.Ra.GetAsync<ConsistencyAnswer>($"/log/consistency?first={earlier.Tbs.TreeSize}&second={later.Tbs.TreeSize}");
        new AuditVerifier(CaScene.LogOrigin, (await stage.Hsm.FindKeyAsync(new KeyLabel("ca-log"), Token))!.PublicKey!)
            .VerifyConsistency(earlier, later, Der.Decode<ConsistencyProof>(answer.Proof));
        Assert.Equal(0, Der.Decode<Checkpoint>((await stage.Review.GetAsync<EpochAnswer>("/log/epochs/0")).Checkpoint).Tbs.Epoch);
        await StageCommands.RefusedAsync(Refusal.NotFound, () => stage.Ra.GetAsync<EpochAnswer>("/log/epochs/1"));
        await StageCommands.RefusedAsync(Refusal.NotFound, () => stage.Ra.GetAsync<ConsistencyAnswer>("/log/consistency?first=1&second=1000000"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Ra.GetAsync<ConsistencyAnswer>("/log/consistency?first=2&second=1"));
        await StageCommands.RefusedAsync(Refusal.Malformed, () => stage.Ra.GetAsync<ConsistencyAnswer>("/log/consistency?first=-1&second=1"));

        async Task<Checkpoint> LatestAsync(long above)
        {
            Checkpoint? found = null;
            while (found is null || found.Tbs.TreeSize <= above)
            {
                await Task.Delay(50, Token);
                found = await proofs.FindLatestCheckpointAsync(Token);
            }

            return found;
        }
    }

    private static PersonRegistry Persons(CaStage stage) => (PersonRegistry)stage.App.Services.GetService(typeof(PersonRegistry))!;

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    private static DirectoryOfficer Find(DirectoryPage page, StageOfficer officer) => page.Officers.Single(each => each.Person == Hex(officer.Identity.Person));

    private static Task<long> AnswersAsync(CaStage stage) => stage.Database.FindAsync<long>("SELECT COUNT(*) FROM message_answer", cancellationToken: Token);

    private static Task DisableAsync(CaStage stage, StageOfficer officer, string region) => stage.ProposeAsync(
        stage.FirstAdministrator, StageCommands.Command(OfficerActions.Disable, region, Der.Encode(new OfficerChange(officer.SerialNumber, "调离岗位"))));

    private static async Task<byte[]> DigestAsync(CaStage stage, RaParty ra)
    {
        using HttpClient plain = stage.CreateClient(ra.Link);
        using HttpResponseMessage response = await plain.GetAsync("/directory/digest", Token);
        await response.ThrowIfRefusedAsync(Token);
        return (await response.Content.ReadFromJsonAsync<DirectoryDigest>(Token))!.Digest;
    }
}
