using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Listening;

namespace ZwCa.Tests.Ocsp;

/// <summary>The endpoint without a connection.</summary>
public sealed class EndpointTests
{
    private static readonly byte[] Serial = [0x41, 0x01];

    [Theory]
    [InlineData("GET", false)]
    [InlineData("POST", false)]
    [InlineData("POST", true)]
    public async Task WhatFailsHere_IsAnInternalError_AndNoStatusOfHttp(string method, bool hasNonce)
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync();
        await stage.WaitAsync(app);
        OcspEndpoint endpoint = Make(app.Services, new BrokenClock());
        var certId = CertIds.Of(stage.Ca, SerialNumber.FromBytes(Serial), CertIdHash.Sha1);
        byte[] request = Der.Encode(new OcspRequest(new TbsRequest(
            [new Request(certId)], hasNonce ? new Extensions(Extension.Create(new Nonce(new byte[16]), critical: false)) : null)));
        using var body = new MemoryStream();
        var http = new DefaultHttpContext { Response = { Body = body } };
        http.Request.Method = method;
        if (method == "GET")
        {
            http.Features.Get<IHttpRequestFeature>()!.RawTarget = "/" + Convert.ToBase64String(request);
        }
        else
        {
            http.Request.Path = "/";
            http.Request.ContentType = "application/ocsp-request";
            http.Request.Body = new MemoryStream(request);
        }

        await endpoint.AnswerAsync(http);

        await http.Response.BodyWriter.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal(200, http.Response.StatusCode);
        Assert.Equal("no-store", http.Response.Headers.CacheControl);
        Assert.Equal(ResponseStatus.InternalError, Der.Decode<OcspResponse>(body.ToArray()).ResponseStatus);
    }

    [Theory]
    [InlineData("http://ocsp.example/ocsp/MEIw", "MEIw")]
    [InlineData("HTTP://ocsp.example:8080/MEIw", "MEIw")]
    [InlineData("http://ocsp.example", null)]
    [InlineData("http://MEIw", null)]
    [InlineData("https://ocsp.example/MEIw", null)]
    [InlineData("/MEIw?x", null)]
    public void ATargetWithItsHost_IsTheSameQuestion(string target, string? text)
    {
        Assert.Equal(text is not null, GetRequest.TryFind(target, out ReadOnlySpan<char> found));
        Assert.True(text is null || found.SequenceEqual(text));
    }

    private static OcspEndpoint Make(IServiceProvider services, TimeProvider broken)
    {
        OcspOptions options = services.GetRequiredService<OcspOptions>();
        FeedState state = services.GetRequiredService<FeedState>();
        var live = new SignLive(options, services.GetRequiredService<IReadOnlyList<LiveSigner>>(), services.GetRequiredService<TokenBuckets>(), state, broken);
        return new OcspEndpoint(
            options,
            new AnswerOcsp(options, state, live, broken),
            services.GetRequiredService<PublishedFiles>(),
            services.GetRequiredService<OcspMetrics>(),
            services.GetRequiredService<Drain>(),
            TimeProvider.System,
            NullLogger<OcspEndpoint>.Instance);
    }

    private sealed class BrokenClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException("It stands still.");
    }
}
