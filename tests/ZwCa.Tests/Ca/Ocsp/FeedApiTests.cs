using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Issuance.Feed;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>The feed over mutual TLS, as responders fetch it.</summary>
public sealed class FeedApiTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OnlyResponders_GetIt()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        HttpClient ra = story.Stage.CreateClient(await story.Stage.RegisterAsync("ra-x", ClientKind.Ra));
        HttpClient officer = story.Stage.CreateClient(story.Stage.Entry.Link);
        HttpClient stranger = story.Stage.CreateClient(await story.Stage.IssueLinkAsync("nobody"));
        foreach (string path in (string[])["head", "segments?after=0", "snapshot", "snapshot/1/0", $"crls/{new string('0', 64)}"])
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await ra.GetAsync($"/feed/{path}", Token)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await officer.GetAsync($"/feed/{path}", Token)).StatusCode);
            Assert.NotEqual(HttpStatusCode.OK, (await stranger.GetAsync($"/feed/{path}", Token)).StatusCode);
        }
    }

    [Fact]
    public async Task AResponder_FetchesAll()
    {
        using var folder = new TemporaryFolder();
        await using OcspStory story = await OcspStory.StartAsync(settings: new Dictionary<string, string?> { ["Ca:Crls:PublicationFolders:0"] = folder.Path });
        HttpClient client = await ResponderAsync(story);

        // Before anything is told.
        Assert.Equal(0, (await HeadAsync(story, client, "")).Tbs.Number);
        Assert.Empty(await client.GetByteArrayAsync("/feed/segments?after=0", Token));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/feed/snapshot", Token)).StatusCode);

        CertificateAnswer certificate = await story.IssueAsync();
        await story.TellAsync();
        ZwCa.Ca.Crls.CrlScope scope = story.Stage.CompleteScopeOf(certificate);
        await story.Stage.MakeAsync(scope);
        await story.Stage.PublishAsync();
        await story.Services.GetRequiredService<TellCrls>().RunAsync(Token);
        var copy = new FeedCopy(story.Key.PublicKey);
        foreach (FeedSegment segment in FeedFrames.Read(await client.GetByteArrayAsync("/feed/segments?after=0", Token)))
        {
            copy.Take(segment);
        }

        FeedStatement head = await HeadAsync(story, client, "?after=0");
        Assert.Equal(copy.Number, head.Tbs.Number);
        Assert.NotNull(copy.FindResponse(certificate.Serial));
        FeedCrl told = Assert.Single(copy.Crls);
        byte[] crl = await client.GetByteArrayAsync($"/feed/crls/{Convert.ToHexStringLower(told.Hash.Span)}", Token);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder.Path, scope.Path)), crl);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/feed/crls/{new string('0', 64)}", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/feed/crls/x", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/feed/segments?after=-1", Token)).StatusCode);

        await story.Services.GetRequiredService<MakeSnapshot>().RunAsync(Token);
        FeedStatement snapshot = Der.Decode<FeedStatement>(await client.GetByteArrayAsync("/feed/snapshot", Token));
        byte[] part = await client.GetByteArrayAsync($"/feed/snapshot/{snapshot.Tbs.Number}/0", Token);
        Assert.Equal(Convert.ToHexString(snapshot.Tbs.Contents[0].Span), Convert.ToHexString(Sm3.HashData(part)));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/feed/snapshot/{snapshot.Tbs.Number}/1", Token)).StatusCode);

        // What was deleted cannot be begun with, and the oldest that is kept can.
        await story.Stage.RawAsync("DELETE FROM feed_segment WHERE number = 1");
        using HttpResponseMessage gone = await client.GetAsync("/feed/segments?after=0", Token);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.True(long.Parse(gone.Headers.GetValues(FeedApi.FirstHeader).Single(), System.Globalization.CultureInfo.InvariantCulture) > 1);
        Assert.Equal(2, FeedFrames.Read(await client.GetByteArrayAsync("/feed/segments", Token)).First().Statement.Tbs.Number);
    }

    [Fact]
    public async Task WhoeverWaits_IsTold_AsSoonAsThereIsASegment()
    {
        await using OcspStory story = await OcspStory.StartAsync(tells: true);
        HttpClient client = await ResponderAsync(story);
        while (await story.CountAsync("ocsp_change") > 0 || await story.CountAsync("feed_segment") == 0)
        {
            await Task.Delay(50, Token);
        }

        long number = (await HeadAsync(story, client, "")).Tbs.Number;
        Task<FeedStatement> waiting = HeadAsync(story, client, $"?after={number}");
        await Task.Delay(500, Token);
        Assert.False(waiting.IsCompleted);
        CertificateAnswer certificate = await story.IssueAsync();
        var clock = Stopwatch.StartNew();
        Assert.True((await waiting).Tbs.Number > number);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(3), $"{clock.Elapsed}");
        Assert.NotNull((await story.CopyAsync()).FindResponse(certificate.Serial));
    }

    /// <summary>The stop of the service does not wait for those who wait.</summary>
    [Fact]
    public async Task AStop_EndsTheWaiting()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        HttpClient client = await ResponderAsync(story);

        // The connection is there: what is asked over it is there in a moment.
        await HeadAsync(story, client, "");
        Task<HttpResponseMessage> waiting = client.GetAsync("/feed/head?after=1000", Token);
        await Task.Delay(500, Token);
        Assert.False(waiting.IsCompleted);
        var clock = Stopwatch.StartNew();
        await story.Stage.App.StopAsync(Token);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(8), $"{clock.Elapsed}");
        Assert.Equal(HttpStatusCode.OK, (await waiting).StatusCode);
    }

    private static async Task<HttpClient> ResponderAsync(OcspStory story) => story.Stage.CreateClient(await story.Stage.RegisterAsync("ocsp-1", ClientKind.Ocsp));

    private static async Task<FeedStatement> HeadAsync(OcspStory story, HttpClient client, string query)
    {
        FeedStatement head = Der.Decode<FeedStatement>(await client.GetByteArrayAsync($"/feed/head{query}", Token));
        Assert.True(head.IsSignedBy(story.Key.PublicKey));
        Assert.Equal(FeedStatementKind.Heartbeat, head.Tbs.Kind);
        return head;
    }
}
