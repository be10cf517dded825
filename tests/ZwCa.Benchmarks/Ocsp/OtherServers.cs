using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;

namespace ZwCa.Benchmarks;

/// <summary>nginx with one static file, on core 0.</summary>
internal sealed class NginxServer : IDisposable
{
    private readonly Process _process;

    private NginxServer(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    public static bool IsThere => File.Exists("/usr/sbin/nginx");

    public Uri Url { get; }

    public static async Task<NginxServer> StartAsync(string folder, byte[] file)
    {
        int port = LoadedPort.Free();
        string root = Directory.CreateDirectory(Path.Combine(folder, "www")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(root, "answer"), file);
        string config = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(config, string.Create(CultureInfo.InvariantCulture, $$"""
            daemon off; worker_processes 1; pid {{folder}}/nginx.pid; error_log {{folder}}/nginx.log; user root;
            events { worker_connections 1024; }
            http {
              access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on; open_file_cache max=100; default_type application/ocsp-response;
              server { listen 127.0.0.1:{{port}}; root {{root}}; }
            }
            """));
        Process process = Process.Start(new ProcessStartInfo("taskset", ["-c", "0", "/usr/sbin/nginx", "-p", folder, "-c", config]))!;
        var server = new NginxServer(process, new Uri($"http://127.0.0.1:{port}"));
        await LoadedPort.WaitAsync(port);
        return server;
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}

/// <summary><c>cfssl ocspserve</c> on core 0, with the responses of an RSA CA, which are all that it can read.</summary>
internal sealed class CfsslResponder : IAsyncDisposable
{
    private readonly Process _process;

    private CfsslResponder(Process process, Uri url, IReadOnlyList<string> requests)
    {
        _process = process;
        Url = url;
        Requests = requests;
    }

    public Uri Url { get; }

    /// <summary>What it has answers for, in hexadecimal.</summary>
    public IReadOnlyList<string> Requests { get; }

    /// <returns>Null: it is not installed.</returns>
    public static async Task<CfsslResponder?> StartAsync(string folder, int responses)
    {
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(each => File.Exists(Path.Combine(each, "cfssl"))))
        {
            return null;
        }

        await using OcspStage stage = await OcspStage.CreateAsync(HsmKeyKind.Rsa2048);
        byte[][] serials = [.. Enumerable.Range(0, responses).Select(_ => SerialNumbers.Create().Content.ToArray())];
        var writer = new FeedWriter();
        FeedStatus[] statuses = [.. serials.Select(serial => stage.Good(serial))];
        await stage.WriteAsync(writer, statuses);
        string file = Path.Combine(folder, "responses");
        await File.WriteAllLinesAsync(file, Rebuild(stage, writer.ToArray(), statuses).Select(Convert.ToBase64String));
        int port = LoadedPort.Free();
        var start = new ProcessStartInfo("taskset", ["-c", "0", "cfssl", "ocspserve", "-address", "127.0.0.1", "-port", port.ToString(CultureInfo.InvariantCulture), "-responses", file, "-loglevel", "4"])
        {
            RedirectStandardError = true,
        };
        start.Environment["GOMAXPROCS"] = "1";
        Process process = Process.Start(start)!;
        process.BeginErrorReadLine();
        await LoadedPort.WaitAsync(port);
        return new CfsslResponder(
            process,
            new Uri($"http://127.0.0.1:{port}"),
            [.. serials.Select(serial => Convert.ToHexString(Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(stage.Ca, SerialNumber.FromBytes(serial), CertIdHash.Sha1))])))))]);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static List<byte[]> Rebuild(OcspStage stage, byte[] content, FeedStatus[] statuses)
    {
        var rebuilt = new List<byte[]>(statuses.Length);
        var template = new OcspTemplate(stage.Ca, stage.Responder, CertIdHash.Sha1);
        var reader = new FeedReader(content);
        while (reader.Read())
        {
            while (reader.Kind == FeedEntryKind.Responses && reader.TryReadResponse(out FeedResponse response))
            {
                byte[] buffer = new byte[template.MaxLength(response.Signature.Length)];
                rebuilt.Add(template.Write(
                    buffer,
                    new OcspFacts(response.SerialNumber.Span, null, RevocationReason.Unspecified, reader.Batch.ThisUpdate.ToUnixTimeSeconds(), reader.Batch.NextUpdate.ToUnixTimeSeconds()),
                    response.Signature.Span).ToArray());
            }
        }

        return rebuilt;
    }
}

/// <summary>Where a server under load listens.</summary>
internal static class LoadedPort
{
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static async Task WaitAsync(int port)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (i < 200)
            {
                await Task.Delay(50);
            }
        }
    }
}
