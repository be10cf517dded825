using ZwCa.Asn1.Feed;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Tests.Ocsp;

/// <summary>The files of the copy, and what is believed of them and of what comes.</summary>
public sealed class FeedCopyTests
{
    private static readonly byte[] First = [0x41];
    private static readonly byte[] Second = [0x42];

    [Fact]
    public async Task AStartWithTheCaAway_ServesWhatWasVerified()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        Assert.Null(copy.Load());
        Pull(stage, copy);

        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal((2, true), (again.Number, again.IsComplete));
        Assert.True(StatusOf(again.Served!, First).IsRevoked);
        Assert.False(StatusOf(again.Served!, Second).IsRevoked);
    }

    /// <summary>A node that has not come to the end yet would say *unknown* of certificates that are stored.</summary>
    [Fact]
    public async Task ACopyThatNeverWasComplete_IsNotServed_AfterAStartEither()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Assert.False(copy.Hear(stage.Source.MakeHeartbeat(2)));
        copy.Append(stage.Source.Segments[0]);
        Assert.Null(copy.Served);

        FeedCopy again = stage.Open();
        again.Load();
        Assert.Equal(1, again.Number);
        Assert.Null(again.Served);
        again.Append(stage.Source.Segments[1]);
        Assert.NotNull(again.Served);
    }

    /// <summary>Somebody puts the folder of last week back: it says *good* of what was revoked since.</summary>
    [Fact]
    public async Task AnOlderCopy_IsNotServed_UntilItHasCaughtUp()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        File.Delete(SegmentFile(stage, 2));

        FeedCopy again = stage.Open();
        Assert.Contains("2", again.Load(), StringComparison.Ordinal);
        Assert.Null(again.Served);
        Assert.Throws<FeedRefusedException>(() => again.Hear(stage.Source.MakeHeartbeat(1)));
        Pull(stage, again);
        Assert.True(StatusOf(again.Served!, First).IsRevoked);
    }

    public static TheoryData<string> Damages => ["flip", "truncate", "empty", "other", "append"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task ADamagedSegment_IsSaid_AndFetchedAgain(string damage)
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        string file = SegmentFile(stage, 2);
        byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[^1] ^= (byte)(damage == "flip" ? 1 : 0);
        await File.WriteAllBytesAsync(
            file,
            damage switch { "truncate" => bytes[..^5], "empty" => [], "other" => await File.ReadAllBytesAsync(SegmentFile(stage, 1), TestContext.Current.CancellationToken), "append" => [.. bytes, 0], _ => bytes },
            TestContext.Current.CancellationToken);

        FeedCopy again = stage.Open();
        Assert.NotNull(again.Load());
        Assert.Equal(1, again.Number);
        Assert.Null(again.Served);
        Pull(stage, again);
        Assert.NotNull(again.Served);
        Assert.Null(stage.Open().Load());
    }

    public static TheoryData<string> Lies => ["tampered", "gap", "replay", "link", "key", "kind", "origin", "content", "unnamed", "garbage"];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task WhatIsNotTheNextSegment_ChangesNothing(string lie)
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        byte[] good = new FeedWriter().ToArray();
        var resumed = new FeedWriter();
        resumed.Status(stage.Good(First, 9));
        var unnamed = new FeedWriter();
        unnamed.Status(stage.Good(First, 9));
        unnamed.Status(stage.Good(First, 10) with { Authority = 7 });
        byte[] link = stage.Source.Link(2);
        FeedSegment next = stage.Source.Make(3, link, resumed.ToArray());
        if (lie == "key")
        {
            stage.Source.ChangeKey(2);
        }

        FeedSegment wrong = lie switch
        {
            "tampered" => new FeedSegment(FeedStatement.Assemble(Change(next.Statement.TbsBytes), next.Statement.Signature), next.Content),
            "gap" => stage.Source.Make(4, link, resumed.ToArray()),
            "replay" => stage.Source.Segments[1],
            "link" => stage.Source.Make(3, stage.Source.Link(1), resumed.ToArray()),
            "key" => stage.Source.Make(3, link, resumed.ToArray()),
            "kind" => new FeedSegment(stage.Source.MakeHeartbeat(2), resumed.ToArray()),
            "origin" => await OfOtherOriginAsync(link, resumed.ToArray()),
            "content" => next with { Content = good },
            "unnamed" => stage.Source.Make(3, link, unnamed.ToArray()),
            _ => stage.Source.Make(3, link, [0x77, 1, 2]),
        };

        Assert.Throws<FeedRefusedException>(() => copy.Append(wrong));
        Assert.Equal(2, copy.Number);
        Assert.True(StatusOf(copy.Served!, First).IsRevoked);
        Assert.False(File.Exists(SegmentFile(stage, 3)));
        if (lie != "key")
        {
            copy.Append(next);
            Assert.False(StatusOf(copy.Served!, First).IsRevoked);
        }
    }

    /// <summary>Two feeds with one key: a copy of the CA that was brought back from a backup.</summary>
    [Fact]
    public async Task AnotherSegmentWithANumberThatWasHeardOf_IsRefused()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        FeedSegment real = stage.Source.Append(new FeedWriter().ToArray());
        copy.Hear(stage.Source.MakeHeartbeat(3));

        var other = new FeedWriter();
        other.Status(stage.Good(Second, 5));
        Assert.Throws<FeedRefusedException>(() => copy.Append(stage.Source.Make(3, stage.Source.Link(2), other.ToArray())));

        // And after a start, for it is remembered.
        FeedCopy again = stage.Open();
        again.Load();
        Assert.Throws<FeedRefusedException>(() => again.Append(stage.Source.Make(3, stage.Source.Link(2), other.ToArray())));
        again.Append(real);
    }

    [Fact]
    public async Task AfterTheNextKey_TheOldOneSaysNothingMore_AndAStartKnowsIt()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        var writer = new FeedWriter();
        writer.NextKey(OcspFeedSource.PublicKey(2));
        copy.Append(stage.Source.Append(writer.ToArray()));
        FeedSegment ofTheOld = stage.Source.Make(4, stage.Source.Link(3), new FeedWriter().ToArray());
        Assert.Throws<FeedRefusedException>(() => copy.Append(ofTheOld));

        stage.Source.ChangeKey(2);
        Assert.True(copy.Hear(stage.Source.MakeHeartbeat(3)));
        copy.Append(stage.Source.Append(new FeedWriter().ToArray()));
        Assert.Equal(4, copy.Number);

        // The snapshot and the trimmed segments are signed with the new key; that it is the feed's, the segment that stays says.
        stage.Source.MakeSnapshot(4, Everything(stage, stage.Revoked(First), stage.Good(Second)));
        copy.Append(stage.Source.Append(new FeedWriter().ToArray()));
        stage.Time.By = TimeSpan.FromDays(10);
        await TakeAsync(stage, copy);
        Assert.False(File.Exists(SegmentFile(stage, 3)));
        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal(5, again.Number);
        Assert.NotNull(again.Served);
        Assert.Throws<FeedRefusedException>(() => stage.Open("fresh", OcspFeedSource.PublicKey(1)).Hear(stage.Source.MakeHeartbeat(5)));
    }

    [Fact]
    public async Task ANewNode_TakesTheSnapshot_AndTheSegmentsBeforeItForTheirResponses()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        await stage.AppendAsync(stage.Good([0x43]));
        stage.Source.MakeSnapshot(2, Everything(stage, stage.Revoked(First), stage.Good(Second)));
        stage.Source.First = 2;
        FeedCopy copy = stage.Open();
        copy.Load();
        await TakeAsync(stage, copy, begin: true);
        Assert.Equal(1, copy.Number);
        Pull(stage, copy);
        Assert.Equal((3, true, true), (copy.Number, StatusOf(copy.Served!, First).IsRevoked, StatusOf(copy.Served!, First).HasResponse));
        Assert.True(StatusOf(copy.Served!, [0x43]).HasResponse);
        Assert.False(StatusOf(copy.Served!, Second).HasResponse);

        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal((3, true), (again.Number, StatusOf(again.Served!, First).HasResponse));
    }

    /// <summary>The segments that are kept have to lead to the snapshot.</summary>
    [Fact]
    public async Task ASnapshotOfAnotherFeed_IsSeenWhereTheChainComesBy()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        await using OcspStage other = await TwoSegmentsAsync();
        stage.Source.First = 2;
        other.Source.MakeSnapshot(2, Everything(other, other.Good(First)));
        FeedCopy copy = stage.Open();
        copy.Load();
        await TakeAsync(other, copy, begin: true, first: 2);
        Assert.Throws<FeedRefusedException>(() => copy.Append(stage.Source.Segments[1]));
        Assert.Null(copy.Served);
    }

    /// <summary>A snapshot that says what cannot be, and one that the disk has damaged: the copy goes on as it was, and another attempt fetches what is missing.</summary>
    [Theory]
    [InlineData("refused")]
    [InlineData("changed")]
    [InlineData("unreadable")]
    public async Task ASnapshotThatCannotBeTaken_ChangesNothing(string fault)
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        await stage.AppendAsync(stage.Good([0x43]));
        await stage.AppendAsync(stage.Revoked([0x43]));
        var second = new FeedWriter();
        second.Status(stage.Revoked([0x43]) with { Authority = (short)(fault == "refused" ? 7 : OcspStage.Number) });
        stage.Source.MakeSnapshot(4, Everything(stage, stage.Revoked(First), stage.Good(Second)), second.ToArray());
        copy.Hear(stage.Source.MakeHeartbeat(4));
        var client = new FeedClient(stage.Client());
        FeedStatement snapshot = (await client.FindSnapshotAsync(TestContext.Current.CancellationToken))!;
        await Assert.ThrowsAsync<FeedRefusedException>(() => copy.BeginAsync(snapshot, 4, async part =>
        {
            if (part == 1 && fault != "refused")
            {
                using FileStream file = File.OpenWrite(Path.Combine(stage.File("copy"), "snapshots", "000000000004.begun", "part-0"));
                file.SetLength(fault == "changed" ? 9 : (2 * FeedFrames.MaxContent) + 1);
            }

            return await client.ReadPartAsync(4, part, TestContext.Current.CancellationToken);
        }));

        // What follows the snapshot does not follow the copy, and what was served is.
        Assert.Equal((2, 0), (copy.Number, copy.SnapshotNumber));
        Assert.Throws<FeedRefusedException>(() => copy.Append(stage.Source.Segments[3]));
        Assert.Same(copy.Latest, copy.Served);
        Assert.True(StatusOf(copy.Served!, First).IsRevoked);
        FeedCopy again = stage.Open();
        again.Load();
        Assert.Equal((2, 2), (again.Number, again.Served!.Table.Count));

        if (fault == "refused")
        {
            stage.Source.MakeSnapshot(4, Everything(stage, stage.Revoked(First), stage.Good(Second), stage.Revoked([0x43])));
        }

        stage.Source.First = 4;
        await TakeAsync(stage, copy, begin: true);
        copy.Append(stage.Source.Segments[3]);
        Assert.Equal((4, 3), (copy.Number, copy.Served!.Table.Count));
        Assert.True(StatusOf(copy.Served!, [0x43]).IsRevoked);
        Assert.Null(stage.Open().Load());
    }

    /// <summary>A full disk must not become fuller with every attempt, each of which has another name.</summary>
    [Fact]
    public async Task AWriteThatFails_LeavesNothing()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        string folder = Directory.CreateDirectory(stage.File("full")).FullName, file = Path.Combine(folder, "1-40");
        IEnumerable<byte[]> Full()
        {
            yield return new byte[1 << 20];
            throw new IOException("No space left on device");
        }

        Assert.Throws<IOException>(() => CopyFolder.Write(file, Full()));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Directory.CreateDirectory(file);
        Assert.ThrowsAny<SystemException>(() => CopyFolder.Write(file, [1]));
        Assert.Equal([file], Directory.GetFileSystemEntries(folder));
    }

    /// <summary>Nothing is written at a start that is there already; but what is damaged is.</summary>
    [Fact]
    public async Task AStart_WritesTheSegmentWithTheNextKey_OnlyWhereItIsMissing()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        var writer = new FeedWriter();
        writer.NextKey(OcspFeedSource.PublicKey(2));
        copy.Append(stage.Source.Append(writer.ToArray()));
        string file = Path.Combine(stage.File("copy"), "keys", "000000000003");
        DateTime written = DateTime.UtcNow.AddDays(-1);
        File.SetLastWriteTimeUtc(file, written);
        Assert.Null(stage.Open().Load());
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));

        byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(file, bytes[..^1], TestContext.Current.CancellationToken);
        Assert.Null(stage.Open().Load());
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task SegmentsGo_WhenASnapshotHasThemAndTheirResponsesAreOver()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        await stage.AppendAsync(stage.Good([0x43]));
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        stage.Source.MakeSnapshot(3, Everything(stage, stage.Revoked(First), stage.Good(Second), stage.Good([0x43])));
        await TakeAsync(stage, copy);
        Assert.True(File.Exists(SegmentFile(stage, 1)));

        stage.Time.By = OcspStage.Validity + TimeSpan.FromMinutes(1);
        copy.Tidy(TimeSpan.FromDays(30));
        Assert.Equal([false, false, true], Enumerable.Range(1, 3).Select(each => File.Exists(SegmentFile(stage, each))));
        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal((3, 3), (again.Number, again.Served!.Table.Count));
        again.Append(stage.Source.Append(new FeedWriter().ToArray()));
    }

    /// <summary>Whoever tampers with the memory is refused in words, not believed.</summary>
    [Fact]
    public async Task AMemoryThatIsNone_IsRefused()
    {
        await using OcspStage stage = await TwoSegmentsAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        Pull(stage, copy);
        await File.WriteAllTextAsync(stage.File("copy-heard"), "2\nzz\n", TestContext.Current.CancellationToken);
        Assert.Throws<FeedRefusedException>(() => stage.Open());
    }

    internal static CertificateStatus StatusOf(ServedFeed feed, byte[] serial)
    {
        Assert.True(feed.Table.TryRead(OcspStage.Number, serial, CertIdHash.Sha1, new byte[StatusTable.MaxSignature], out CertificateStatus status));
        return status;
    }

    private static async Task<OcspStage> TwoSegmentsAsync()
    {
        OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(First), stage.Good(Second));
        await stage.AppendAsync(stage.Revoked(First));
        return stage;
    }

    /// <summary>All that the source has, heartbeat first.</summary>
    private static void Pull(OcspStage stage, FeedCopy copy)
    {
        copy.Hear(stage.Source.MakeHeartbeat(stage.Source.Segments.Count));
        while (copy.Number < stage.Source.Segments.Count)
        {
            copy.Append(stage.Source.Segments[(int)copy.Number]);
        }
    }

    private static async Task TakeAsync(OcspStage stage, FeedCopy copy, bool begin = false, long? first = null)
    {
        var client = new FeedClient(stage.Client());
        FeedStatement snapshot = (await client.FindSnapshotAsync(TestContext.Current.CancellationToken))!;
        Task<byte[]> Read(int part) => client.ReadPartAsync(snapshot.Tbs.Number, part, TestContext.Current.CancellationToken);
        await (begin ? copy.BeginAsync(snapshot, first ?? stage.Source.First, Read) : copy.TakeSnapshotAsync(snapshot, Read));
        copy.Tidy(TimeSpan.FromDays(30));
    }

    /// <summary>A part of a snapshot: who is spoken of, and the statuses.</summary>
    private static byte[] Everything(OcspStage stage, params FeedStatus[] statuses)
    {
        FeedWriter writer = stage.Begin();
        foreach (FeedStatus each in statuses)
        {
            writer.Status(each);
        }

        return writer.ToArray();
    }

    private static async Task<FeedSegment> OfOtherOriginAsync(byte[] link, byte[] content)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        FeedSegment segment = stage.Source.Make(3, link, content);
        TbsFeedStatement tbs = segment.Statement.Tbs;
        return new FeedSegment(stage.Source.Sign(new TbsFeedStatement(tbs.Kind, "zwca/other", tbs.Number, tbs.Link, tbs.Time, tbs.KeyId, tbs.Contents)), content);
    }

    /// <summary>The link of a statement, in one bit.</summary>
    private static byte[] Change(ReadOnlyMemory<byte> tbs)
    {
        byte[] changed = tbs.ToArray();
        changed[^1] ^= 1;
        return changed;
    }

    private static string SegmentFile(OcspStage stage, long number) => Path.Combine(stage.File("copy"), "segments", number.ToString("D12", System.Globalization.CultureInfo.InvariantCulture));
}
