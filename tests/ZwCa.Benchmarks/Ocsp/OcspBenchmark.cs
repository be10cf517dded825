using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Benchmarks;

/// <summary>
/// The responder as a process on one core, wrk on the other: pre-signed answers about a million certificates of an SM2 CA, by POST and by GET. Beside it, in turns on the same core, nginx with a
/// static file of the same size, and <c>cfssl ocspserve</c>, which holds as many RSA responses as are asked for and no more. Then its memory, how long it takes to come up again from its copy, and what it signs by itself.
/// </summary>
internal static class OcspBenchmark
{
    public const int CertificatesByDefault = 1_000_000;

    private const int PerSegment = 2_000;
    private const int Asked = 2_000;
    private const int Rounds = 5;
    private const double NginxBar = 0.7;
    private const double CfsslBar = 3;
    private const double MiB = 1 << 20;
    private const double MemoryBar = 350;

    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(4);

    public static async Task<int> RunAsync(int certificates)
    {
        if (!Wrk.IsThere || !NginxServer.IsThere)
        {
            Console.Error.WriteLine("wrk, taskset and nginx are needed (Debian: wrk, util-linux, nginx-light).");
            return 1;
        }

        Machine.Print("the server on core 0, wrk with 64 connections on core 1");
        using var folder = new TemporaryFolder();
        await using OcspStage stage = await OcspStage.CreateAsync();
        byte[][] serials = await FillAsync(stage, certificates);
        await using SampleService feed = await OcspProcess.ServeAsync(stage);
        using X509Certificate2 link = feed.Ca.Issue("ocsp-1");
        await feed.Clients.RegisterAsync(SampleService.Actor, link, "ocsp-1", ClientKind.Ocsp);
        await using var node = new OcspProcess(stage, feed, link) { Core = "0" };
        var clock = Stopwatch.StartNew();
        await node.StartAsync(TimeSpan.FromMinutes(5));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a new node is ready after {clock.Elapsed.TotalSeconds:0.0} s, with {certificates:N0} certificates from the feed"));
        await node.StopAsync();
        clock.Restart();
        await node.StartAsync(TimeSpan.FromMinutes(5));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"from its own copy it is ready after {clock.Elapsed.TotalSeconds:0.0} s"));

        // The same questions for all.
        byte[][] requests = [.. serials.Take(Asked).Select(serial => Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(stage.Ca, SerialNumber.FromBytes(serial), CertIdHash.Sha1))]))))];
        string[] posts = [.. requests.Select(Convert.ToHexString)];
        string[] gets = [.. requests.Select(request => "/" + Uri.EscapeDataString(Convert.ToBase64String(request)))];
        using var client = new HttpClient { BaseAddress = node.Public };
        byte[] answer = await client.GetByteArrayAsync(new Uri(gets[0], UriKind.Relative));
        using NginxServer nginx = await NginxServer.StartAsync(folder.Path, answer);
        await using CfsslResponder? cfssl = await CfsslResponder.StartAsync(folder.Path, Asked);
        var wrk = new Wrk(folder.Path);
        var servers = new List<(string Name, Func<WrkResult> Run)>
        {
            ("responder, POST", () => wrk.Run(node.Public, "POST", posts, Slice)),
            ("responder, GET", () => wrk.Run(node.Public, "GET", gets, Slice)),
            (string.Create(CultureInfo.InvariantCulture, $"nginx, a file of {answer.Length:N0} bytes, GET"), () => wrk.Run(nginx.Url, "GET", ["/answer"], Slice)),
        };
        if (cfssl is null)
        {
            Console.WriteLine("cfssl is not installed: not compared (Debian: golang-cfssl).");
        }
        else
        {
            servers.Add(("cfssl ocspserve, RSA, POST", () => wrk.Run(cfssl.Url, "POST", cfssl.Requests, Slice)));
        }

        WrkResult[][] results = [.. servers.Select(_ => new WrkResult[Rounds])];
        servers.ForEach(each => each.Run());
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < servers.Count; i++)
            {
                results[i][round] = servers[i].Run();
            }
        }

        Console.WriteLine();
        Console.WriteLine($"{"on one core",-44} {"median/s",10} {"lowest",10} {"highest",10} {"p50 ms",8} {"p99 ms",8}");
        for (int i = 0; i < servers.Count; i++)
        {
            double[] rates = [.. results[i].Select(each => each.Rate)];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{servers[i].Name,-44} {SideBySide.Median(rates),10:N0} {rates.Min(),10:N0} {rates.Max(),10:N0} {SideBySide.Median([.. results[i].Select(each => each.Median)]),8:0.00} {SideBySide.Median([.. results[i].Select(each => each.P99)]),8:0.00}"));
        }

        using Process process = Process.GetProcessById(node.Id);
        string? note = certificates >= CertificatesByDefault ? null : string.Create(CultureInfo.InvariantCulture, $"with {certificates:N0} only: the bar is not met by this");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"resident after that: {process.WorkingSet64 / MiB:N0} MiB (bar {MemoryBar}){(note is null ? "" : $" ({note})")}"));
        SideBySide.PrintRatio("ocsp.vs.nginx-static", Ratio(results[1], results[2]), NginxBar, note);
        if (cfssl is not null)
        {
            SideBySide.PrintRatio("ocsp.vs.cfssl", Ratio(results[0], results[3]), CfsslBar, note);
        }

        await node.StopAsync();
        await MeasureLiveAsync(folder.File("live"), wrk);
        return 0;
    }

    /// <summary>What a node signs by itself: every request has a nonce. It speaks of a CA of its own, and its key is in an hsm-sim.</summary>
    private static async Task MeasureLiveAsync(string folder, Wrk wrk)
    {
        await using CaProcess ca = await CaProcess.CreateAsync();
        const string plenty = "1000000";
        var buckets = new Dictionary<string, string?>
        {
            ["Ocsp:Buckets:ClientPerSecond"] = plenty, ["Ocsp:Buckets:ClientAtOnce"] = plenty, ["Ocsp:Buckets:NodePerSecond"] = plenty, ["Ocsp:Buckets:NodeAtOnce"] = plenty,
        };
        await using OcspNode node = await OcspNode.CreateAsync(ca, folder, buckets, core: "0");
        await ca.StartAsync();
        await node.StartAsync();
        string[] requests = [.. Enumerable.Range(0, Asked).Select(_ => Convert.ToHexString(Der.Encode(new OcspRequest(new TbsRequest(
            [new Request(CertIds.Of(ca.Issuers.Subscribers.Certificate!, SerialNumbers.Create(), CertIdHash.Sha1))],
            new Extensions(Extension.Create(new Nonce(RandomNumberGenerator.GetBytes(32)), critical: false)))))))];
        using var client = new HttpClient();
        for (long start = Stopwatch.GetTimestamp(); !await IsLiveAsync(client, node.Public, requests[0]);)
        {
            await Task.Delay(100);
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(1))
            {
                throw new TimeoutException($"It does not sign.\n{node.Log}");
            }
        }

        wrk.Run(node.Public, "POST", requests, Slice);
        long late = await CountLateAsync(client, node);
        WrkResult[] results = [.. Enumerable.Range(0, Rounds).Select(_ => wrk.Run(node.Public, "POST", requests, Slice))];
        if (await CountLateAsync(client, node) != late)
        {
            throw new InvalidOperationException("It has answered tryLater: this is not what it signs.");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"live, SM2, with nonces, hsm-sim on any core: {SideBySide.Median([.. results.Select(each => each.Rate)]):N0}/s, p50 {SideBySide.Median([.. results.Select(each => each.Median)]):0.00} ms, p99 {SideBySide.Median([.. results.Select(each => each.P99)]):0.00} ms"));
    }

    private static async Task<bool> IsLiveAsync(HttpClient client, Uri url, string request)
    {
        using var body = new ByteArrayContent(Convert.FromHexString(request)) { Headers = { ContentType = new MediaTypeHeaderValue("application/ocsp-request") } };
        using HttpResponseMessage answer = await client.PostAsync(url, body);
        return Der.Decode<OcspResponse>(await answer.Content.ReadAsByteArrayAsync()).ResponseStatus == ResponseStatus.Successful;
    }

    /// <returns>How often it has answered tryLater, which has the status 200 too.</returns>
    private static async Task<long> CountLateAsync(HttpClient client, OcspNode node)
    {
        string metrics = await client.GetStringAsync(new Uri(node.Management, "/metrics"));
        string line = metrics.Split('\n').First(each => each.StartsWith("zwca_ocsp_answers", StringComparison.Ordinal) && each.Contains("trylater", StringComparison.Ordinal));
        return (long)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private static double Ratio(WrkResult[] ours, WrkResult[] theirs) => SideBySide.Median([.. ours.Zip(theirs, (our, their) => our.Rate / their.Rate)]);

    /// <returns>Serial numbers, as they are in the feed.</returns>
    private static async Task<byte[][]> FillAsync(OcspStage stage, int certificates)
    {
        var clock = Stopwatch.StartNew();
        byte[][] serials = [.. Enumerable.Range(0, certificates).Select(_ => SerialNumbers.Create().Content.ToArray())];
        byte[][][] chunks = [.. serials.Chunk(PerSegment)];
        byte[]?[] contents = new byte[chunks.Length][];
        await Parallel.ForEachAsync(Enumerable.Range(0, chunks.Length), async (i, _) =>
        {
            FeedWriter writer = i == 0 ? stage.Begin() : new FeedWriter();
            await stage.WriteAsync(writer, [.. chunks[i].Select(serial => stage.Good(serial))]);
            contents[i] = writer.ToArray();
        });
        foreach (byte[]? content in contents)
        {
            stage.Source.Append(content!);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a feed of {certificates:N0} certificates made in {clock.Elapsed.TotalSeconds:0} s"));
        return serials;
    }
}
