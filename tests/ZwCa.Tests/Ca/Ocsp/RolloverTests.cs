using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Ocsp;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;
using ResponderCopy = ZwCa.Ocsp.Feed.FeedCopy;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>One key of the feed follows another, and responders, which are the judges here, follow it.</summary>
public sealed class RolloverTests
{
    private const string NextKey = "ca-feed-2";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task Before_Across_After_AResponderFollows_ByTheOldPin(DatabaseKind kind)
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync(kind);
        FeedKey next = await MakeAsync(story, NextKey);
        using OtherNode old = await OtherNode.StartAsync(story, new FeedKeys(story.Key, null));
        using OtherNode rolling = await OtherNode.StartAsync(story, new FeedKeys(story.Key, next));
        using OtherNode renamed = await OtherNode.StartAsync(story, new FeedKeys(next, null));
        await old.TellAsync();
        ResponderCopy responder = Open(folder, "responder", story.Key.PublicKey);
        await PullAsync(story, responder, old);
        Assert.True(responder.IsComplete);

        // Across: a node that has not read the segment yet believes the heartbeat about it, and so does one that has, whoever signs it.
        await rolling.Rollover.RunAsync(Token);
        await rolling.Rollover.RunAsync(Token);
        long at = (await LastAsync(story)).Number;
        Assert.False(responder.Hear(await BeatAsync(rolling)));
        await PullAsync(story, responder, rolling);
        await PullAsync(story, responder, renamed);
        Assert.True(responder.IsComplete);
        Assert.Equal(at, responder.Number);

        // After: each node that has the new key signs with it, and none other.
        story.Clock.Pass(TimeSpan.FromMinutes(1));
        await story.IssueAsync();
        Assert.Equal(0, await old.TellAsync());
        Assert.Equal(1, await renamed.TellAsync());
        await Assert.ThrowsAsync<HsmException>(() => BeatAsync(old));
        await story.IssueAsync();
        Assert.Equal(1, await rolling.TellAsync());
        await PullAsync(story, responder, renamed);
        await PullAsync(story, responder, rolling);
        Assert.True(responder.IsComplete);
        Assert.Equal(at + 2, responder.Number);
        Assert.All((await SegmentsAsync(story)).Where(each => each.Statement.Tbs.Number > at), each => Assert.True(each.Statement.IsSignedBy(next.PublicKey)));
        Assert.All((await SegmentsAsync(story)).Where(each => each.Statement.Tbs.Number <= at), each => Assert.True(each.Statement.IsSignedBy(story.Key.PublicKey)));

        // One that was away across it, and one that starts again.
        ResponderCopy late = Open(folder, "late", story.Key.PublicKey);
        await PullAsync(story, late, renamed, hearsFirst: false);
        Assert.True(late.IsComplete);
        ResponderCopy again = Open(folder, "responder", story.Key.PublicKey);
        Assert.Equal(at + 2, again.Number);

        // In the log once, with the segment.
        await Pairs.PairStage.UntilAsync(async () =>
            await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM audit_search WHERE action = @Action", new { RollFeedKey.Action }, Token) == 1);
        Assert.Equal(1, await story.CountAsync("feed_rollover"));
    }

