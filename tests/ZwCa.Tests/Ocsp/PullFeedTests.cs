using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Tests.Ocsp;

/// <summary>A node and a CA that may be away, or lie.</summary>
public sealed class PullFeedTests
{
    private static readonly byte[] Serial = [0x41];

    [Fact]
    public async Task ARevocation_IsThereWithinASecond()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        await stage.AppendAsync(stage.Revoked(Serial));
        DateTimeOffset since = TimeProvider.System.GetUtcNow();
        FeedState state = app.Services.GetRequiredService<FeedState>();
        while (!FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
            Assert.True(TimeProvider.System.GetUtcNow() - since < TimeSpan.FromSeconds(10), state.Fault);
        }

        await WaitForAsync(app, HealthStatus.Healthy);
    }

    /// <summary>Heartbeats that are fresh do not hide that segments are withheld.</summary>
    [Theory]
    [InlineData("away")]
    [InlineData("segments")]
    [InlineData("heartbeat")]
    public async Task AFeedThatIsWithheld_IsSeen(string what)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        await WaitForAsync(app, HealthStatus.Healthy);

        DateTimeOffset at = stage.Time.GetUtcNow();
        switch (what)
        {
            case "away":
                stage.Source.IsAway = true;
                break;
            case "segments":
                stage.Source.Answer = _ => [];
                await stage.AppendAsync(stage.Revoked(Serial));
                break;
            default:
                stage.Source.Heartbeat = () => stage.Source.MakeHeartbeat(1, at);
                break;
        }

        // As late as the smaller limit, and then as the greater one; where nothing else has been said.
        await Task.Delay(300, TestContext.Current.CancellationToken);
        stage.Time.By = TimeSpan.FromSeconds(40);
        await WaitForAsync(app, what == "segments" ? HealthStatus.Unhealthy : HealthStatus.Degraded);
        stage.Time.By = TimeSpan.FromMinutes(6);
        await WaitForAsync(app, HealthStatus.Unhealthy);
        Assert.False(FeedCopyTests.StatusOf(app.Services.GetRequiredService<FeedState>().Served!, Serial).IsRevoked);

        stage.Source.IsAway = false;
        stage.Source.Answer = null;
        stage.Source.Heartbeat = null;
        await WaitForAsync(app, HealthStatus.Healthy);
    }

    [Fact]
    public async Task AFeedThatGoesBackwards_IsRefusedInWords_AndWhatIsHereStaysServed()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Revoked(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        stage.Source.Heartbeat = () => stage.Source.MakeHeartbeat(1);
        HealthReportEntry feed = (await WaitForAsync(app, HealthStatus.Unhealthy, "goes backwards")).Entries["feed"];
        Assert.Contains("goes backwards", feed.Description, StringComparison.Ordinal);
        Assert.True(FeedCopyTests.StatusOf(app.Services.GetRequiredService<FeedState>().Served!, Serial).IsRevoked);
    }

    /// <summary>A node that was away for weeks: what follows its copy is not kept any more.</summary>
    [Fact]
    public async Task AGap_IsBridgedByTheSnapshot()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        await app.StopAsync(TestContext.Current.CancellationToken);
        for (int i = 2; i <= 6; i++)
        {
            await stage.AppendAsync(stage.Good([0x42, (byte)i]));
        }

        FeedWriter snapshot = stage.Begin();
        snapshot.Status(stage.Revoked(Serial));
        stage.Source.MakeSnapshot(5, snapshot.ToArray());
        stage.Source.First = 4;
        (app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        FeedState state = app.Services.GetRequiredService<FeedState>();
        Assert.True(FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked);
        Assert.True(FeedCopyTests.StatusOf(state.Served!, [0x42, 4]).HasResponse);
        Assert.False(state.Served!.Table.TryRead(1, [0x42, 3], CertIdHash.Sha1, new byte[StatusTable.MaxSignature], out _));
    }

    /// <summary>In the middle of an answer the connection is reset: that is nobody's lie, and no fault of the disk's.</summary>
    [Fact]
    public async Task AConnectionThatBreaks_IsACaThatIsAway()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Revoked(Serial));
        stage.Source.MakeSnapshot(1, stage.Begin().ToArray());
        stage.Source.First = 2;
        stage.Source.File = _ => new StreamContent(new Breaking());
        (WebApplication app, _) = await stage.StartAsync();
        FeedState state = app.Services.GetRequiredService<FeedState>();
        for (int i = 0; stage.Source.Asked.Count < 3; i++)
        {
            Assert.True(i < 800, "The node gave up.");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }

        Assert.Null(state.Fault);
        stage.Source.File = null;
        await stage.WaitAsync(app);
        Assert.True(FeedCopyTests.StatusOf(state.Served!, Serial).IsRevoked);
    }

    [Fact]
    public async Task WithoutASnapshot_AGapIsSaid()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Good(Serial, 2));
        stage.Source.First = 2;
        (WebApplication app, _) = await stage.StartAsync();
        HealthReport report = await WaitForAsync(app, HealthStatus.Unhealthy, "gap");
        Assert.Contains("there is no snapshot", report.Entries["feed"].Description, StringComparison.Ordinal);
        Assert.Null(app.Services.GetRequiredService<FeedState>().Served);
    }

    /// <summary>A CA that says where to begin, and has nothing there, is not asked without an end.</summary>
    [Fact]
    public async Task AGapBehindTheSnapshot_IsSaid()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await stage.AppendAsync(stage.Good(Serial, 2));
        stage.Source.MakeSnapshot(1, stage.Begin().ToArray());
        stage.Source.First = 2;
        stage.Source.Said = 1;
        (WebApplication app, _) = await stage.StartAsync();
        await WaitForAsync(app, HealthStatus.Unhealthy, "is not to be had, though");
        stage.Source.Said = null;
        await WaitForAsync(app, HealthStatus.Healthy);
    }

    /// <summary>A CRL comes with the feed and is kept: a start without the CA has it, and a file that was changed is not given out.</summary>
    [Fact]
    public async Task ACrl_IsGivenOut_AndAChangedFileIsNot()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        byte[] crl = await MakeCrlAsync(stage, 7);
        FeedWriter writer = stage.Begin();
        writer.Crl(new FeedCrl(OcspStage.Number, "all", 7, crl.Length, Sm3.HashData(crl)));
        stage.Source.Append(writer.ToArray());
        stage.Source.Crls[Convert.ToHexStringLower(Sm3.HashData(crl))] = crl;
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        for (int i = 0; app.Services.GetRequiredService<CrlFiles>().Find(OcspStage.Number, "all") is null; i++)
        {
            Assert.True(i < 400, "The CRL was not fetched.");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }

        await app.StopAsync(TestContext.Current.CancellationToken);
        stage.Source.IsAway = true;
        (app, Uri address) = await stage.StartAsync();
        using var http = new HttpClient { BaseAddress = address };
        string ski = Convert.ToHexStringLower(stage.Ca.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span);
        await WaitForServedAsync(app);
        using HttpResponseMessage answer = await http.GetAsync(new Uri($"/crl/{ski}/all.crl", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(crl, await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("application/pkix-crl", answer.Content.Headers.ContentType!.MediaType);
        Assert.InRange(answer.Headers.CacheControl!.MaxAge!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        await app.StopAsync(TestContext.Current.CancellationToken);

        string file = Directory.GetFiles(Path.Combine(stage.File("copy"), "crls"))[0];
        byte[] changed = [.. crl];
        changed[^1] ^= 1;
        await File.WriteAllBytesAsync(file, changed, TestContext.Current.CancellationToken);
        (app, address) = await stage.StartAsync();
        await WaitForServedAsync(app);
        using var other = new HttpClient { BaseAddress = address };
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await other.GetAsync(new Uri($"/crl/{ski}/all.crl", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
    }

    private static async Task WaitForServedAsync(WebApplication app)
    {
        for (int i = 0; app.Services.GetRequiredService<FeedState>().Served is null; i++)
        {
            Assert.True(i < 400, "Nothing is served.");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    internal static async Task<byte[]> MakeCrlAsync(OcspStage stage, int number)
    {
        Time now = new(OcspStage.Seconds(stage.Time.GetUtcNow()));
        var tbs = new TbsCertList(
            stage.Issuer.Signer.AlgorithmIdentifier,
            stage.Issuer.Name,
            now,
            new Time(now.Value.AddDays(1)),
            [],
            new Extensions(
                Extension.Create(new AuthorityKeyIdentifier(SubjectKeyIdentifier.Of(stage.Issuer.Signer.SubjectPublicKeyInfo).KeyIdentifier), critical: false),
                Extension.Create(new CrlNumber(number), critical: false)));
        byte[] bytes = Der.Encode(tbs);
        return Der.Encode(CertificateList.Assemble(bytes, await stage.Issuer.Signer.SignAsync(bytes)));
    }

    private static async Task<HealthReport> HealthAsync(WebApplication app) =>
        await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

    private static async Task<HealthReport> WaitForAsync(WebApplication app, HealthStatus status, string says = "")
    {
        for (int i = 0; ; i++)
        {
            HealthReport report = await HealthAsync(app);
            if (report.Status == status && report.Entries.Values.Any(each => says.Length == 0 || each.Description?.Contains(says, StringComparison.Ordinal) == true))
            {
                return report;
            }

            Assert.True(i < 400, $"{report.Status}: {string.Join(' ', report.Entries.Select(each => each.Value.Description))}");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Three bytes, and then the other side is gone.</summary>
    private sealed class Breaking : MemoryStream
    {
        private bool _hasBegun;

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_hasBegun)
            {
                throw new IOException("Connection reset by peer");
            }

            _hasBegun = true;
            return ValueTask.FromResult(3);
        }
    }

    /// <summary>Waiting for news that do not come would be ten seconds in which it signs nothing.</summary>
    [Fact]
    public async Task WhoHasHeardNothingYet_OrNotSinceTheCaWasAway_AsksWithoutWaiting()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good([0x41]));
        (WebApplication first, _) = await stage.StartAsync();
        await stage.WaitAsync(first);
        await first.StopAsync(TestContext.Current.CancellationToken);
        stage.Source.Heads.Clear();

        (WebApplication node, _) = await stage.StartAsync();
        await stage.WaitAsync(node);
        Assert.Equal(0, await HeadAsync());
        while (!stage.Source.Heads.Contains(1))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        stage.Source.IsAway = true;
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        stage.Source.Heads.Clear();
        stage.Source.IsAway = false;
        Assert.Equal(0, await HeadAsync());

        async Task<long> HeadAsync()
        {
            long after;
            while (!stage.Source.Heads.TryPeek(out after))
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            return after;
        }
    }
}
