using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>Relying parties have a CRL of days that the database has lost: what two officers have ordered about it, and what is asked of them then.</summary>
public sealed class AdoptionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACrlOfDaysThatWereLost_IsAdoptedByOrder_AndWhatWasRevokedThenHasToBeRevokedAgain()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:Look"] = "01:00:00" });
        await StaleDataTests.SettleAsync(story);
        byte[] lost = await LoseDaysAsync(story, folder.File("lost.db"));

        // The database knows nothing of it: nothing is put in its place, and none passes.
        await story.RefusedAsync("is not number 1, which was published, but number 3 of the CA");
        await story.ReadyAsync("unhealthy", "has number 3, of which this database knows nothing");
        AdoptCrl adoption = story.Services.GetRequiredService<AdoptCrl>();

        // Without an order, with one about another file or CRL, and by one officer, it stays so.
        CaStage stage = story.Stage;
        byte[] issuer = story.Scope.Authority.Issuer.KeyIdentifier.ToArray();
        await stage.RefusedAsync(Refusal.NotFound, CrlActions.Adopt, RegionCode.Nation.Value, Der.Encode(new CrlAdoption(new byte[20], "all", Sm3.HashData(lost))));
        await stage.RefusedAsync(Refusal.NotFound, CrlActions.Adopt, RegionCode.Nation.Value, Der.Encode(new CrlAdoption(issuer, "32-77", Sm3.HashData(lost))));
        await stage.CommandAsync(CrlActions.Adopt, RegionCode.Nation.Value, Der.Encode(new CrlAdoption(issuer, CrlScope.Complete, new byte[32])));
        byte[] order = Der.Encode(new CrlAdoption(issuer, CrlScope.Complete, Sm3.HashData(lost)));
        Application application = StageCommands.Command(CrlActions.Adopt, RegionCode.Nation.Value, order);
        await stage.ProposeAsync(stage.FirstAdministrator, application);
        await StaleDataTests.SettleAsync(story);
        await adoption.RunAsync(Token);
        Assert.Equal(1, (await PublishedAsync(story)).CrlNumber);

        // Two have: it is the last one, to the byte; what was begun meanwhile is not in the way, nor is a number that was spent on one that never left.
        await stage.ApproveAsync(stage.SecondAdministrator, application);
        await StaleDataTests.SettleAsync(story);
        await story.RefusedAsync("but number 3 of the CA");
        Assert.Equal(3, (await story.LastAsync(story.Scope))!.CrlNumber);
        await adoption.RunAsync(Token);
        CrlRow adopted = await PublishedAsync(story);
        Assert.Equal((3, lost.Length, 3), (adopted.CrlNumber, (int)adopted.Length!.Value, (int)adopted.Entries!.Value));
        Assert.Equal(Sm3.HashData(lost), adopted.Hash);
        Assert.Single(await story.LeavesAsync(AdoptCrl.AdoptAction));
        await stage.PublishAsync();
        await adoption.RunAsync(Token);
        Assert.Single(await story.LeavesAsync(AdoptCrl.AdoptAction));
        Assert.Equal(lost, story.Served());

        // The next one lacks what was revoked in those days: it says which, and waits for the officers.
        await story.RefusedAsync($"{story.Valid.Serial} vanished");
        Assert.Contains($"The entry of {story.Held.Serial} was", (await story.LastAsync(story.Scope))!.Detail, StringComparison.Ordinal);
        await stage.ChangeAsync(story.Valid, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await stage.ChangeAsync(story.Held, DecisionKind.Revoke, RevocationReason.Superseded);
        await StaleDataTests.SettleAsync(story);

        // As something else than it was is not the same.
        await story.RefusedAsync($"The entry of {story.Held.Serial} was");
        Assert.DoesNotContain(story.Valid.Serial, (await story.LastAsync(story.Scope))!.Detail, StringComparison.Ordinal);
        await stage.RawAsync("UPDATE revocation SET reason = 1 WHERE serial = @Serial", new { story.Held.Serial });
        await story.RefusedAsync($"The entry of {story.Held.Serial} ");
    }

    [Fact]
    public async Task AllRevokedAgain_TheNextLeaves_AndItsDatesAreFixedFromThenOn()
    {
        using var folder = new TemporaryFolder();
        await using CrlStory story = await CrlStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:Look"] = "01:00:00" });
        await StaleDataTests.SettleAsync(story);
        byte[] lost = await LoseDaysAsync(story, folder.File("lost.db"));
        await story.Stage.CommandAsync(
            CrlActions.Adopt, RegionCode.Nation.Value, Der.Encode(new CrlAdoption(story.Scope.Authority.Issuer.KeyIdentifier, CrlScope.Complete, Sm3.HashData(lost))));
        await StaleDataTests.SettleAsync(story);
        await story.Services.GetRequiredService<CrlRuns>().RunAsync(Token);
        Assert.Equal(3, (await PublishedAsync(story)).CrlNumber);

        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await story.Stage.ChangeAsync(story.Held, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await StaleDataTests.SettleAsync(story);
        await story.HealedAsync();
        Assert.Equal(
            [.. new[] { story.Revoked.Serial, story.Held.Serial, story.Valid.Serial }.Order()], story.Entries().Where(each => each.Value == RevocationReason.KeyCompromise).Select(each => each.Key).Order());
        Assert.True((await PublishedAsync(story)).CrlNumber > 3);

        await story.Stage.RawAsync("UPDATE revocation SET revoked_at = revoked_at + 5000 WHERE serial = @Serial", new { story.Valid.Serial });
        await story.RefusedAsync("and would be");
    }

    /// <summary>Two CRLs of a database that goes on beside this one, and is gone then: on the last are one that was valid, and one that was held, revoked.</summary>
    /// <returns>What relying parties have.</returns>
    private static async Task<byte[]> LoseDaysAsync(CrlStory story, string path)
    {
        await StaleDataTests.CopyAsync(story, path);
        await using var days = new Database(new DatabaseOptions { ConnectionString = $"Data Source={path};Pooling=False" });
        using var node = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        MakeCrl making = StaleDataTests.Over(story, days, node);
        PublishCrls publication = ActivatorUtilities.CreateInstance<PublishCrls>(
            story.Services, days, ActivatorUtilities.CreateInstance<CrlScopes>(story.Services, days), ActivatorUtilities.CreateInstance<PutCrl>(story.Services, days));
        await days.WriteAsync(
            async transaction =>
            {
                await transaction.ExecuteAsync(
                    """
                    INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, not_after)
                    SELECT authority_id, shard, serial, 1, changed_at, not_after FROM certificate WHERE serial = @Serial
                    """,
                    new { story.Valid.Serial });
                await transaction.ExecuteAsync("UPDATE revocation SET reason = 1 WHERE serial = @Serial", new { story.Held.Serial });
                await transaction.ExecuteAsync("UPDATE certificate SET state = 3 WHERE serial IN (@Valid, @Held)", new { Valid = story.Valid.Serial, Held = story.Held.Serial });
            },
            Token);
        for (int number = 2; number <= 3; number++)
        {
            story.Clock.Pass(TimeSpan.FromSeconds(2));
            await days.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE crl_scope SET due_at = 0"), Token);
            CrlRow row = (await making.RunAsync(story.Scope, Token))!;
            Assert.True(row.State == CrlState.Judged, row.Detail);
            await publication.RunAsync(Token);
        }

        Assert.Equal(3, story.Entries().Count);
        return story.Served();
    }

    private static async Task<CrlRow> PublishedAsync(CrlStory story) => (await story.Stage.Database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, story.Scope), Token))!;
}
