using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Crls;
using ZwCa.Data;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A run that stands still while its process lives keeps others waiting for as long as its lease, and its own node for half an hour; when it goes on it changes nothing.</summary>
public sealed class CrlRunsTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RunThatStandsStill_IsTakenOver_ByAnotherNodeAndByItsOwn(DatabaseKind kind)
    {
        await using CrlStory story = await CrlStory.StartAsync(kind, new Dictionary<string, string?> { ["Ca:Crls:Look"] = "01:00:00" });
        using var goOn = new ManualResetEventSlim();
        using var isAtIt = new ManualResetEventSlim();
        CrlRuns own = Create(story, ActivatorUtilities.CreateInstance<MakeCrl>(story.Services, new StuckTime(story.Clock, isAtIt, goOn)));
        using var otherNode = new CrlNode(story.Services.GetRequiredService<CrlOptions>());
        CrlRuns other = Create(story, StaleDataTests.Over(story, story.Stage.Database, otherNode));

        await DueAsync(story);
        long stuckNumber = (await story.LastAsync(story.Scope))!.CrlNumber + 1;
        Task stuck = Task.Run(() => own.RunAsync(Token), Token);
        isAtIt.Wait(Token);

        // Within its lease nobody makes it; after it another node does.
        await other.RunAsync(Token);
        Assert.Equal(stuckNumber, (await story.LastAsync(story.Scope))!.CrlNumber);
        story.Clock.Pass(TimeSpan.FromMinutes(6));
        await own.RunAsync(Token);
        Assert.Equal(stuckNumber, (await story.LastAsync(story.Scope))!.CrlNumber);
        await other.RunAsync(Token);
        await PublishedAsync(stuckNumber + 1);

        // Half an hour later its own node does, too: while it still stands there.
        story.Clock.Pass(TimeSpan.FromMinutes(31));
        await DueAsync(story);
        await own.RunAsync(Token);
        await PublishedAsync(stuckNumber + 2);
        Assert.False(stuck.IsCompleted);

        // It goes on, and gives nothing back that it does not hold.
        byte[] served = story.Served();
        goOn.Set();
        await stuck;
        await story.Stage.PublishAsync();
        Assert.Equal(served, story.Served());
        CrlRow row = (await story.Stage.Database.ReadAsync(transaction => CrlStore.FindNumberAsync(transaction, story.Scope, stuckNumber), Token))!;
        Assert.Equal(CrlState.GivenUp, row.State);
        story.Clock.Pass(TimeSpan.FromSeconds(2));
        await DueAsync(story);
        await own.RunAsync(Token);
        await PublishedAsync(stuckNumber + 3);

        async Task PublishedAsync(long number)
        {
            await story.Stage.PublishAsync();
            CrlRow last = (await story.LastAsync(story.Scope))!;
            Assert.Equal((number, CrlState.Published), (last.CrlNumber, last.State));
        }
    }

    /// <summary>An order that comes while the last one waits to be published is not kept waiting for a lease that nobody uses.</summary>
    [Fact]
    public async Task OneThatWaitsToBePublished_LeavesNoLease()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
        Assert.Null(await story.TryMakeAsync());
        await story.Stage.PublishAsync();
        await story.GoOnAsync();
    }

    private static CrlRuns Create(CrlStory story, MakeCrl making) => ActivatorUtilities.CreateInstance<CrlRuns>(story.Services, making);

    /// <summary>And no other.</summary>
    private static async Task DueAsync(CrlStory story)
    {
        await story.Stage.RawAsync("UPDATE crl_scope SET due_at = @Never", new { Never = story.Clock.GetUtcNow().AddYears(1) });
        await story.Stage.RawAsync("UPDATE crl_scope SET due_at = 0 WHERE authority_id = @Id AND shard = @Shard", new { story.Scope.Authority.Id, story.Scope.Shard });
    }

    /// <summary>Where the first run looks at the clock again after it has begun, it stands still.</summary>
    private sealed class StuckTime(TimeProvider clock, ManualResetEventSlim isAtIt, ManualResetEventSlim goOn) : TimeProvider
    {
        private int _looks;

        public override DateTimeOffset GetUtcNow()
        {
            if (Interlocked.Increment(ref _looks) == 2)
            {
                isAtIt.Set();
                goOn.Wait(Token);
            }

            return clock.GetUtcNow();
        }
    }
}
