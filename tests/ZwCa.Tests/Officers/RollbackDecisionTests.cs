using Microsoft.Data.Sqlite;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;

namespace ZwCa.Tests.Officers;

/// <summary>Yesterday's database is back, and two officers decide whether the log goes on with it.</summary>
public sealed class RollbackDecisionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheHighestTwo_LetTheLogGoOn_AndNobodyElse()
    {
        await using OfficerStory story = await OfficerStory.CreateAsync(DatabaseKind.Sqlite);
        Clerk administrator = await story.BusinessAdministratorAsync();
        using var folder = new TemporaryFolder();
        HsmKey logKey = await story.Hsm.GenerateKeyAsync(new KeyLabel("log"), HsmKeyKind.Sm2, Token);
        var options = new LogOptions { Origin = "zwca/test", Key = logKey.PublicKey!, Anchors = [new Anchor(folder.File("anchor"))], LeaseDuration = TimeSpan.FromMilliseconds(-1) };
        await SequencerOf(story.Database).RunOnceAsync(Token);
        await BackUpAsync(story, folder.File("yesterday.db"));
        await story.EnrollAsync();
        story.Clock.Advance(TimeSpan.FromSeconds(1));
        Checkpoint lost = (await SequencerOf(story.Database).RunOnceAsync(Token)).Signed!;

        // Where nothing was lost there is nothing to decide.
        await using var restored = new Database(new DatabaseOptions { ConnectionString = $"Data Source={folder.File("yesterday.db")};Pooling=False" });
        RollbackDecision decision = DecisionOn(restored);
        Sequencer sequencer = SequencerOf(restored);
        RolledBackLog state = (await sequencer.FindRollbackAsync(Token))!;
        Application application = decision.Draft(state, "数据库损坏，恢复昨日备份");
        await RefusedAsync(Refusal.WrongState, application, story.Super, story.Audit, SequencerOf(story.Database));

        // One person, other roles, another service, another loss, no decision at all.
        await RefusedAsync(Refusal.NotAllowed, application, story.Super, story.Super);
        await RefusedAsync(Refusal.NotAllowed, application, story.Super, administrator);
        await RefusedAsync(Refusal.NotAllowed, application, administrator, story.Audit);
        await RefusedAsync(Refusal.OutOfScope, new RollbackDecision("另一个", restored, DirectoryOf(restored), story.Clock).Draft(state, "恢复"), story.Super, story.Audit);
        await RefusedAsync(Refusal.NotApproved, decision.Draft(state with { KeptSize = state.KeptSize - 1 }, "恢复"), story.Super, story.Audit);
        await RefusedAsync(Refusal.NotApproved, decision.Draft(state with { Abandoned = (await FirstAsync()).Tbs }, "恢复"), story.Super, story.Audit);
        await RefusedAsync(Refusal.Malformed, story.Commands.Draft(OfficerStory.Harmless, RegionCode.Nation, new byte[] { 5, 0 }), story.Super, story.Audit);
        Application other = decision.Draft(state, "另一份");
        RefusalException mixed = await Assert.ThrowsAsync<RefusalException>(() => decision.CarryOutAsync(
            application, story.Sign(story.Super, ApprovalStep.Entry, application), story.Sign(story.Audit, ApprovalStep.Review, other), sequencer, Token));
        Assert.Equal(Refusal.NotApproved, mixed.Kind);
        await Assert.ThrowsAsync<LogRolledBackException>(() => new LogGuard(restored, options).CheckAsync(Token));

        // The two who may.
        Checkpoint broken = await CarryOutAsync(application, story.Audit, story.Super, sequencer);
        LogOverride decided = new AuditVerifier(options.Origin, options.Key).VerifyOverride(lost, broken);
        Assert.Equal(application.Digest, decided.Decision.ToArray());
        await new LogGuard(restored, options).CheckAsync(Token);
        ListedEvent told = Assert.Single(await new EventList(restored).ListAsync(new EventFilter { Action = LogEvents.OverrideAction }, cancellationToken: Token));
        Assert.Equal(story.Super.SerialNumber.ToString(), told.Leaf.Actor.Id);
        await RefusedAsync(Refusal.WrongState, application, story.Super, story.Audit);

        Sequencer SequencerOf(Database database) => new(database, new HsmSigner(story.Hsm, logKey), options, story.Clock);

        OfficerDirectory DirectoryOf(Database database) => new(database, story.Log, story.Issuers, RoleCatalogue.Standard, story.Clock);

        RollbackDecision DecisionOn(Database database) => new(OfficerStory.ServiceName, database, DirectoryOf(database), story.Clock);

        async Task<Checkpoint> FirstAsync() => (await new LogProofs(restored).FindLatestCheckpointAsync(Token))!;

        Task<Checkpoint> CarryOutAsync(Application what, Clerk entry, Clerk review, Sequencer by) => decision.CarryOutAsync(
            what, story.Sign(entry, ApprovalStep.Entry, what), story.Sign(review, ApprovalStep.Review, what), by, Token);

        async Task RefusedAsync(Refusal kind, Application what, Clerk entry, Clerk review, Sequencer? by = null)
        {
            RefusalException refused = await Assert.ThrowsAsync<RefusalException>(() => CarryOutAsync(what, entry, review, by ?? sequencer));
            Assert.Equal(kind, refused.Kind);
        }
    }

    private static async Task BackUpAsync(OfficerStory story, string path)
    {
        await using var source = new SqliteConnection($"{story.Options.ConnectionString};Pooling=False");
        await source.OpenAsync(Token);
        await using SqliteCommand copy = source.CreateCommand();
        copy.CommandText = "VACUUM INTO @Path";
        copy.Parameters.AddWithValue("@Path", path);
        await copy.ExecuteNonQueryAsync(Token);
    }
}
