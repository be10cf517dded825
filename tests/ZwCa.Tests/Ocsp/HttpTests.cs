using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Listening;

namespace ZwCa.Tests.Ocsp;

/// <summary>OCSP over HTTP: where it is asked, what caches may do, and what is no question.</summary>
public sealed class HttpTests : IAsyncLifetime
{
    private static readonly byte[] Serial = [0x41, 0xFF, 0xFE, 0x3E];

    private OcspStage _stage = null!;
    private HttpClient _http = null!;
    private Uri _address = null!;

    public async ValueTask InitializeAsync()
    {
        _stage = await OcspStage.CreateAsync();
        await _stage.AppendAsync(_stage.Good(Serial));
        (WebApplication app, _address) = await _stage.StartAsync(_stage.Options() with { MaxBytes = 1024, ConnectionsOfOne = 20 });
        await _stage.WaitAsync(app);
        _http = new HttpClient { BaseAddress = _address };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _stage.DisposeAsync();
    }

    [Theory]
    [InlineData("/", "plain")]
    [InlineData("/ocsp/", "plain")]
    [InlineData("//", "plain")]
    [InlineData("/", "escaped")]
    [InlineData("/ocsp/", "escaped")]
    [InlineData("/", "lower")]
    public async Task AGet_MayHaveItsBase64AsItIs_OrEscaped(string before, string form)
    {
        string base64 = Convert.ToBase64String(Request(SerialWith('/', '+', '=')));
        Assert.True(base64.Contains('/', StringComparison.Ordinal) && base64.Contains('+', StringComparison.Ordinal) && base64.EndsWith('='), base64);
        string text = form switch
        {
            "escaped" => Uri.EscapeDataString(base64),
            "lower" => base64.Replace("/", "%2f", StringComparison.Ordinal).Replace("+", "%2b", StringComparison.Ordinal).Replace("=", "%3d", StringComparison.Ordinal),
            _ => base64,
        };
        (int status, string head, byte[] body) = await SendAsync($"GET {before}{text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.Equal(200, status);
        Assert.Contains("application/ocsp-response", head, StringComparison.Ordinal);
        Assert.IsType<Unknown>(Der.Decode<OcspResponse>(body).DecodeBasic().Tbs.Responses[0].CertStatus);
    }

    /// <summary>RFC 5019 §6.2.</summary>
    [Fact]
    public async Task CachesAreToldWhatTheyMayKeep_AndNeverBeyondTheEnd()
    {
        var path = new Uri($"/ocsp/{Uri.EscapeDataString(Convert.ToBase64String(Request(Serial)))}", UriKind.Relative);
        using HttpResponseMessage first = await _http.GetAsync(path, TestContext.Current.CancellationToken);
        SingleResponse single = Der.Decode<OcspResponse>(await first.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).DecodeBasic().Tbs.Responses[0];
        Assert.Equal(single.ThisUpdate.Value, first.Content.Headers.LastModified);
        Assert.True(first.Headers.CacheControl!.Public && first.Headers.CacheControl.MustRevalidate && first.Headers.CacheControl.NoTransform);
        Assert.Equal(TimeSpan.FromHours(1), first.Headers.CacheControl.MaxAge);
        Assert.True(first.Content.Headers.Expires <= single.NextUpdate!.Value.Value);

        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        using HttpResponseMessage known = await _http.SendAsync(again, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NotModified, first.Headers.ETag), (known.StatusCode, known.Headers.ETag));
        Assert.Empty(await known.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));

