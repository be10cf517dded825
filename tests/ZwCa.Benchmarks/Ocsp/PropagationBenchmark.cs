using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Benchmarks;

/// <summary>
/// How long after an RA has sent a revocation the responder says *revoked*: CA, hsm-sim and responder are processes, the feed between them is over mutual TLS. Meanwhile others have certificates
/// issued, as fast as they are answered.
/// </summary>
internal static class PropagationBenchmark
{
    private const int Stored = 20_000;
    private const int Samples = 1_000;
    private const int Revoking = 8;
    private const int Issuing = 8;
    private const int Prepared = 10_000;
    private const double Bar = 2;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync()
    {
        Machine.Print(string.Create(CultureInfo.InvariantCulture, $"{Revoking} callers revoke and ask every {AskAgain.TotalMilliseconds} ms, {Issuing} have certificates issued all the while; all processes share the cores"));
        using var folder = new TemporaryFolder();
        await using CaProcess ca = await SeededCa.CreateAsync(Stored, new Dictionary<string, string?> { ["Ca:Ocsp:Look"] = "00:00:00.25", ["Ca:Ocsp:LookForDue"] = "00:00:01" });
        await using OcspNode node = await OcspNode.CreateAsync(ca, folder.File("ocsp"));
        await ca.StartAsync();
        await node.StartAsync();
        SerialNumber[] serials = await PreparedRequests.ValidSerialsAsync(ca, Samples);
        using var http = new HttpClient();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(serials.Chunk(serials.Length / Revoking).Select(async some =>
        {
            foreach (SerialNumber serial in some)
            {
                await UntilAsync<Good>(http, node, Request(ca, serial), clock);
            }
        }));
        using PreparedRequests revocations = await PreparedRequests.ForRevocationsAsync(ca, serials, serials.Length, Revoking);
        using PreparedRequests certificates = await PreparedRequests.ForCertificatesAsync(ca, Prepared, Issuing, rsa: false);

        // All of it, from the first sample to the last.
        double[] sent = new double[Samples], answered = new double[Samples];
        int next = -1, issued = 0;
        using var over = new CancellationTokenSource();
        Task[] load = [.. Enumerable.Range(0, Issuing).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await certificates.SendAsync();
                Interlocked.Increment(ref issued);
            }
        }))];
        clock.Restart();
        await Task.WhenAll(Enumerable.Range(0, Revoking).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < Samples;)
            {
                var sample = Stopwatch.StartNew();
                int which = await revocations.SendAsync();
                TimeSpan acknowledged = sample.Elapsed;
                await UntilAsync<Revoked>(http, node, Request(ca, serials[which]), sample);
                (sent[i], answered[i]) = (sample.Elapsed.TotalSeconds, (sample.Elapsed - acknowledged).TotalSeconds);
            }
        })));
        double seconds = clock.Elapsed.TotalSeconds;
        await over.CancelAsync();
        await Task.WhenAll(load);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n{Samples:N0} revocations in {seconds:N1} s ({Samples / seconds:N0}/s), {issued / seconds:N0} certificates/s issued beside them"));
        Console.WriteLine($"{"seconds until the responder says revoked",-44} {"p50",8} {"p99",8} {"longest",8}");
        Print("since the revocation was sent", sent);
        Print("since the CA had answered it", answered);
        SideBySide.PrintRatio("propagation.vs.bar-of-2s", Bar / Percentile(sent, 0.99), 1);
        return 0;
    }

    private static void Print(string what, double[] values) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-44} {Percentile(values, 0.5),8:0.000} {Percentile(values, 0.99),8:0.000} {values.Max(),8:0.000}"));

    private static double Percentile(double[] values, double part) => values.Order().ElementAt((int)Math.Ceiling(part * values.Length) - 1);

    private static byte[] Request(CaProcess ca, SerialNumber serial) =>
        Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(ca.Issuers.Subscribers.Certificate!, serial, CertIdHash.Sha1))])));

    /// <summary>Asks until the responder answers so.</summary>
    private static async Task UntilAsync<TStatus>(HttpClient http, OcspNode node, byte[] request, Stopwatch clock)
    {
        while (true)
        {
            using var body = new ByteArrayContent(request) { Headers = { ContentType = new MediaTypeHeaderValue("application/ocsp-request") } };
            using HttpResponseMessage answer = await http.PostAsync(node.Public, body);
            OcspResponse response = Der.Decode<OcspResponse>(await answer.Content.ReadAsByteArrayAsync());
            if (response.ResponseStatus == ResponseStatus.Successful && response.DecodeBasic().Tbs.Responses[0].CertStatus is TStatus)
            {
                return;
            }

            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException($"The responder does not say {typeof(TStatus).Name}: {response.ResponseStatus}.\n{node.Log}");
            }

            await Task.Delay(AskAgain);
        }
    }
}
