using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Crls;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>What the log says and no CRL has shown yet: two CRLs tell nothing of it, and the gate asks the log.</summary>
public sealed class CrlEvidenceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Losses => new()
    {
        { "DELETE FROM revocation WHERE serial = @Serial", "is missing, and leaf" },
        { "UPDATE revocation SET reason = 4 WHERE serial = @Serial", "of the log says certificate.revoke" },
        { "UPDATE revocation SET revoked_at = revoked_at - 5000 WHERE serial = @Serial", "of the log says certificate.revoke" },
        { "UPDATE revocation SET invalid_from = 86400000 WHERE serial = @Serial", "of the log says certificate.revoke" },
        { "UPDATE revocation SET not_after = 1000 WHERE serial = @Serial", "is missing, and leaf" },
    };

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task ARevocationThatIsLost_BeforeAnyCrlHadIt_IsNoticed(string sql, string because)
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CrlScope partition = story.Stage.ScopeOf(story.Valid);
        await story.GoOnAsync(partition);
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        await StaleDataTests.SettleAsync(story);
        await story.KeepAsync();

        await story.Stage.RawAsync(sql, new { story.Valid.Serial });
        await story.RefusedAsync(because);
        Assert.Equal(CrlState.Refused, (await story.TryMakeAsync(partition))!.State);

        await story.PutBackAsync();
        await story.GoOnAsync(partition);
        await story.HealedAsync();
        Assert.Equal(RevocationReason.KeyCompromise, story.Entries(partition)[story.Valid.Serial]);
    }

    [Fact]
    public async Task AHoldThatIsLost_BeforeAnyCrlHadIt_IsNoticed_AndOneThatWasResumedIsNot()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Suspend);
        await StaleDataTests.SettleAsync(story);
        await story.KeepAsync();
        await story.Stage.RawAsync("DELETE FROM revocation WHERE serial = @Serial", new { story.Valid.Serial });
        await story.Stage.RawAsync("UPDATE certificate SET state = 2, state_version = state_version + 1 WHERE serial = @Serial", new { story.Valid.Serial });
        await story.RefusedAsync("of the log says certificate.suspend");

        await story.PutBackAsync();
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Resume);
        await story.HealedAsync();
        Assert.DoesNotContain(story.Valid.Serial, story.Entries().Keys);
    }

    /// <summary>Held, then revoked, before any CRL: the last word counts.</summary>
    [Fact]
    public async Task WhatChangedTwiceBetweenTwoCrls_LeavesAsItIsNow()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Suspend);
        await StaleDataTests.SettleAsync(story);
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke, RevocationReason.Superseded);
        await story.HealedAsync();
        Assert.Equal(RevocationReason.Superseded, story.Entries()[story.Valid.Serial]);
        await StaleDataTests.SettleAsync(story);
        await story.HealedAsync();
    }

    /// <summary>More reasons than a text of the log has room for.</summary>
    [Fact]
    public async Task ManyThatVanish_AreToldOf()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        for (int i = 0; i < 8; i++)
        {
            await story.Stage.ChangeAsync(await story.IssueAsync(), DecisionKind.Revoke);
        }

        await story.HealedAsync();
        await story.KeepAsync();
        await story.Stage.RawAsync("DELETE FROM revocation");
        await story.RefusedAsync("vanished");
        CrlRow row = (await story.LastAsync(story.Scope))!;
        Assert.Equal(CrlState.Refused, row.State);
        Assert.True(row.Detail!.Length > 256, row.Detail);
        await story.PutBackAsync();
        await story.HealedAsync();
    }

    /// <summary>The node that revoked it was an hour ahead: nobody waits for that hour.</summary>
    [Fact]
    public async Task ARevocationOfTheFuture_IsOnTheNextCrl_AndItsDateMayComeNearer()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        story.Clock.Set(TimeSpan.FromMinutes(2));
        await story.Stage.ChangeAsync(story.Valid, DecisionKind.Revoke, RevocationReason.KeyCompromise);
        story.Clock.Set(TimeSpan.FromMinutes(-2));
        foreach (int _ in Enumerable.Range(0, 3))
        {
            await story.HealedAsync();
            Assert.Equal(RevocationReason.KeyCompromise, story.Entries()[story.Valid.Serial]);
            await StaleDataTests.SettleAsync(story);
        }
    }

    /// <summary>The service was away for longer than its CRLs were valid, or was started with a wrong clock: two officers say which.</summary>
    [Fact]
    public async Task AfterTheLastOneHasEnded_OneLeaves_WhenOfficersHaveOrderedIt()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        await StaleDataTests.SettleAsync(story);
        story.Clock.Pass(TimeSpan.FromDays(8));
        byte[] served = story.Served();
        CrlRow refused = (await story.TryMakeAsync())!;
        Assert.Equal(CrlState.Refused, refused.State);
        Assert.Contains("was the service away for so long, or is its clock wrong?", refused.Detail, StringComparison.Ordinal);
        await story.Stage.PublishAsync();
        Assert.Equal(served, story.Served());

        await story.OrderAsync();
        await story.GoOnAsync();
        story.Clock.Pass(TimeSpan.FromDays(1));
        await story.GoOnAsync();
    }

    [Fact]
    public async Task AClockThatIsAhead_PutsNothingOff()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        MakeCrl making = story.Services.GetRequiredService<MakeCrl>();
        await making.RunDueAsync(Token);
        await story.Stage.PublishAsync();
        IReadOnlyList<long> due = await DueAsync(story);
        long begun = await BegunAsync(story);

        story.Clock.Set(TimeSpan.FromDays(365));
        await making.RunDueAsync(Token);
        Assert.Equal(due, await DueAsync(story));
        Assert.Equal(begun, await BegunAsync(story));

        // What a node did before it noticed: put off until next year.
        story.Clock.Set(TimeSpan.FromDays(-365));
        await story.Stage.RawAsync("UPDATE crl_scope SET due_at = due_at + 31536000000");
        story.Clock.Pass(TimeSpan.FromSeconds(2));
        await making.RunDueAsync(Token);
        Assert.Equal(begun + due.Count, await BegunAsync(story));
        Assert.All(await DueAsync(story), at => Assert.InRange(at, story.Clock.GetUtcNow().ToUnixTimeMilliseconds(), story.Clock.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds()));
    }

    private static async Task<IReadOnlyList<long>> DueAsync(CrlStory story) =>
        await story.Stage.Database.QueryAsync<long>("SELECT due_at FROM crl_scope ORDER BY authority_id, shard", cancellationToken: Token);

    private static Task<long> BegunAsync(CrlStory story) => story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl", cancellationToken: Token);
}
