using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Tests.Ocsp;

/// <summary>The program, as an operator has it: its configuration, its link to the CA, its health, its end.</summary>
public sealed class ProgramTests
{
    private static readonly byte[] Serial = [0x41];

    [Fact]
    public async Task ANodePullsOverItsLink_Answers_AndEndsInOrder()
    {
        await using OcspStage stage = await OcspStage.CreateAsync();
        await stage.AppendAsync(stage.Good(Serial));
        await using SampleService ca = await OcspProcess.ServeAsync(stage);
        using X509Certificate2 link = ca.Ca.Issue("ocsp-1");
        await using var node = new OcspProcess(stage, ca, link, connections: 4);

        // Nobody knows the node yet.
        node.Launch();
        await WaitAsync(async () => (await ReadyAsync(node)) is { } answer && answer.Contains("not complete", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.OK, ResponseStatus.TryLater), await AskAsync(node, stage, Serial));

        await ca.Clients.RegisterAsync(SampleService.Actor, link, "ocsp-1", ClientKind.Ocsp, TestContext.Current.CancellationToken);
        Assert.True(await node.WaitUntilReadyAsync());
        Assert.Equal((HttpStatusCode.OK, ResponseStatus.Successful), await AskAsync(node, stage, Serial));
        Assert.Equal((HttpStatusCode.OK, ResponseStatus.TryLater), await AskAsync(node, stage, [0x42]));
        await AskOnManyConnectionsAsync(node, 12);
        string metrics = await node.ReadMetricsAsync();
        Assert.Contains("zwca_ocsp_answers_total{outcome=\"presigned\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("zwca_ocsp_certificates", metrics, StringComparison.Ordinal);

        // A new life without the CA.
        Assert.Equal(0, await node.StopAsync());
        await ca.App.StopAsync(TestContext.Current.CancellationToken);
        node.Launch();
        Assert.True(await node.WaitUntilReadyAsync());
        Assert.Equal((HttpStatusCode.OK, ResponseStatus.Successful), await AskAsync(node, stage, Serial));
        Assert.Equal(0, await node.StopAsync());
    }

    /// <summary>While it writes segments, joins them, and takes a snapshot: what it has then is a copy that it starts from.</summary>
    [Fact]
    public async Task ANodeThatIsKilledAtAnyMoment_GoesOnFromWhatItHas()
    {
        await using OcspStage stage = await CatchUpTests.ManyAsync(1000);
        stage.Source.Most = 20;
        stage.Source.MakeSnapshot(900, CatchUpTests.Everything(stage, 900));
        await using SampleService ca = await OcspProcess.ServeAsync(stage);
        using X509Certificate2 link = ca.Ca.Issue("ocsp-1");
        await ca.Clients.RegisterAsync(SampleService.Actor, link, "ocsp-1", ClientKind.Ocsp, TestContext.Current.CancellationToken);
        await using var node = new OcspProcess(stage, ca, link);
        var random = new TestRandom();
        string segments = Path.Combine(stage.File("program"), "segments");
        for (int kills = 0; kills < 6; kills++)
        {
            node.Launch();
            int before = Directory.Exists(segments) ? Directory.GetFiles(segments).Length : 0;
            await WaitAsync(() => Task.FromResult(Directory.Exists(segments) && (kills > 2 || Directory.GetFiles(segments).Length > before || HasAll(segments))));
            await Task.Delay(random.Next(kills > 2 ? 1500 : 100), TestContext.Current.CancellationToken);
            await node.KillAsync();
        }

        await ca.App.StopAsync(TestContext.Current.CancellationToken);
        FeedCopy copy = stage.Open("program");
        Assert.Null(copy.Load());
        Assert.True(copy.Number > 0);
        copy.Append([.. stage.Source.Segments.Skip((int)copy.Number)]);
        copy.Append(stage.Source.Append([]));
        FeedCopy again = stage.Open("program");
        Assert.Null(again.Load());
        Assert.Equal((1001, 999), (again.Number, again.Latest.Table.Count));
    }

    /// <summary>A fast one leaves nothing to wait for: the last file ends with the last segment.</summary>
    private static bool HasAll(string segments) => Directory.GetFiles(segments).Any(each => each.EndsWith("1000", StringComparison.Ordinal));

    /// <summary>All at one time: what the public has is not the service's limit.</summary>
    private static async Task AskOnManyConnectionsAsync(OcspProcess node, int count)
    {
        var clients = new List<TcpClient>();
        try
        {
            for (int i = 0; i < count; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, node.Public.Port, TestContext.Current.CancellationToken);
                await client.GetStream().WriteAsync("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                byte[] answer = new byte[12];
                await client.GetStream().ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
                Assert.Equal("HTTP/1.1 404"u8, answer);
            }
        }
        finally
        {
            clients.ForEach(each => each.Dispose());
        }
    }

    private static async Task<string?> ReadyAsync(OcspProcess node)
    {
        using var http = new HttpClient { BaseAddress = node.Management };
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
            return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task WaitAsync(Func<Task<bool>> what)
    {
        for (int i = 0; !await what(); i++)
        {
            Assert.True(i < 400);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<(HttpStatusCode Http, ResponseStatus Ocsp)> AskAsync(OcspProcess node, OcspStage stage, byte[] serial)
    {
        byte[] request = Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(stage.Ca, SerialNumber.FromBytes(serial), CertIdHash.Sha1))])));
        using var http = new HttpClient { BaseAddress = node.Public };
        using var content = new ByteArrayContent(request) { Headers = { ContentType = new MediaTypeHeaderValue("application/ocsp-request") } };
        using HttpResponseMessage answer = await http.PostAsync(new Uri("/", UriKind.Relative), content, TestContext.Current.CancellationToken);
        return (answer.StatusCode, Der.Decode<OcspResponse>(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ResponseStatus);
    }
}
