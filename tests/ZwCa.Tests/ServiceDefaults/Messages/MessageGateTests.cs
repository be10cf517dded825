using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Cryptography;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>What gets in, and what does not: replayed, re-routed, altered, stolen.</summary>
public sealed class MessageGateTests
{
    private static readonly string[] HeaderNames =
        [MessageHeaders.SenderName, MessageHeaders.RecipientName, MessageHeaders.RequestIdName, MessageHeaders.CreatedName, MessageHeaders.SignatureName];

    /// <summary>Every line that is signed, altered on the way; and what it is refused as.</summary>
    public static TheoryData<string, string> Alterations => new()
    {
        { "sender", "BadSignature" },
        { "unknown sender", "BadSignature" },
        { "recipient", "BadSignature" },
        { "method", "BadSignature" },
        { "path", "BadSignature" },
        { "same path written otherwise", "BadSignature" },
        { "query", "BadSignature" },
        { "query dropped", "BadSignature" },
        { "id", "BadSignature" },
        { "created", "BadSignature" },
        { "body", "BadSignature" },
        { "body dropped", "BadSignature" },
        { "signature", "BadSignature" },
        { "packed", "Malformed" },
    };

    [Fact]
    public async Task SignedMessage_IsRun()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");

        Reply reply = await service.Write(ra).SendAsync();

