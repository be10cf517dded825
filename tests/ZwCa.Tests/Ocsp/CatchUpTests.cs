using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Tests.Ocsp;

/// <summary>A node that has missed much, and what its folder looks like then: segments that came together are one file, those that came alone are joined, and a kill at any place leaves a copy that starts.</summary>
public sealed class CatchUpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SegmentsOfOneAnswer_AreOneFile_AndAStartIsQuick()
    {
        int count = TestRandom.Long ? 20_000 : 1200;
        await using OcspStage stage = await ManyAsync(count);
        var clock = Stopwatch.StartNew();
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        TimeSpan caughtUp = clock.Elapsed;
        await app.StopAsync(Token);
        clock.Restart();
        FeedCopy copy = stage.Open();
        Assert.Null(copy.Load());
        TestContext.Current.TestOutputHelper!.WriteLine($"{count} segments: catching up {caughtUp.TotalSeconds:F2} s, start {clock.Elapsed.TotalSeconds:F2} s");
        Assert.Equal((count, count - 1), (copy.Number, copy.Served!.Table.Count));
        Assert.Equal((count + 499) / 500, Files(stage).Length);
        copy.Append(stage.Source.Append([]));
    }

    /// <summary>Some of an answer follow, and then comes what does not: those are taken, and that is not.</summary>
    [Fact]
    public async Task OfAnAnswer_ThatIsRightUntilSomewhere_TheRightOnesAreTaken()
    {
        await using OcspStage stage = await ManyAsync(5);
        FeedCopy copy = Open(stage);
        List<FeedSegment> wrong = [.. stage.Source.Segments];
        wrong[3] = wrong[3] with { Content = new byte[] { 0x77 } };
        copy.Hear(stage.Source.MakeHeartbeat(5));
        Assert.Throws<FeedRefusedException>(() => copy.Append(wrong));
        Assert.Equal((3, (ServedFeed?)null), (copy.Number, copy.Served));
        Assert.Equal(["000000000001-000000000003"], Files(stage));
        copy.Append([.. stage.Source.Segments.Skip(3)]);
        Assert.Equal(["000000000001-000000000003", "000000000004-000000000005"], Files(stage));
        Restart(stage, 5);
    }

    public static TheoryData<string> Damages => ["flip", "truncate", "append", "short", "name"];

    /// <summary>Of a file all is taken, or nothing; what is damaged goes as soon as something right stands in its place, and not before.</summary>
    [Theory]
    [MemberData(nameof(Damages))]
    public async Task ADamagedFile_IsFetchedAgain_WithAllThatFollows(string damage)
    {
        await using OcspStage stage = await ManyAsync(9);
        FeedCopy copy = Open(stage);
        copy.Hear(stage.Source.MakeHeartbeat(9));
        copy.Append([.. stage.Source.Segments.Take(3)]);
        copy.Append([.. stage.Source.Segments.Skip(3).Take(3)]);
        copy.Append([.. stage.Source.Segments.Skip(6)]);
        string file = Path.Combine(Folder(stage), "000000000004-000000000006");
        byte[] bytes = await File.ReadAllBytesAsync(file, Token);
        bytes[^1] ^= (byte)(damage == "flip" ? 1 : 0);
        await File.WriteAllBytesAsync(file, damage switch { "truncate" => bytes[..^1], "append" => [.. bytes, 0], "short" => Frames(stage, 3, 2), _ => bytes }, Token);
        if (damage == "name")
        {
            File.Move(file, Path.Combine(Folder(stage), "000000000004-000000000005"));
        }

        FeedCopy again = stage.Open();
        Assert.NotNull(again.Load());
        Assert.Null(again.Served);
        Assert.Equal(3, Files(stage).Length);
        if (damage == "name")
        {
            // There is a gap then, and what is behind it leads nowhere.
            Assert.Equal(0, again.Number);
            again.Hear(stage.Source.MakeHeartbeat(9));
            again.Append(stage.Source.Segments);
            Assert.Equal(["000000000001-000000000009"], Files(stage));
        }
        else
        {
            Assert.Equal(3, again.Number);
            again.Append([.. stage.Source.Segments.Skip(3)]);
            Assert.Equal(["000000000001-000000000003", "000000000004-000000000009"], Files(stage));
        }

        Assert.NotNull(again.Served);
        Restart(stage, 9);
    }

    [Fact]
    public async Task FilesOfOneSegmentEach_AreJoined_AndAKillAtAnyPlaceLeavesACopyThatStarts()
    {
        await using OcspStage stage = await ManyAsync(40);
        FeedCopy copy = Open(stage);
        copy.Hear(stage.Source.MakeHeartbeat(40));
        stage.Source.Segments.ForEach(each => copy.Append(each));
        Dictionary<string, byte[]> small = Files(stage).ToDictionary(each => each, each => File.ReadAllBytes(Path.Combine(Folder(stage), each)));
        Assert.Equal(40, small.Count);
        Assert.True(copy.Join());
        Assert.False(copy.Join());
        Assert.Equal(["000000000001-000000000040"], Files(stage));
        byte[] joined = await File.ReadAllBytesAsync(Path.Combine(Folder(stage), "000000000001-000000000040"), Token);
        Assert.Equal(small.OrderBy(each => each.Key, StringComparer.Ordinal).SelectMany(each => each.Value), joined);
        Restart(stage, 40);

        // Killed while it was written, before the small ones went, and while they went.
        await File.WriteAllBytesAsync(Path.Combine(Folder(stage), "000000000001-000000000040.tmp"), joined[..100], Token);
        Restart(stage, 40);
        Assert.Equal(["000000000001-000000000040"], Files(stage));
        foreach (int left in (int[])[40, 39, 1])
        {
            foreach ((string name, byte[] bytes) in small.OrderByDescending(each => each.Key, StringComparer.Ordinal).Take(left))
            {
                await File.WriteAllBytesAsync(Path.Combine(Folder(stage), name), bytes, Token);
            }

            FeedCopy again = Restart(stage, 40);
            again.Append(stage.Source.Append([]));
            Assert.Equal(2, Files(stage).Length);
            stage.Source.Segments.RemoveAt(40);
            File.Delete(Path.Combine(Folder(stage), "000000000041"));
            await File.WriteAllTextAsync(stage.File("copy-heard"), $"40\n{Convert.ToHexStringLower(stage.Source.Link(40))}\n40\n", Token);
        }

        // And it may be the long one that is damaged.
        joined[^1] ^= 1;
        await File.WriteAllBytesAsync(Path.Combine(Folder(stage), "000000000001-000000000040"), joined, Token);
        FeedCopy damaged = stage.Open();
        Assert.NotNull(damaged.Load());
        damaged.Append(stage.Source.Segments);
        Restart(stage, 40);
    }

    /// <summary>What was joined goes when all in it may go.</summary>
    [Fact]
    public async Task AFile_GoesWhenAllInItMayGo_AndNotBefore()
    {
        await using OcspStage stage = await ManyAsync(6);
        FeedCopy copy = Open(stage);
        copy.Append([.. stage.Source.Segments.Take(3)]);
        copy.Append([.. stage.Source.Segments.Skip(3)]);
        foreach ((long number, int files) in ((long, int)[])[(3, 2), (4, 1)])
        {
            stage.Source.MakeSnapshot(number, stage.Begin().ToArray());
            var client = new FeedClient(stage.Client());
            await copy.TakeSnapshotAsync((await client.FindSnapshotAsync(Token))!, part => client.ReadPartAsync(number, part, Token));
            copy.Tidy(TimeSpan.FromDays(30));
            Assert.Equal((number, files), (copy.SnapshotNumber, Files(stage).Length));
        }

        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal((6, true), (again.Number, again.Served is not null));
    }

    /// <summary>Killed between the parts of a change of snapshots, by the folder that it leaves.</summary>
    [Theory]
    [InlineData("staged")]
    [InlineData("both")]
    [InlineData("without")]
    [InlineData("halfway")]
    public async Task AKillWhileTheCopyBeginsAnew_LeavesOneThatStarts(string where)
    {
        await using OcspStage stage = await ManyAsync(10);
        FeedCopy copy = Open(stage);
        copy.Append([.. stage.Source.Segments.Take(2)]);
        copy.Append([.. stage.Source.Segments.Skip(2).Take(2)]);
        byte[] content = Everything(stage, 8);
        stage.Source.MakeSnapshot(8, content);
        stage.Source.First = 7;
        string snapshot = Path.Combine(stage.File("copy"), "snapshots", where == "staged" ? "000000000008.begun" : "000000000008");
        Directory.CreateDirectory(snapshot);
        await File.WriteAllBytesAsync(Path.Combine(snapshot, "part-0"), content, Token);
        if (where is "both" or "halfway")
        {
            var client = new FeedClient(stage.Client());
            await File.WriteAllBytesAsync(Path.Combine(snapshot, "statement"), Der.Encode((await client.FindSnapshotAsync(Token))!), Token);
        }

        if (where == "halfway")
        {
            File.Delete(Path.Combine(Folder(stage), "000000000001-000000000002"));
        }

        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        Assert.Equal(9, app.Services.GetRequiredService<FeedState>().Served!.Table.Count);
        Assert.Equal(["000000000007-000000000010"], Files(stage));
        Assert.Equal(["000000000008"], Directory.GetDirectories(Path.Combine(stage.File("copy"), "snapshots")).Select(Path.GetFileName));
        await app.StopAsync(Token);
        FeedCopy again = stage.Open();
        Assert.Null(again.Load());
        Assert.Equal((10, 9), (again.Number, again.Served!.Table.Count));
    }

    /// <summary>One segment that names the CA, and others with a certificate each.</summary>
    internal static async Task<OcspStage> ManyAsync(int count)
    {
        OcspStage stage = await OcspStage.CreateAsync();
        stage.Source.Append(stage.Begin().ToArray());
        for (int i = 1; i < count; i++)
        {
            var writer = new FeedWriter();
            writer.Status(stage.Good(Serial(i)));
            stage.Source.Append(writer.ToArray());
        }

        return stage;
    }

    internal static byte[] Everything(OcspStage stage, int count)
    {
        FeedWriter writer = stage.Begin();
        for (int i = 1; i < count; i++)
        {
            writer.Status(stage.Good(Serial(i)));
        }

        return writer.ToArray();
    }

    private static byte[] Serial(int number) => [0x41, (byte)(number >> 8), (byte)(number & 0xFF)];

    private static FeedCopy Open(OcspStage stage)
    {
        FeedCopy copy = stage.Open();
        Assert.Null(copy.Load());
        return copy;
    }

    /// <summary>It has all, and says it.</summary>
    private static FeedCopy Restart(OcspStage stage, int count)
    {
        FeedCopy copy = Open(stage);
        Assert.Equal(count, copy.Number);
        for (int i = 1; i < count; i++)
        {
            Assert.True(copy.Served!.Table.TryRead(OcspStage.Number, Serial(i), CertIdHash.Sha1, new byte[StatusTable.MaxSignature], out _));
        }

        return copy;
    }

    private static byte[] Frames(OcspStage stage, int skip, int take) =>
        [.. stage.Source.Segments.Skip(skip).Take(take).SelectMany(each => FeedFrames.Write(Der.Encode(each.Statement), each.Content.Span))];

    private static string Folder(OcspStage stage) => Path.Combine(stage.File("copy"), "segments");

    private static string[] Files(OcspStage stage) => [.. Directory.GetFiles(Folder(stage)).Select(each => Path.GetFileName(each)).Order(StringComparer.Ordinal)];
}
