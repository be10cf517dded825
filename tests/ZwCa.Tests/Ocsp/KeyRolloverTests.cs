using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Tests.Ocsp;

/// <summary>The feed goes on with another key: nodes that were there, that were away, and that are new; and whoever has the old key has nothing.</summary>
public sealed class KeyRolloverTests
{
    private static readonly byte[] Serial = [0x41];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The first heartbeat that it hears is signed with a key that it has never heard of.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ANodeThatWasAway_CatchesUpWithTheOldPin(int rollovers)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        await app.StopAsync(Token);

        await stage.AppendAsync(stage.Good([0x42]));
        for (int i = 0; i < rollovers; i++)
        {
            RollOver(stage, (byte)(i + 2));
            await stage.AppendAsync(stage.Good([0x43, (byte)i]));
        }

        await stage.AppendAsync(stage.Revoked(Serial));
        foreach (string folder in (string[])["copy", "new"])
        {
            (app, _) = await stage.StartAsync(stage.Options(folder));
            await stage.WaitAsync(app);
            FeedState state = app.Services.GetRequiredService<FeedState>();
            Assert.True(FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked);
            Assert.Null(state.Fault);
            await app.StopAsync(Token);
            Assert.Null(stage.Open(folder).Load());
        }
    }

    /// <summary>Answers are of many segments: the one that names the key may be in the middle.</summary>
    [Fact]
    public async Task WhereTheSegmentWithTheKeyIsWithheld_TheNodeSaysIt()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        stage.Source.Answer = _ => [];
        RollOver(stage, 2);
        stage.Source.Append([]);
        FeedState state = app.Services.GetRequiredService<FeedState>();
        await WaitAsync(() => state.Fault?.Contains("not signed", StringComparison.Ordinal) == true);
        stage.Source.Answer = null;
        await WaitAsync(() => state.Fault is null && state.Number == 3);
    }

    [Fact]
    public async Task ANewNode_NeedsTheNewKey_AndTheOldOneAsLongAsSegmentsOfItAreKept()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Good([0x42]));
        RollOver(stage, 2);
        await stage.AppendAsync(stage.Revoked(Serial));
        await stage.AppendAsync(stage.Good([0x44]));
        stage.Source.MakeSnapshot(4, Everything(stage, stage.Revoked(Serial), stage.Good([0x42])));
        SubjectPublicKeyInfo old = OcspFeedSource.PublicKey(1), next = OcspFeedSource.PublicKey(2);

        // Segments of the old key are kept: with both, and with the new one alone it says what is wrong.
        stage.Source.First = 2;
        Assert.Equal(5, (await BeginAsync(stage, "both", old, next)).Number);
        Assert.Contains("not signed", (await Assert.ThrowsAsync<FeedRefusedException>(() => BeginAsync(stage, "early", next))).Message, StringComparison.Ordinal);
        Assert.Contains("not signed", (await Assert.ThrowsAsync<FeedRefusedException>(() => BeginAsync(stage, "old", old))).Message, StringComparison.Ordinal);

        // None is kept any more.
        stage.Source.First = 4;
        FeedCopy copy = await BeginAsync(stage, "new", next);
        Assert.Equal((5, true), (copy.Number, FeedCopyTests.StatusOf(copy.Served!, Serial).IsRevoked));
        FeedCopy again = stage.Open("new", next);
        Assert.Null(again.Load());
        Assert.NotNull(again.Served);

        // And a second time: whoever has come by both needs the first pin alone, whoever is new the last one.
        RollOver(stage, 3);
        await stage.AppendAsync(stage.Good([0x45]));
        stage.Source.MakeSnapshot(7, Everything(stage, stage.Revoked(Serial)));
        Pull(stage, again);
        Assert.Equal(7, again.Number);
        stage.Source.First = 7;
        Assert.Equal(7, (await BeginAsync(stage, "third", OcspFeedSource.PublicKey(3))).Number);
        FeedCopy third = stage.Open("new", next);
        Assert.Null(third.Load());
        Assert.Equal(7, third.Number);
    }

    /// <summary>Its own folder is no proof: whoever has stolen the old key could have written that too. So the operator is told what to do, for as long as it is so.</summary>
    [Fact]
    public async Task AnOldPinThatWasTakenAwayTooEarly_IsSaidInWords()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Revoked(Serial));
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        RollOver(stage, 2);
        await stage.AppendAsync(stage.Good([0x44]));
        copy.Append(stage.Source.Segments[2], stage.Source.Segments[3]);
        Pull(stage, copy);

        const string Words = "The key that signed segments up to 3 is not pinned any more: pin it again until they are gone.";
        FeedCopy early = stage.Open("copy", OcspFeedSource.PublicKey(2));
        Assert.EndsWith(Words, early.Load(), StringComparison.Ordinal);
        Assert.Null(early.Served);
        FeedRefusedException refused = Assert.Throws<FeedRefusedException>(() => early.Append(stage.Source.Segments));
        Assert.EndsWith(Words, refused.Message, StringComparison.Ordinal);

        FeedCopy again = stage.Open("copy", OcspFeedSource.PublicKey(2), OcspFeedSource.PublicKey(1));
        Assert.Null(again.Load());
        Assert.True(FeedCopyTests.StatusOf(again.Served!, Serial).IsRevoked);

        // What follows the rollover was signed by nobody with that key.
        stage.Source.ChangeKey(1);
        FeedSegment wrong = stage.Source.Make(5, stage.Source.Link(4), []);
        Assert.DoesNotContain("pin it again", Assert.Throws<FeedRefusedException>(() => again.Append(wrong)).Message, StringComparison.Ordinal);
    }

    /// <summary>Segments, heartbeats, and snapshots, also such as are about a time when the key was right.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AStolenOldKey_IsBelievedNoMore(byte stolen)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Revoked(Serial));
        RollOver(stage, 2);
        stage.Source.Append([]);
        RollOver(stage, 3);
        stage.Source.Append([]);
        FeedCopy copy = stage.Open();
        copy.Load();
        copy.Append(stage.Source.Segments);
        Pull(stage, copy);
        FeedStatement heartbeat = stage.Source.MakeHeartbeat(6);

        stage.Source.ChangeKey(stolen);
        Assert.Throws<FeedRefusedException>(() => copy.Append(stage.Source.Make(7, stage.Source.Link(6), [])));
        Assert.False(copy.Believes(stage.Source.MakeHeartbeat(6)));
        Assert.Throws<FeedRefusedException>(() => copy.Hear(stage.Source.MakeHeartbeat(6)));
        Assert.Throws<FeedRefusedException>(() => copy.Hear(stage.Source.MakeHeartbeat(4)));
        foreach (int number in (int[])[1, 2, 3, 4, 5, 6])
        {
            // With a version that no revocation reaches any more.
            stage.Source.MakeSnapshot(number, Everything(stage, stage.Good(Serial, 1000)));
            await OfferAsync(stage, copy);
            Assert.Equal(0, copy.SnapshotNumber);
            FeedCopy gap = stage.Open();
            gap.Load();
            await Assert.ThrowsAsync<FeedRefusedException>(() => BeginAsync(stage, gap));
        }

        Assert.True(copy.Hear(heartbeat));
        Assert.True(FeedCopyTests.StatusOf(copy.Served!, Serial).IsRevoked);
        stage.Source.ChangeKey(3);
        stage.Source.MakeSnapshot(5, Everything(stage, stage.Revoked(Serial)));
        await OfferAsync(stage, copy);
        Assert.Equal(5, copy.SnapshotNumber);
        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.True(FeedCopyTests.StatusOf(again.Served!, Serial).IsRevoked);
    }

    private static void RollOver(OcspStage stage, byte key)
    {
        var writer = new FeedWriter();
        writer.NextKey(OcspFeedSource.PublicKey(key));
        stage.Source.Append(writer.ToArray());
        stage.Source.ChangeKey(key);
    }

    /// <summary>As a node does that has nothing, or a gap.</summary>
    private static async Task<FeedCopy> BeginAsync(OcspStage stage, string folder, params SubjectPublicKeyInfo[] pins)
    {
        FeedCopy copy = stage.Open(folder, pins);
        copy.Load();
        copy.Hear(stage.Source.MakeHeartbeat(stage.Source.Segments.Count));
        await BeginAsync(stage, copy);
        copy.Append([.. stage.Source.Segments.Skip((int)copy.Number)]);
        return copy;
    }

    private static async Task BeginAsync(OcspStage stage, FeedCopy copy)
    {
        var client = new FeedClient(stage.Client());
        FeedStatement snapshot = (await client.FindSnapshotAsync(Token))!;
        await copy.BeginAsync(snapshot, stage.Source.First, part => client.ReadPartAsync(snapshot.Tbs.Number, part, Token));
    }

    /// <summary>It may say that it is none, or pass it over.</summary>
    private static async Task OfferAsync(OcspStage stage, FeedCopy copy)
    {
        var client = new FeedClient(stage.Client());
        FeedStatement snapshot = (await client.FindSnapshotAsync(Token))!;
        Exception? refused = await Record.ExceptionAsync(() => copy.TakeSnapshotAsync(snapshot, part => client.ReadPartAsync(snapshot.Tbs.Number, part, Token)));
        Assert.True(refused is null or FeedRefusedException, refused?.ToString());
    }

    private static void Pull(OcspStage stage, FeedCopy copy)
    {
        if (copy.Number < stage.Source.Segments.Count)
        {
            copy.Append([.. stage.Source.Segments.Skip((int)copy.Number)]);
        }

        Assert.True(copy.Hear(stage.Source.MakeHeartbeat(stage.Source.Segments.Count)));
    }

    private static byte[] Everything(OcspStage stage, params FeedStatus[] statuses)
    {
        FeedWriter writer = stage.Begin();
        foreach (FeedStatus each in statuses)
        {
            writer.Status(each);
        }

        return writer.ToArray();
    }

    private static async Task WaitAsync(Func<bool> what)
    {
        for (int i = 0; !what(); i++)
        {
            Assert.True(i < 800, "It did not come.");
            await Task.Delay(25, Token);
        }
    }
}