        Assert.Equal((201, """{"run":1,"name":"a","x":"1"}"""), (reply.Status, reply.Text));
    }

    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task AlteredMessage_IsRefused(string what, string refusal)
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        await service.AddPartyAsync("4a02", "ra-2");
        Letter letter = service.Write(ra);

        Reply reply = await letter.SendAsync(request => Alter(request, what, letter));

        Assert.Equal(refusal, reply.Refusal);
        Assert.Equal(0, service.Runs);

        // The control: unaltered it is run, so nothing was spent by the attempt.
        Assert.Equal(201, (await letter.SendAsync()).Status);
    }

    [Fact]
    public async Task MessageForAnotherService_IsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");

        Assert.Equal("BadSignature", (await (service.Write(ra) with { Recipient = "kmc" }).SendAsync()).Refusal);
        Assert.Equal(0, service.Runs);
    }

    /// <summary>Whoever gives an RA the name of a service, or of a person, gives it nothing else of his.</summary>
    [Fact]
    public async Task ALinkOfTheNameAndAnotherKind_IsAnothers()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1", kind: ClientKind.Kmc);

        Assert.Equal("BadSignature", (await service.Write(ra).SendAsync()).Refusal);
        Assert.Equal(0, service.Runs);
    }

    [Fact]
    public async Task MessageOverAnothersLink_IsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        Party thief = await service.AddPartyAsync("4a02", "ra-2");
        Letter letter = service.Write(ra);

        Assert.Equal("BadSignature", (await letter.SendAsync(over: thief.Link)).Refusal);
        Assert.Equal(0, service.Runs);

        // Neither does a stored answer go to a thief.
        Assert.Equal(201, (await letter.SendAsync()).Status);
        Assert.Equal("BadSignature", (await letter.SendAsync(over: thief.Link)).Refusal);
    }

    /// <summary>Whoever maps such an endpoint has made a mistake; it lets nobody in, not even who is right.</summary>
    [Fact]
    public async Task EndpointThatAllowsAnybody_RunsNothing()
    {
        await using MessageService service = await MessageService.StartAsync();
        Letter letter = service.Write(await service.AddPartyAsync("4a01", "ra-1"), "/open");

        Assert.Equal(500, (await letter.SendAsync()).Status);
        Assert.Equal(500, (await letter.SendAsync(over: service.Sample.CreateClient(null))).Status);
        Assert.Equal(0, service.Runs);
    }

    [Fact]
    public async Task SenderNobodyKnows_IsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        using var key = Sm2PrivateKey.Generate();
        Party stranger = ra with { Signer = new MessageSigner(ZwCa.Asn1.Pkix.SerialNumber.Parse("4aff"), key) };

        Assert.Equal("BadSignature", (await service.Write(stranger).SendAsync()).Refusal);
    }

    [Fact]
    public async Task RightKeyUnderAnotherIdentity_IsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        using var key = Sm2PrivateKey.Generate();
        Party ra = await service.AddPartyAsync("4a01", "ra-1", Sm2PrivateKey.FromBytes(Export(key)));
        Letter letter = service.Write(ra);
        var message = new SignedMessage(
            ra.Signer.Sender, letter.Recipient, "POST", letter.Target, letter.Id, letter.Created, Sm3.HashData("{}"u8));
        byte[] raw = new byte[Sm2.SignatureSizeInBytes];

        key.Sign(message.Bytes.Span, raw, "ALICE123@YAHOO.COM"u8);
        Assert.Equal("BadSignature", (await letter.SendAsync(request => SetSignature(request, raw))).Refusal);

        // The control: the same with the default identity.
        key.Sign(message.Bytes.Span, raw);
        Assert.Equal(201, (await letter.SendAsync(request => SetSignature(request, raw))).Status);
    }

    [Fact]
    public async Task WithoutSignature_IsRefused()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");

        foreach (string name in HeaderNames)
        {
            Assert.Equal("Malformed", (await service.Write(ra).SendAsync(request => request.Headers.Remove(name))).Refusal);
        }

        using var bare = new HttpRequestMessage(HttpMethod.Post, "/count/a") { Content = new StringContent("{}") };
        Assert.Equal("Malformed", (await Reply.SendAsync(ra.Link, bare)).Refusal);
        Assert.Equal(0, service.Runs);
    }

    [Fact]
    public async Task BodyOverTheLimit_IsNotRun()
    {
        await using MessageService service = await MessageService.StartAsync(bodyBytes: 1000);
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        Assert.Equal(201, (await service.Write(ra, body: new string('x', 1000)).SendAsync()).Status);

        foreach (bool chunked in (bool[])[false, true])
        {
            try
            {
                Letter letter = service.Write(ra, body: new string('x', 1001));
                Assert.Equal("TooLarge", (await letter.SendAsync(request => request.Headers.TransferEncodingChunked = chunked)).Refusal);
            }
            catch (HttpRequestException)
            {
                // The server closes the connection after its answer, sometimes before the client has read it.
            }
        }

        Assert.Equal(1, service.Runs);
    }

    /// <summary>One line a refusal, with the reason that the client is not told; no path, no body.</summary>
    [Fact]
    public async Task Refusals_AreLoggedAndCounted()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        Party thief = await service.AddPartyAsync("4a02", "ra-2");
        Letter letter = service.Write(ra, "/count/张三?x=110101199003070000", "李四");
        letter = letter with { Target = new Uri(service.Sample.Address, letter.Target).PathAndQuery };

        var counted = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == MessageEvents.MeterName && instrument.Meter.Scope == service.Sample.App.Services.GetRequiredService<IMeterFactory>())
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => counted.Enqueue((string)tags[0].Value!));
        listener.Start();

        await letter.SendAsync(request => Alter(request, "created", letter));
        await letter.SendAsync(over: thief.Link);
        await (letter with { Recipient = "kmc" }).SendAsync();
        await (letter with { Created = letter.Created - TimeSpan.FromHours(1) }).SendAsync();
        await letter.SendAsync();
        await (letter with { Body = "王五" }).SendAsync();
        await letter.SendAsync(request => request.Headers.Remove(MessageHeaders.SignatureName));

        string[] lines = [.. service.Sample.Logged.Split('\n').Where(line => line.Contains("Message refused", StringComparison.Ordinal))];
        string[] reasons = ["bad signature", "another client's link", "another recipient", "too old or too new", "id of another request", "malformed headers"];
        Assert.Equal(reasons.Length, lines.Length);
        Assert.All(reasons.Zip(lines), each => Assert.Contains(JsonText(each.First), each.Second, StringComparison.Ordinal));
        Assert.All(lines[..^1], line => Assert.Contains(letter.Id.ToString(), line, StringComparison.Ordinal));
        foreach (string personal in (string[])["张三", "%E5%BC%A0", "110101199003070000", "李四", "王五"])
        {
            Assert.DoesNotContain(personal, service.Sample.Logged, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(JsonText(personal), service.Sample.Logged, StringComparison.OrdinalIgnoreCase);
        }

        string[] outcomes =
            ["bad_signature", "another_client's_link", "another_recipient", "too_old_or_too_new", "run", "id_of_another_request", "malformed_headers"];
        Assert.Equal(outcomes, counted);
        string document = Architecture.RepositoryTree.ReadText("docs/MESSAGES.md");
        Assert.All(outcomes, outcome => Assert.Contains($"| `{outcome}` | ", document, StringComparison.Ordinal));

        // Where the operator sees it; the exporter counts for all services of a process, so of other tests as well.
        using var plain = new HttpClient { BaseAddress = service.Sample.Management };
        string metrics = await plain.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Matches("""zwca_messages[a-z_]*\{[^}]*outcome="bad_signature"[^}]*\} [1-9]""", metrics);
    }

    [Theory]
    [InlineData("/echo-signed?q=%E4%B8%AD%2F&r=a%20b")]
    [InlineData("/echo-signed?")]
    [InlineData("/echo-signed?a=b?c=d/e")]
    [InlineData("/%65cho-signed")]
    public async Task TargetIsSignedAsItIsSent(string target)
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        var uri = new Uri(service.Sample.Address, target);

        Reply reply = await service.Write(ra, uri.PathAndQuery, "{\"身份\":1}").SendAsync(request => request.RequestUri = uri);

        Assert.Equal((200, "{\"身份\":1}"), (reply.Status, reply.Text));
    }

    /// <summary>Never a fault of the service, never accepted, unless it is the message itself.</summary>
    [Fact]
    public async Task RandomHeaders_AreRefusedInOrder()
    {
        await using MessageService service = await MessageService.StartAsync();
        Party ra = await service.AddPartyAsync("4a01", "ra-1");
        var random = new TestRandom();
        int count = TestRandom.Long ? 1_000_000 : 10_000;
        Letter letter = service.Write(ra);
        string[] right = [.. HeaderNames.Select(name => letter.SealAsync().GetAwaiter().GetResult().Headers.GetValues(name).Single())];
        var statuses = new Dictionary<int, int>();
        for (int i = 0; i < count; i++)
        {
            Reply reply = await letter.SendAsync(request =>
            {
                for (int changes = random.Next(1, 4); changes > 0; changes--)
                {
                    string name = HeaderNames[random.Next(HeaderNames.Length)];
                    string[] changed = [.. MessageHeadersTests.Change(random, right[Array.IndexOf(HeaderNames, name)]).Select(value => Sendable(value!))];
                    request.Headers.Remove(name);
                    request.Headers.TryAddWithoutValidation(name, changed);
                }
            });
            statuses[reply.Status] = statuses.GetValueOrDefault(reply.Status) + 1;
            Assert.True(reply.Status is 400 or 401 or 201, $"{reply} {random}");
        }

        Assert.InRange(statuses.GetValueOrDefault(400), count / 10, count);
        Assert.InRange(statuses.GetValueOrDefault(401), 1, count);
        Assert.InRange(service.Runs, 0, 1);
    }

    private static void Alter(HttpRequestMessage request, string what, Letter letter)
    {
        switch (what)
        {
            case "sender":
                Set(request, MessageHeaders.SenderName, "4a02");
                break;
            case "unknown sender":
                Set(request, MessageHeaders.SenderName, "4a03");
                break;
            case "recipient":
                Set(request, MessageHeaders.RecipientName, "kmc");
                break;
            case "method":
                request.Method = HttpMethod.Put;
                break;
            case "path":
                request.RequestUri = new Uri("/count/b?x=1", UriKind.Relative);
                break;
            case "same path written otherwise":
                request.RequestUri = new Uri("/Count/a?x=1", UriKind.Relative);
                break;
            case "query":
                request.RequestUri = new Uri("/count/a?x=2", UriKind.Relative);
                break;
            case "query dropped":
                request.RequestUri = new Uri("/count/a", UriKind.Relative);
                break;
            case "id":
                Set(request, MessageHeaders.RequestIdName, RequestId.Create(TimeProvider.System).ToString());
                break;
            case "created":
                Set(request, MessageHeaders.CreatedName, $"{letter.Created.ToUnixTimeMilliseconds() + 1}");
                break;
            case "body":
                request.Content = new StringContent("{ }", new MediaTypeHeaderValue("application/json"));
                break;
            case "body dropped":
                request.Content = null;
                break;
            case "signature":
                byte[] raw = Der.Decode<Sm2Signature>(Convert.FromBase64String(request.Headers.GetValues(MessageHeaders.SignatureName).Single())).Raw.ToArray();
                raw[63] ^= 1;
                SetSignature(request, raw);
                break;
            case "packed":
                request.Content!.Headers.ContentEncoding.Add("gzip");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(what));
        }
    }

    private static string JsonText(string text) => System.Text.Json.JsonSerializer.Serialize(text)[1..^1];

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.Add(name, value);
    }

    private static void SetSignature(HttpRequestMessage request, byte[] raw) =>
        Set(request, MessageHeaders.SignatureName, Convert.ToBase64String(Der.Encode(Sm2Signature.FromRaw(raw))));

    /// <summary>HttpClient sends no line ends and no letters beyond ASCII; those are for <see cref="MessageHeadersTests"/>.</summary>
    private static string Sendable(string value) => string.Concat(value.Select(c => c is >= ' ' and <= '~' ? c : '~'));

    private static byte[] Export(Sm2PrivateKey key)
    {
        byte[] bytes = new byte[Sm2.ScalarSizeInBytes];
        key.ExportBytes(bytes);
        return bytes;
    }
}
