using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Feed;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Issuance.Feed;
using ZwCa.Tests.Ca.Crls;
using ZwCa.Tests.Ca.Status;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>The feed has no gaps, says nothing twice, and loses nothing.</summary>
public sealed class FeedTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Another node has appended the number that this one has signed for: the same content gets the next one.</summary>
    [Theory]
    [MemberData(nameof(TestDatabase.Kinds), MemberType = typeof(TestDatabase))]
    public async Task AnotherNodesSegmentInBetween_IsLinkedTo(DatabaseKind kind)
    {
        await using OcspStory story = await OcspStory.StartAsync(kind);
        await story.TellAsync();
        long before = (await story.CopyAsync()).Number;
        using WriteFeed other = OtherNode(story);
        var writer = new FeedWriter();
        writer.Crl(new FeedCrl(1, "all", 7, 1, new byte[32]));
        story.WhileSigning(() => other.AppendAsync(writer.ToArray(), story.Clock.GetUtcNow(), (_, _) => Task.CompletedTask, Token), CaIssuers.FeedKey);
        long number = await story.Services.GetRequiredService<WriteFeed>().AppendAsync(writer.ToArray(), story.Clock.GetUtcNow(), (_, _) => Task.CompletedTask, Token);
        Assert.Equal(before + 2, number);
        Assert.Equal(before + 2, (await story.CopyAsync()).Number);
    }

    /// <summary>Where the CA does not come to tell, responders have to hear of it: else they would sign as of a moment of which they do not know all.</summary>
    [Fact]
    public async Task AHeartbeat_IsNoYoungerThanTheOldestChangeThatWaits()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.IssueAsync();
        DateTimeOffset issued = story.Clock.GetUtcNow();
        story.Clock.Pass(TimeSpan.FromMinutes(3));
        Assert.True((await BeatAsync()).Tbs.Time <= issued);
        await story.TellAsync();
        story.Clock.Pass(TimeSpan.FromSeconds(3));
        FeedStatement beat = await BeatAsync();
        Assert.InRange(beat.Tbs.Time, issued + TimeSpan.FromMinutes(3), story.Clock.GetUtcNow());
        Assert.Equal((await story.CopyAsync()).Number, beat.Tbs.Number);

        async Task<FeedStatement> BeatAsync() => Der.Decode<FeedStatement>(await story.Services.GetRequiredService<WriteFeed>().BeatAsync(new FeedPosition(0, new byte[32]), Token));
    }

    /// <summary>A responder has heard of it from another node: this one, which kept an earlier one, must not say less.</summary>
    [Fact]
    public async Task WhatWasHeardOfFromAnotherNode_IsNotTakenBack()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        var head = new FeedHead(story.Stage.Database, new StandingTime());
        long kept = (await head.ReadAsync()).Number;
        await story.IssueAsync();
        await story.TellAsync();
        long heard = (await story.CopyAsync()).Number;
        Assert.True(heard > kept);
        Assert.Equal(kept, (await head.ReadAsync()).Number);
        Assert.Equal(heard, (await head.WaitAsync(heard, TimeSpan.Zero, Token)).Number);

        // Whoever does not say what he has heard.
        await story.IssueAsync();
        await story.TellAsync();
        Assert.Equal(heard + 1, (await head.WaitAsync(0, TimeSpan.Zero, Token)).Number);
    }

    /// <summary>No responder would take it, and none would come past it.</summary>
    [Fact]
    public async Task AContentThatIsTooLong_IsNeitherSignedNorAppended()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        int signed = story.Stage.Hsm.Calls.Count;
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => story.Services.GetRequiredService<WriteFeed>().AppendAsync(
            new byte[FeedFrames.MaxContent + 1], story.Clock.GetUtcNow(), (_, _) => Task.CompletedTask, Token));
        Assert.Contains($"{FeedFrames.MaxContent + 1}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(signed, story.Stage.Hsm.Calls.Count);
    }

    [Fact]
    public async Task ASnapshot_LeavesOutWhatEndedLongAgo()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer longAgo = await story.IssueAsync();
        CertificateAnswer justNow = await story.IssueAsync();
        await story.TellAsync();
        await EndAsync(longAgo, 31);
        await EndAsync(justNow, 29);
        Assert.True(await SnapshotAsync(story));
        var fresh = new FeedCopy(story.Key.PublicKey);
        SnapshotRow snapshot = (await story.Stage.Database.ReadAsync(FeedStore.FindSnapshotAsync, Token))!;
        fresh.TakeSnapshot(Der.Decode<FeedStatement>(snapshot.Statement), await PartsAsync(story, snapshot));
        Assert.Null(fresh.Find(longAgo.Serial));
        Assert.NotNull(fresh.Find(justNow.Serial));

        Task EndAsync(CertificateAnswer certificate, int days) => story.Stage.RawAsync(
            "UPDATE certificate SET not_after = @End WHERE serial = @Serial", new { certificate.Serial, End = story.Clock.GetUtcNow().AddDays(-days) });
    }

    /// <summary>Under load changes are gathered: each segment is a signature, and a line in each responder's copy.</summary>
    [Fact]
    public async Task SegmentsOfChanges_AreATenthOfASecondApart()
    {
        await using OcspStory story = await OcspStory.StartAsync(tells: true);
        await Pairs.PairStage.UntilAsync(async () => await story.CountAsync("feed_segment") > 0 && await story.CountAsync("ocsp_change") == 0);
        long before = (await story.CopyAsync()).Number;
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            await Task.Delay(i * 15, Token);
            await story.IssueAsync();
        }));
        await Pairs.PairStage.UntilAsync(async () => await story.CountAsync("ocsp_change") == 0);
        long[] made = [.. await story.Stage.Database.QueryAsync<long>("SELECT made_at FROM feed_segment WHERE number > @Before ORDER BY number", new { Before = before }, Token)];
        Assert.True(made.Length > 1);
        Assert.All(made.Zip(made.Skip(1)), each => Assert.InRange(each.Second - each.First, 98, long.MaxValue));
    }

    /// <summary>Two nodes have read the same changes: one tells them.</summary>
    [Fact]
    public async Task TwoNodes_TellAChangeOnce()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        CertificateAnswer certificate = await story.IssueAsync();
        using var other = ActivatorUtilities.CreateInstance<PresignResponses>(story.Services);
        story.WhileSigning(() => other.RunChangesAsync(Token));
        await story.TellAsync();
        FeedCopy copy = await story.CopyAsync();
        Assert.Equal(1, copy.Told[(certificate.Serial, 3)]);
        Assert.NotNull(copy.FindResponse(certificate.Serial));
        Assert.Equal(0, await story.CountAsync("ocsp_change"));
    }

    [Fact]
    public async Task WhatFailsBeforeItIsCommitted_LeavesNothing()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        long before = (await story.CopyAsync()).Number;
        WriteFeed feed = story.Services.GetRequiredService<WriteFeed>();
        await Assert.ThrowsAsync<BatchOvertakenException>(() => feed.AppendAsync(
            [],
            story.Clock.GetUtcNow(),
            async (transaction, _) =>
            {
                await transaction.ExecuteAsync("UPDATE ocsp_slice SET due_at = 5");
                throw new BatchOvertakenException([]);
            },
            Token));
        Assert.Equal(before, (await story.CopyAsync()).Number);
        Assert.Equal(0, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM ocsp_slice WHERE due_at = 5", cancellationToken: Token));
    }

    [Fact]
    public async Task ANewNode_KnowsTheSameFromSnapshotAndTail()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        CertificateAnswer first = await story.IssueAsync();
        CertificateAnswer second = await story.IssueAsync();
        await story.TellAsync();
        await story.Stage.ChangeAsync(first, DecisionKind.Suspend);
        await story.TellAsync();
        Assert.True(await SnapshotAsync(story));
        Assert.False(await SnapshotAsync(story));
        CertificateAnswer third = await story.IssueAsync();
        await story.Stage.ChangeAsync(second, DecisionKind.Revoke);
        await story.TellAsync();

        FeedCopy full = await story.CopyAsync();
        var fresh = new FeedCopy(story.Key.PublicKey);
        SnapshotRow snapshot = (await story.Stage.Database.ReadAsync(FeedStore.FindSnapshotAsync, Token))!;
        fresh.TakeSnapshot(Der.Decode<FeedStatement>(snapshot.Statement), await PartsAsync(story, snapshot));
        foreach (FeedSegment segment in await SegmentsAsync(story, snapshot.Number))
        {
            fresh.Take(segment);
        }

        Assert.Equal(full.Number, fresh.Number);
        Assert.Equal(Facts(full), Facts(fresh));
        Assert.Equal(full.Authorities.Keys.Order(), fresh.Authorities.Keys.Order());
        Assert.NotNull(fresh.FindResponse(third.Serial));
        Assert.NotNull(fresh.FindResponse(second.Serial));

        static IEnumerable<string> Facts(FeedCopy copy) =>
            copy.Statuses.OrderBy(each => each.Key).Select(each => $"{each.Key} {each.Value.Version} {each.Value.RevokedAt} {each.Value.Reason} {each.Value.NotAfter}");
    }

    /// <summary>A segment goes once two snapshots are younger, and nothing in it is in use any more.</summary>
    [Fact]
    public async Task OldSegmentsGo_AndTheRestIsWithoutGaps()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        for (int day = 0; day < 3; day++)
        {
            await story.IssueAsync();
            await story.TellAsync();
            Assert.True(await SnapshotAsync(story));
        }

        // What told of the CAs is in both snapshots; in the others are responses.
        Assert.Equal(2, await OldestAsync());
        Assert.Equal(2, await story.CountAsync("feed_snapshot"));

        story.Clock.Pass(story.Options.Validity + TimeSpan.FromMinutes(1));
        await story.RenewAsync();
        Assert.True(await SnapshotAsync(story));
        SnapshotRow last = (await story.Stage.Database.ReadAsync(FeedStore.FindSnapshotAsync, Token))!;
        long oldest = await OldestAsync();
        Assert.InRange(oldest, 3, last.Number);
        var fresh = new FeedCopy(story.Key.PublicKey);
        fresh.TakeSnapshot(Der.Decode<FeedStatement>(last.Statement), await PartsAsync(story, last));
        Assert.Equal(last.Number, fresh.Number);
        Assert.Equal(last.Number - oldest + 1, await story.CountAsync("feed_segment"));

        Task<long> OldestAsync() => story.Stage.Database.FindAsync<long>("SELECT MIN(number) FROM feed_segment", cancellationToken: Token);
    }

    [Fact]
    public async Task APublishedCrl_IsTold_Once()
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:PublicationFolders:0"] = folder.Path });
        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        await story.Stage.MakeAsync(story.Stage.CompleteScopeOf(certificate));
        await story.Stage.PublishAsync();
        TellCrls telling = story.Services.GetRequiredService<TellCrls>();
        await telling.RunAsync(Token);
        await telling.RunAsync(Token);
        FeedCrl crl = Assert.Single((await story.CopyAsync()).Crls);
        Assert.Equal("all", crl.Shard);
        Assert.Equal(1, crl.Number);
        Assert.Equal(0, await story.CountAsync("feed_crl"));
    }

    /// <summary>What was read just now stays so.</summary>
    private sealed class StandingTime : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }

    private static Task<bool> SnapshotAsync(OcspStory story) => story.Services.GetRequiredService<MakeSnapshot>().RunAsync(Token);

    private static WriteFeed OtherNode(OcspStory story) => new(story.Stage.Database, story.Services.GetRequiredService<FeedKeys>(), new FeedHead(story.Stage.Database, story.Clock), story.Clock);

    private static async Task<IReadOnlyList<byte[]>> PartsAsync(OcspStory story, SnapshotRow snapshot)
    {
        var parts = new List<byte[]>();
        for (long part = 0; part < snapshot.Parts; part++)
        {
            parts.Add((await story.Stage.Database.ReadAsync(transaction => FeedStore.FindPartAsync(transaction, snapshot.Number, part), Token))!);
        }

        return parts;
    }

    private static Task<List<FeedSegment>> SegmentsAsync(OcspStory story, long after) => story.Stage.Database.ReadAsync(
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