        // A minute before its end, and then it is another one.
        _stage.Time.By = OcspStage.Validity - TimeSpan.FromMinutes(1);
        using HttpResponseMessage late = await _http.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.InRange(late.Headers.CacheControl!.MaxAge!.Value, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60));
        Assert.True(late.Content.Headers.Expires <= single.NextUpdate!.Value.Value);

        _stage.Time.By = TimeSpan.Zero;
        await _stage.AppendAsync(_stage.Revoked(Serial));
        for (int i = 0; ; i++)
        {
            using var third = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
            using HttpResponseMessage revoked = await _http.SendAsync(third, TestContext.Current.CancellationToken);
            if (revoked.StatusCode == HttpStatusCode.OK)
            {
                return;
            }

            Assert.True(i < 200, "The revocation was not seen.");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("PUT", "/ocsp", "application/ocsp-request", 10, 405)]
    [InlineData("DELETE", "/", null, 0, 405)]
    [InlineData("HEAD", "/ocsp/MA==", null, 0, 405)]
    [InlineData("GET", "/", null, 0, 405)]
    [InlineData("GET", "/ocsp", null, 0, 405)]
    [InlineData("GET", "/favicon.ico", null, 0, 404)]
    [InlineData("GET", "/health/ready", null, 0, 404)]
    [InlineData("GET", "/metrics", null, 0, 404)]
    [InlineData("GET", "/crl/../../copy-heard", null, 0, 404)]
    [InlineData("GET", "/crl/00112233/all.crl", null, 0, 404)]
    [InlineData("GET", "/ca/00112233.cer", null, 0, 404)]
    [InlineData("DELETE", "/ca/00112233.cer", null, 0, 405)]
    [InlineData("POST", "/other", "application/ocsp-request", 10, 404)]
    [InlineData("POST", "/ocsp", "text/plain", 10, 415)]
    [InlineData("POST", "/ocsp", null, 10, 415)]
    [InlineData("POST", "/ocsp", "application/ocsp-request", 1025, 413)]
    [InlineData("POST", "/ocsp", "application/ocsp-request; charset=x", 1024, 200)]
    [InlineData("POST", "/", "Application/OCSP-Request", 0, 200)]
    public async Task WhatIsNoQuestion_HasTheStatusThatHttpHasForIt(string method, string path, string? type, int length, int expected)
    {
        string head = $"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{(type is null ? "" : $"Content-Type: {type}\r\n")}{(method is "GET" or "HEAD" or "DELETE" ? "" : $"Content-Length: {length}\r\n")}\r\n{new string('x', length)}";
        (int status, string answer, byte[] body) = await SendAsync(head);
        Assert.Equal(expected, status);
        if (expected == 200)
        {
            Assert.Equal(ResponseStatus.MalformedRequest, Der.Decode<OcspResponse>(body).ResponseStatus);
        }

        Assert.Contains("no-store", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(expected == 405, answer.Contains("Allow:", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>In pieces, without a length beforehand.</summary>
    [Fact]
    public async Task ABodyInChunks_IsRead_AndEndsAtTheLimit()
    {
        byte[] request = Request(Serial);
        var body = new StringBuilder("POST /ocsp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\nTransfer-Encoding: chunked\r\n\r\n");
        foreach (byte each in request)
        {
            body.Append(CultureInfo.InvariantCulture, $"1\r\n{(char)each}\r\n");
        }

        Assert.Equal((200, true), await ReadAsync(body + "0\r\n\r\n"));
        body.Clear().Append("POST /ocsp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/ocsp-request\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 20; i++)
        {
            body.Append(CultureInfo.InvariantCulture, $"40\r\n{new string('x', 64)}\r\n");
        }

        Assert.Equal(413, (await SendAsync(body + "0\r\n\r\n")).Status);

        async Task<(int, bool)> ReadAsync(string text)
        {
            (int status, _, byte[] answer) = await SendAsync(text);
            return (status, Der.Decode<OcspResponse>(answer).ResponseStatus == ResponseStatus.Successful);
        }
    }

    [Fact]
    public async Task ACertificateOfACa_IsThere()
    {
        string ski = Convert.ToHexStringLower(_stage.Ca.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span);
        using HttpResponseMessage answer = await _http.GetAsync(new Uri($"/ca/{ski}.cer", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(Der.Encode(_stage.Ca), await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("application/pkix-cert", answer.Content.Headers.ContentType!.MediaType);
        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri($"/ca/{ski}.cer", UriKind.Relative)) { Headers = { IfNoneMatch = { answer.Headers.ETag! } } };
        Assert.Equal(HttpStatusCode.NotModified, (await _http.SendAsync(again, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public void OneVisitor_DoesNotKeepTheOthersOut()
    {
        var visitors = new VisitorCount(_stage.Options() with { Connections = 10, ConnectionsOfOne = 4 });
        IPAddress one = IPAddress.Parse("192.0.2.1"), six = IPAddress.Parse("2001:db8::1"), neighbour = IPAddress.Parse("2001:db8:0:ff::2"), other = IPAddress.Parse("2001:db8:0:100::1");
        Assert.Equal([true, true, true, true, false], Enumerable.Range(0, 5).Select(i => visitors.TryEnter(i % 2 == 0 ? one : one.MapToIPv6())));
        Assert.Equal([true, true, true, true, false], Enumerable.Range(0, 5).Select(i => visitors.TryEnter(i % 2 == 0 ? six : neighbour)));
        Assert.True(visitors.TryEnter(other));
        Assert.True(visitors.TryEnter(null));
        Assert.False(visitors.TryEnter(IPAddress.Loopback));
        visitors.Leave(one);
        Assert.True(visitors.TryEnter(one));
    }

    /// <summary>Whoever has a /48, or a whole provider's network, has clients without an end.</summary>
    [Theory]
    [InlineData("2001:db8:{0}:{1}00::1", "2001:db9::1")]
    [InlineData("192.0.{0}.{1}", "192.1.0.1")]
    public void OneProvider_HasHalfOfAllAtMost(string form, string other)
    {
        var visitors = new VisitorCount(_stage.Options() with { Connections = 100, ConnectionsOfOne = 4 });
        IPAddress[] many = [.. Enumerable.Range(0, 200).Select(i => IPAddress.Parse(string.Format(CultureInfo.InvariantCulture, form, i / 20, i % 20)))];
        Assert.Equal(50, many.Count(visitors.TryEnter));
        Assert.True(visitors.TryEnter(IPAddress.Parse(other)));
        visitors.Leave(many[0]);
        Assert.True(visitors.TryEnter(many[199]));
        Assert.False(visitors.TryEnter(many[198]));
    }

    [Fact]
    public async Task MoreConnectionsThanOneMayHave_AreClosed()
    {
        var clients = new List<TcpClient>();
        try
        {
            int closed = 0;
            for (int i = 0; i < 30; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                try
                {
                    await client.ConnectAsync(_address.Host, _address.Port, TestContext.Current.CancellationToken);
                }
                catch (SocketException)
                {
                    closed++;
                    continue;
                }

                closed += await IsClosedAsync(client) ? 1 : 0;
            }

            Assert.InRange(closed, 10, 12);
        }
        finally
        {
            clients.ForEach(each => each.Dispose());
        }

        static async Task<bool> IsClosedAsync(TcpClient client)
        {
            using var wait = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));
            try
            {
                return await client.GetStream().ReadAsync(new byte[1], wait.Token) == 0;
            }
            catch (IOException)
            {
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void Buckets_AreOfNetworks_AndAreNeverMoreThanTheyMayBe()
    {
        var buckets = new TokenBuckets(new BucketOptions { ClientAtOnce = 2, ClientPerSecond = 1, NodeAtOnce = 1000, NodePerSecond = 1, Clients = 16, Ipv4Bits = 24 }, _stage.Time);
        Assert.Equal([true, true, false], new[] { "192.0.2.1", "192.0.2.200", "::ffff:192.0.2.7" }.Select(each => buckets.TryTake(IPAddress.Parse(each))));
        Assert.True(buckets.TryTake(IPAddress.Parse("192.0.3.1")));
        Assert.Equal([true, true, false, true], new[] { "2001:db8:0:1::1", "2001:db8:0:ff::1", "2001:db8::1", "2001:db8:0:100::1" }.Select(each => buckets.TryTake(IPAddress.Parse(each))));
        int taken = Enumerable.Range(0, 200).Count(i => buckets.TryTake(new IPAddress([10, 0, (byte)i, 1])));

        // Each of those that have a bucket, and two of all the others.
        Assert.Equal((16, 12 + 2), (buckets.Count, taken));
        var node = new TokenBuckets(new BucketOptions { NodeAtOnce = 3, NodePerSecond = 0.001 }, _stage.Time);
        Assert.Equal(3, Enumerable.Range(0, 10).Count(i => node.TryTake(new IPAddress([10, 0, (byte)i, 1]))));
    }

    /// <summary>A serial number with which base64 of the request has these characters, the padding at its end.</summary>
    private byte[] SerialWith(params char[] characters)
    {
        for (int i = 0; ; i++)
        {
            byte[] serial = [0x42, .. BitConverter.GetBytes(i), .. new byte[i % 3]];
            if (characters.All(Convert.ToBase64String(Request(serial)).Contains))
            {
                return serial;
            }
        }
    }

    private byte[] Request(byte[] serial) => Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(_stage.Ca, SerialNumber.FromBytes(serial), CertIdHash.Sha1))])));

    /// <summary>As it stands, without a client that puts it right.</summary>
    private async Task<(int Status, string Head, byte[] Body)> SendAsync(string text)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_address.Host, _address.Port, TestContext.Current.CancellationToken);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current.CancellationToken);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        string all = Encoding.Latin1.GetString(bytes.ToArray());
        int end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0, "No answer.");
        return (int.Parse(all.AsSpan(9, 3), CultureInfo.InvariantCulture), all[..end], Encoding.Latin1.GetBytes(all[(end + 4)..]));
    }
}