    /// <summary>Both nodes have signed a segment that names it: one is the feed's.</summary>
    [Fact]
    public async Task OfTwoNodesAtOnce_OneNamesIt()
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        var keys = new FeedKeys(story.Key, await MakeAsync(story, NextKey));
        using OtherNode first = await OtherNode.StartAsync(story, keys);
        using OtherNode second = await OtherNode.StartAsync(story, keys);
        long before = (await LastAsync(story)).Number;
        story.WhileSigning(() => second.Rollover.RunAsync(Token), CaIssuers.FeedKey);
        await first.Rollover.RunAsync(Token);
        Assert.Equal(before + 1, (await LastAsync(story)).Number);
        Assert.Equal(1, await story.CountAsync("feed_rollover"));
        ResponderCopy responder = Open(folder, "responder", story.Key.PublicKey);
        await PullAsync(story, responder, first);
        Assert.True(responder.IsComplete);
    }

    /// <summary>Somebody has put another label into FeedKey.</summary>
    [Fact]
    public async Task AChangedFeedKey_SignsNothing_UntilTheFeedHasNamedIt()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.IssueAsync();
        FeedKey next = await MakeAsync(story, NextKey);
        using OtherNode changed = await OtherNode.StartAsync(story, new FeedKeys(next, null));
        FeedPosition before = await LastAsync(story);
        Assert.Equal(0, await changed.TellAsync());
        HsmException lacking = await Assert.ThrowsAsync<HsmException>(() => changed.Feed.AppendAsync([], story.Clock.GetUtcNow(), (_, _) => Task.CompletedTask, Token));
        Assert.Equal(HsmFailure.KeyNotFound, lacking.Failure);
        Assert.Contains("never by FeedKey alone", await changed.Feed.FindFaultAsync(Token), StringComparison.Ordinal);
        await changed.Responses.RunDueAsync(Token);
        Assert.Equal(before.Number, (await LastAsync(story)).Number);
        Assert.Equal(1, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM ocsp_slice WHERE due_at = 0 AND leased_until = 0", cancellationToken: Token));

        using OtherNode rolling = await OtherNode.StartAsync(story, new FeedKeys(story.Key, next));
        await rolling.Rollover.RunAsync(Token);
        Assert.Null(await changed.Feed.FindFaultAsync(Token));
        Assert.Equal(1, await changed.TellAsync());

        // And now it is the story's node that is out of date.
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains("never by FeedKey alone", reason, StringComparison.Ordinal);
    }

    /// <summary>On a node with a configuration of last year.</summary>
    [Fact]
    public async Task AKeyThatTheFeedHasLeft_DoesNotComeBack()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        FeedKey next = await MakeAsync(story, NextKey);
        using OtherNode rolling = await OtherNode.StartAsync(story, new FeedKeys(story.Key, next));
        await rolling.Rollover.RunAsync(Token);
        FeedPosition before = await LastAsync(story);
        using OtherNode stale = await OtherNode.StartAsync(story, new FeedKeys(next, story.Key));
        await stale.Rollover.RunAsync(Token);
        Assert.Equal(before.Number, (await LastAsync(story)).Number);
        Assert.Contains("has left", stale.Rollover.FindFault(), StringComparison.Ordinal);

        // A third one follows it all the same.
        FeedKey third = await MakeAsync(story, "ca-feed-3");
        using OtherNode further = await OtherNode.StartAsync(story, new FeedKeys(next, third));
        await further.Rollover.RunAsync(Token);
        Assert.Equal(Convert.ToHexString(third.KeyId), Convert.ToHexString((await LastAsync(story)).NextKeyId!));
        Assert.NotNull(await rolling.Feed.FindFaultAsync(Token));
    }

    /// <summary>By configuration alone; and a node that begins after the old segments were deleted needs the new pin alone.</summary>
    [Fact]
    public async Task TheService_RollsByItself_AndANewNodeBeginsWithTheNewPin()
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync(tells: true, nextKey: NextKey);
        await Pairs.PairStage.UntilAsync(async () => await story.CountAsync("feed_rollover") == 1);
        long at = await story.Stage.Database.FindAsync<long>("SELECT number FROM feed_rollover", cancellationToken: Token);
        await story.IssueAsync();
        await Pairs.PairStage.UntilAsync(async () => (await LastAsync(story)).Number > at && await story.CountAsync("ocsp_change") == 0);
        await story.Responses.RunDueAsync(Token);
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
        Assert.True(await story.Services.GetRequiredService<MakeSnapshot>().RunAsync(Token));

        await story.Stage.RawAsync("DELETE FROM feed_segment WHERE number <= @At", new { At = at });
        using OtherNode other = await OtherNode.StartAsync(story);
        SnapshotRow snapshot = (await story.Stage.Database.ReadAsync(FeedStore.FindSnapshotAsync, Token))!;
        ResponderCopy fresh = Open(folder, "fresh", story.Services.GetRequiredService<FeedKeys>().Next!.PublicKey);
        await fresh.BeginAsync(
            Der.Decode<FeedStatement>(snapshot.Statement), at + 1, async part => (await story.Stage.Database.ReadAsync(transaction => FeedStore.FindPartAsync(transaction, snapshot.Number, part), Token))!);
        await PullAsync(story, fresh, other);
        Assert.True(fresh.IsComplete);
        Assert.NotNull(fresh.Served);
        ResponderCopy stale = Open(folder, "stale", story.Key.PublicKey);
        FeedStatement heartbeat = await BeatAsync(other);
        Assert.Throws<FeedRefusedException>(() => stale.Hear(heartbeat));
    }

    private static async Task<FeedKey> MakeAsync(OcspStory story, string label) =>
        new(story.Stage.Hsm, await story.Stage.Hsm.GenerateKeyAsync(new KeyLabel(label), HsmKeyKind.Sm2, Token), story.Options.Origin);

    private static ResponderCopy Open(TemporaryFolder folder, string name, SubjectPublicKeyInfo pin)
    {
        var copy = new ResponderCopy(CaScene.LogOrigin, [pin], folder.File(name), folder.File($"{name}-heard"), TimeProvider.System);
        Assert.Null(copy.Load());
        return copy;
    }

    private static Task<FeedPosition> LastAsync(OcspStory story) => story.Stage.Database.ReadAsync(FeedStore.FindLastAsync, Token);

    /// <summary>What one node of the CA says, and all segments that are missing.</summary>
    private static async Task PullAsync(OcspStory story, ResponderCopy copy, OtherNode node, bool hearsFirst = true)
    {
        if (hearsFirst)
        {
            copy.Hear(await BeatAsync(node));
        }

        foreach (FeedSegment segment in await SegmentsAsync(story, copy.Number))
        {
            copy.Append(segment);
        }

        copy.Hear(await BeatAsync(node));
    }

    private static async Task<FeedStatement> BeatAsync(OtherNode node) => Der.Decode<FeedStatement>(await node.Feed.BeatAsync(new FeedPosition(long.MaxValue, []), Token));

    private static Task<List<FeedSegment>> SegmentsAsync(OcspStory story, long after = 0) => story.Stage.Database.ReadAsync(
        async transaction =>
        {
            var segments = new List<FeedSegment>();
            foreach (SegmentRow row in await FeedStore.ListAfterAsync(transaction, after, 100))
            {
                segments.Add(new FeedSegment(Der.Decode<FeedStatement>(row.Statement), (await FeedStore.FindContentAsync(transaction, row.Number))!));
            }

            return segments;
        },
        Token);
}
