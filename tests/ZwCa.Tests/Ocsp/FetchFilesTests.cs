using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Cryptography;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Tests.Ocsp;

/// <summary>CRLs and snapshots come apart from the segments: however slow or wrong they are, revocations are heard.</summary>
public sealed class FetchFilesTests
{
    private static readonly byte[] Serial = [0x41];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("crls")]
    [InlineData("snapshot")]
    public async Task WhileAFileNeverEnds_ARevocationIsHeard(string what)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await AppendCrlAsync(stage, "all", new byte[1 << 20]);
        stage.Source.MakeSnapshot(stage.Begin().ToArray());
        stage.Source.File = path => path.Contains(what, StringComparison.Ordinal) ? new StreamContent(new Dripping(TimeSpan.FromMilliseconds(50))) : null;
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        await WaitAsync(() => stage.Source.Asked.Any(each => each.Contains(what, StringComparison.Ordinal)));

        FeedState state = app.Services.GetRequiredService<FeedState>();
        await stage.AppendAsync(stage.Revoked(Serial));
        await WaitAsync(() => FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked);
        Assert.Null(state.Fault);
        Assert.Equal(1, stage.Source.Asked.Count(each => each.Contains(what, StringComparison.Ordinal)));
    }

    /// <summary>Whoever sends a byte now and then is as good as one who is away; whoever sends much may take its time.</summary>
    [Fact]
    public async Task ASenderWhoDrips_IsGivenUp()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        stage.Source.File = _ => new StreamContent(new Dripping(TimeSpan.FromMilliseconds(20)));
        using HttpClient http = stage.Client();
        http.Timeout = TimeSpan.FromMilliseconds(500);
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new FeedClient(http).ReadCrlAsync(new byte[32], 1 << 20, Stream.Null, Token));
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(400), TimeSpan.FromSeconds(10));

        stage.Source.File = _ => new StreamContent(new Dripping(TimeSpan.FromMilliseconds(20), 1024));
        await new FeedClient(http).ReadCrlAsync(new byte[32], 1 << 20, Stream.Null, Token);
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task ACrlThatCannotBeHad_KeepsNoOtherBack_AndIsSaidOfTheFilesAlone()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        byte[] crl = await PullFeedTests.MakeCrlAsync(stage, 7);
        await AppendCrlAsync(stage, "a", [0x30, 0x00]);
        var writer = new FeedWriter();
        writer.Crl(new FeedCrl(OcspStage.Number, "b", 7, crl.Length, Sm3.HashData(crl)));
        writer.Crl(new FeedCrl(OcspStage.Number, "c", 7, 9, new byte[32]));
        stage.Source.Append(writer.ToArray());
        stage.Source.Crls[Convert.ToHexStringLower(Sm3.HashData(crl))] = crl;
        (WebApplication app, _) = await stage.StartAsync();
        FeedState state = app.Services.GetRequiredService<FeedState>();
        await WaitAsync(() => app.Services.GetRequiredService<CrlFiles>().Find(OcspStage.Number, "b") is not null && state.FileFault is not null);
        Assert.Contains("(a)", state.FileFault, StringComparison.Ordinal);
        Assert.Contains("(c)", state.FileFault, StringComparison.Ordinal);
        Assert.Null(state.Fault);
    }

    /// <summary>Signed by nobody whom the operator has named: said, and nothing of it is kept. Segments go on.</summary>
    [Fact]
    public async Task ASnapshotThatIsNotTheFeeds_IsNotFetched()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        stage.Source.ChangeKey(9);
        stage.Source.MakeSnapshot(stage.Begin().ToArray());
        stage.Source.ChangeKey(1);
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        FeedState state = app.Services.GetRequiredService<FeedState>();
        await WaitAsync(() => state.FileFault is not null);
        Assert.Contains("not signed", state.FileFault, StringComparison.Ordinal);
        Assert.Empty(stage.Source.Asked);
        Assert.Null(state.Fault);
        await stage.AppendAsync(stage.Revoked(Serial));
        await WaitAsync(() => FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked);
    }

    [Fact]
    public async Task PartsThatHaveCome_AreNotFetchedAgain_AndAWrongOneIsNotKept()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        FeedWriter second = new();
        second.Status(stage.Good(Serial));
        stage.Source.MakeSnapshot(stage.Begin().ToArray(), second.ToArray());
        int failures = 0;
        stage.Source.File = path => path.EndsWith("/1", StringComparison.Ordinal) && failures++ < 2 ? new ByteArrayContent([9]) : null;
        (WebApplication app, _) = await stage.StartAsync();
        await WaitAsync(() => Directory.Exists(Path.Combine(stage.File("copy"), "snapshots", "000000000001")));
        Assert.Equal(["/feed/snapshot/1/0", "/feed/snapshot/1/1", "/feed/snapshot/1/1", "/feed/snapshot/1/1"], stage.Source.Asked);
        await WaitAsync(() => app.Services.GetRequiredService<FeedState>().FileFault is null);
        await app.StopAsync(Token);
        FeedCopy copy = stage.Open();
        Assert.Null(copy.Load());
        Assert.Equal(1, copy.SnapshotNumber);
    }

    /// <summary>A file of segments that the disk has damaged while the node runs: what is in memory is right, and a start needs a snapshot all the more.</summary>
    [Fact]
    public async Task ASegmentThatCannotBeJoined_IsSaid_AndTheSnapshotComes()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        FeedCopy copy = stage.Open();
        copy.Load();
        for (int i = 1; i <= 40; i++)
        {
            await stage.AppendAsync(stage.Good(Serial, i));
            copy.Append(stage.Source.Segments[^1]);
        }

        copy.Hear(stage.Source.MakeHeartbeat(40));
        stage.Source.MakeSnapshot(stage.Begin().ToArray());

        // Loaded, and not tidied yet: that waits until the CA was heard.
        stage.Source.IsAway = true;
        (WebApplication app, _) = await stage.StartAsync();
        FeedState state = app.Services.GetRequiredService<FeedState>();
        await WaitAsync(() => state.Served is not null);
        await File.WriteAllBytesAsync(Path.Combine(stage.File("copy"), "segments", "000000000005"), [1, 2, 3], Token);
        stage.Source.IsAway = false;
        await WaitAsync(() => Directory.Exists(Path.Combine(stage.File("copy"), "snapshots", "000000000040")));
        await WaitAsync(() => state.FileFault?.Contains("000000000005", StringComparison.Ordinal) == true);
        Assert.Empty(Directory.GetFiles(Path.Combine(stage.File("copy"), "segments"), "*.tmp"));
        Assert.Null(state.Fault);
    }

    private static async Task AppendCrlAsync(OcspStage stage, string shard, byte[] crl)
    {
        FeedWriter writer = stage.Begin();
        await stage.WriteAsync(writer, stage.Good(Serial));
        writer.Crl(new FeedCrl(OcspStage.Number, shard, 7, crl.Length, Sm3.HashData(crl)));
        stage.Source.Append(writer.ToArray());
    }

    private static async Task WaitAsync(Func<bool> what)
    {
        for (int i = 0; !what(); i++)
        {
            Assert.True(i < 800, "It did not come.");
            await Task.Delay(25, Token);
        }
    }

    /// <summary>Some bytes at a time; a hundred times, or without an end.</summary>
    private sealed class Dripping(TimeSpan every, int? atOnce = null) : Stream
    {
        private int _left = atOnce is null ? int.MaxValue : 100;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(every, cancellationToken);
            return _left-- > 0 ? Math.Min(buffer.Length, atOnce ?? 1) : 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
