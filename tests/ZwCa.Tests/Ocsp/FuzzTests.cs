using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Listening;

namespace ZwCa.Tests.Ocsp;

/// <summary>Whatever comes in: an answer or a right error, no exception, and memory that does not grow.</summary>
public sealed class FuzzTests
{
    private static readonly byte[] Serial = [0x41];

    private static int Rounds => TestRandom.Long ? 10_000_000 : Environment.GetEnvironmentVariable("CI") == "true" ? 100_000 : 10_000;

    [Fact]
    public async Task AnyBytes_AreAnswered()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, _) = await stage.StartAsync(stage.Options() with { Buckets = new BucketOptions { NodeAtOnce = 200, NodePerSecond = 0.001 } });
        await stage.WaitAsync(app);
        AnswerOcsp answers = app.Services.GetRequiredService<AnswerOcsp>();
        var random = new TestRandom();
        byte[][] seeds = [.. Seeds(stage, random)];
        var outcomes = new Dictionary<Outcome, int>();
        long before = 0;
        for (int i = 0; i < Rounds; i++)
        {
            byte[] request = Change(random, seeds[random.Next(seeds.Length)]);
            Answer answer = await answers.AnswerAsync(request, null, TestContext.Current.CancellationToken);
            outcomes[answer.Outcome] = outcomes.GetValueOrDefault(answer.Outcome) + 1;
            Judge(stage, answer);
            bool isFast = answers.TryPreSigned(request, new byte[AnswerOcsp.MaxResponse], out ReadOnlySpan<byte> response, out _);
            Assert.True(!isFast || (answer.Outcome == Outcome.PreSigned && response.SequenceEqual(answer.Response.Span)));
            if (i == Rounds / 5)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }
        }

        long after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(after - before < 16 << 20, $"Memory has grown by {after - before} bytes.");
        Assert.Equal([Outcome.PreSigned, Outcome.Live, Outcome.MalformedRequest, Outcome.TryLater, Outcome.Unauthorized], outcomes.Keys.Order());
    }

    /// <summary>Paths that nearly are requests, and such that are nothing.</summary>
    [Fact]
    public void AnyPath_IsDecodedOrIsNone()
    {
        var random = new TestRandom();
        const string characters = "MABCabc012+/=%%%2fF3dDbB?# \0é";
        for (int i = 0; i < Rounds; i++)
        {
            string path = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => characters[random.Next(characters.Length)]));
            if (GetRequest.TryFind("/" + (random.Next(2) == 0 ? "ocsp/" : "") + path, out ReadOnlySpan<char> text))
            {
                byte[] bytes = new byte[text.Length];
                if (GetRequest.TryDecode(text, bytes, out int length))
                {
                    Assert.Equal(Convert.FromBase64String(Uri.UnescapeDataString(text.ToString())), bytes[..length]);
                }
            }
        }
    }

    /// <summary>Heads and bodies of HTTP that are broken: the server goes on.</summary>
    [Fact]
    public async Task AnyHttp_LeavesTheServerWell()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        (WebApplication app, Uri address) = await stage.StartAsync();
        await stage.WaitAsync(app);
        var random = new TestRandom();
        string request = Encoding.Latin1.GetString(Seeds(stage, random).First());
        string[] seeds =
        [
            $"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\nContent-Length: {request.Length}\r\n\r\n{request}",
            $"GET /ocsp/{Convert.ToBase64String(Encoding.Latin1.GetBytes(request))} HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"1\", W/\"2\"\r\n\r\n",
            "GET /crl/0011223344556677/all.crl HTTP/1.1\r\nHost: x\r\n\r\n",
        ];
        var statuses = new SortedSet<string>();
        int connections = Math.Min(Rounds / 20, 20_000);
        long before = 0;
        for (int i = 0; i < connections; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
            NetworkStream stream = client.GetStream();
            byte[] bytes = Change(random, Encoding.Latin1.GetBytes(seeds[random.Next(seeds.Length)]));
            try
            {
                await stream.WriteAsync(bytes, TestContext.Current.CancellationToken);
                client.Client.Shutdown(SocketShutdown.Send);
                using var answer = new MemoryStream();
                await stream.CopyToAsync(answer, TestContext.Current.CancellationToken);
                string text = Encoding.Latin1.GetString(answer.ToArray());
                Assert.True(text.Length == 0 || (text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && (text[9] is '2' or '3' or '4' || text[9..12] == "505")), text);
                statuses.Add(text.Length == 0 ? "none" : text[9..12]);
                if (FindResponse(text) is { } response)
                {
                    Assert.NotEqual(ResponseStatus.InternalError, Der.Decode<OcspResponse>(response).ResponseStatus);
                }
            }
            catch (IOException)
            {
                // It closed the connection while we still wrote.
            }

            if (i == connections / 5)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 16 << 20, $"Memory has grown by {grown} bytes.");
        Assert.Superset(new HashSet<string> { "200", "400", "404", "405", "415" }, new HashSet<string>(statuses));

        using var http = new HttpClient { BaseAddress = address };
        using HttpResponseMessage last = await http.GetAsync(new Uri($"/{Uri.EscapeDataString(Convert.ToBase64String(Encoding.Latin1.GetBytes(request)))}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(ResponseStatus.Successful, Der.Decode<OcspResponse>(await last.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ResponseStatus);
    }

    /// <returns>The first OCSP response that was answered whole. Null: none was.</returns>
    private static byte[]? FindResponse(string text)
    {
        const string length = "Content-Length: ";
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        string head = end < 0 ? "" : text[..end];
        int at = head.IndexOf(length, StringComparison.Ordinal);
        return at >= 0 && head.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && head.Contains("application/ocsp-response", StringComparison.Ordinal)
            ? Encoding.Latin1.GetBytes(text.Substring(end + 4, int.Parse(head[(at + length.Length)..].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture)))
            : null;
    }

    private static IEnumerable<byte[]> Seeds(OcspStage stage, TestRandom random)
    {
        yield return Encode(null, CertIds.Of(stage.Ca, SerialNumber.FromBytes(Serial), CertIdHash.Sha1));
        foreach (CertIdHash hash in Enum.GetValues<CertIdHash>())
        {
            foreach (bool nullParameters in (bool[])[true, false])
            {
                CertId certId = CertIds.Of(stage.Ca, SerialNumber.FromBytes(Serial), hash, nullParameters);
                yield return Encode(null, certId);
                yield return Encode(new Nonce(random.Bytes(32)), certId, certId);
            }
        }
    }

    private static byte[] Encode(Nonce? nonce, params CertId[] certIds) => Der.Encode(new OcspRequest(new TbsRequest(
        [.. certIds.Select(each => new Request(each))], nonce is null ? null : new Extensions(Extension.Create(nonce, critical: false)))));

    private static byte[] Change(TestRandom random, byte[] seed)
    {
        List<byte> bytes = [.. seed];
        for (int changes = random.Next(5); changes > 0 && bytes.Count > 1; changes--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, bytes.Skip(random.Next(bytes.Count)).Take(random.Next(60)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Good is said of the one certificate that is stored, and of no other.</summary>
    private static void Judge(OcspStage stage, in Answer answer)
    {
        OcspResponse response = Der.Decode<OcspResponse>(answer.Response);
        Assert.Equal(answer.Outcome is Outcome.PreSigned or Outcome.Live, response.ResponseStatus == ResponseStatus.Successful);
        Assert.NotEqual(Outcome.InternalError, answer.Outcome);
        if (response.ResponseStatus != ResponseStatus.Successful)
        {
            return;
        }

        foreach (SingleResponse each in response.DecodeBasic().Tbs.Responses)
        {
            Assert.Equal(each.CertId.SerialNumber.Content.SequenceEqual(Serial), each.CertStatus is Good);
            Assert.Equal(CertIds.Of(stage.Ca, each.CertId.SerialNumber, CertIds.HashOf(each.CertId)!.Value, each.CertId.HashAlgorithm.Parameters is not null), each.CertId);
        }
    }
}
