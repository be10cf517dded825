using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Requests;

namespace ZwCa.Tests.ServiceDefaults.Requests;

public sealed class LimitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABodyAboveTheLimitIsTooLarge_AnnouncedOrNot()
    {
        await using SampleService service = await StartAsync(limits => limits with { BodyBytes = 1000 });
        HttpClient client = await service.RegisterAsync("ra-11");

        Assert.Null(await RefusalAsync(client, new ByteArrayContent(new byte[1000])));
        Assert.Equal(Refusal.TooLarge, await RefusalAsync(client, new ByteArrayContent(new byte[1001])));
        Assert.Equal(Refusal.TooLarge, await RefusalAsync(client, new StreamContent(new Unannounced(5000))));
    }

    [Fact]
    public async Task HeaderLinesAboveTheLimitAreRefused()
    {
        await using SampleService service = await StartAsync(limits => limits with { HeaderBytes = 4096, HeaderCount = 16 });

        Assert.StartsWith("HTTP/1.1 431", await TalkAsync(service, $"GET /public HTTP/1.1\r\nHost: x\r\nX: {new string('x', 5000)}\r\n\r\n"), StringComparison.Ordinal);
        string many = string.Concat(Enumerable.Range(0, 20).Select(i => $"X-{i}: x\r\n"));
        Assert.StartsWith("HTTP/1.1 431", await TalkAsync(service, $"GET /public HTTP/1.1\r\nHost: x\r\n{many}\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 414", await TalkAsync(service, $"GET /{new string('x', 10_000)} HTTP/1.1\r\nHost: x\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoSendsHeadersTooSlowlyIsCutOff()
    {
        await using SampleService service = await StartAsync(limits => limits with { HeadersTimeout = TimeSpan.FromSeconds(1) });

        Assert.StartsWith("HTTP/1.1 408", await TalkAsync(service, "GET /public HTTP/1.1\r\nHost: x\r\nX-Slow: "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoSendsABodyTooSlowlyIsCutOff()
    {
        await using SampleService service = await StartAsync(limits => limits with { BodyGracePeriod = TimeSpan.FromSeconds(1.1), BodyBytesPerSecond = 1000 });

        string answer = await TalkAsync(service, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nfirst");

        // Nobody has looked at the request: sent again it may be taken.
        Assert.StartsWith("HTTP/1.1 503", answer, StringComparison.Ordinal);
        Assert.Contains("urn:zwca:refusal:Unavailable", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoNeverShakesHandsIsCutOff()
    {
        await using SampleService service = await StartAsync(limits => limits with { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancellation);

        Assert.Equal(0, await socket.GetStream().ReadAsync(new byte[1], Cancellation).AsTask().WaitAsync(Patience, Cancellation));
    }

    [Fact]
    public async Task ConnectionsAboveTheLimitAreClosed_AndHealthStillAnswers()
    {
        await using SampleService service = await StartAsync(limits => limits with { Connections = 1 });
        using var first = new TcpClient();
        await first.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancellation);
        await using var tls = new SslStream(first.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");

        using var second = new TcpClient();
        await second.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancellation);
        Assert.Equal(0, await ReadOrResetAsync(second).WaitAsync(Patience, Cancellation));

        using var http = new HttpClient { BaseAddress = service.Management };
        Assert.Equal("live", await http.GetStringAsync("/health/live", Cancellation));
    }

    [Fact]
    public async Task WorkThatTakesTooLongIsGivenUp()
    {
        await using SampleService service = await StartAsync(limits => limits with { RequestTimeout = TimeSpan.FromSeconds(1) });

        using HttpResponseMessage answer = await service.CreateClient(null).GetAsync("/long", Cancellation);

        Assert.Equal(Refusal.Unavailable, (await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation))).Kind);
    }

    [Fact]
    public async Task AClientAboveItsRateIsToldToWait_AndOthersAreNot()
    {
        await using SampleService service = await StartAsync(limits => limits with { RequestsAtOnce = 3, RequestsPerSecond = 1 });
        HttpClient greedy = await service.RegisterAsync("ra-11");
        HttpClient other = await service.RegisterAsync("ra-12");
        RefusalException? refusal = null;
        for (int i = 0; i < 50 && refusal is null; i++)
        {
            using HttpResponseMessage answer = await greedy.GetAsync("/who", Cancellation);
            refusal = answer.IsSuccessStatusCode ? null : await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation));
            Assert.True(refusal is null || answer.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        }

        Assert.Equal(Refusal.TooManyRequests, refusal!.Kind);
        Assert.Equal("ra-12", await other.GetStringAsync("/who", Cancellation));
    }

    /// <summary>Who is not known is counted by what he cannot change at will.</summary>
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("::ffff:10.0.0.1", "::ffff:10.0.0.2", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void AddressesThatCountAsOne(string one, string other, bool same) =>
        Assert.Equal(same, ClientRate.KeyOf(IPAddress.Parse(one)) == ClientRate.KeyOf(IPAddress.Parse(other)));

    private static Task<SampleService> StartAsync(Func<RequestLimits, RequestLimits> change) => SampleService.StartAsync(new SampleSetup
    {
        Options = options => options with { Limits = change(options.Limits) },
        Map = app =>
        {
            app.MapPost("/slow", async (HttpContext context) => await context.Request.Body.CopyToAsync(Stream.Null)).AllowAnonymous();
            app.MapGet("/long", async (HttpContext context) => await Task.Delay(Patience, context.RequestAborted)).AllowAnonymous();
        },
    });

    private static async Task<Refusal?> RefusalAsync(HttpClient client, HttpContent body)
    {
        using (body)
        {
            using HttpResponseMessage answer = await client.PostAsync("/echo", body, Cancellation);
            return answer.IsSuccessStatusCode ? null : (await Assert.ThrowsAsync<RefusalException>(() => answer.ThrowIfRefusedAsync(Cancellation))).Kind;
        }
    }

    private static async Task<int> ReadOrResetAsync(TcpClient socket)
    {
        try
        {
            return await socket.GetStream().ReadAsync(new byte[1], Cancellation);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <returns>All that the server says until it closes.</returns>
    private static async Task<string> TalkAsync(SampleService service, string said)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancellation);
        await using var tls = new SslStream(socket.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Encoding.ASCII.GetBytes(said), Cancellation);
        using var reader = new StreamReader(tls);
        return await reader.ReadToEndAsync(Cancellation).WaitAsync(Patience, Cancellation);
    }

    /// <summary>A body whose length the client does not know beforehand: sent in chunks.</summary>
    private sealed class Unannounced(int length) : MemoryStream(new byte[length])
    {
        public override bool CanSeek => false;
    }
}
