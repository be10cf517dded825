using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ZwCa.Asn1;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa;

/// <summary>The program <c>zwca-ocsp</c> as a process of its own, which pulls the feed of a stage over mutual TLS; on IPv4 and IPv6 where the machine has it. Linked into the test projects.</summary>
internal sealed class OcspProcess : ServiceProcess
{
    /// <param name="connections">Limit of the service, which is of its management alone here.</param>
    public OcspProcess(OcspStage stage, SampleService ca, X509Certificate2 link, int connections = 2048)
        : base("zwca-ocsp")
    {
        SystemCa.Write(link, stage.File("node-link.pem"), stage.File("node-link.key"), null);
        stage.Write("feed.pem", Pem.Encode(Pem.PublicKey, Der.Encode(OcspFeedSource.PublicKey(1))));
        ConfigFile = stage.Write("ocsp.json", JsonSerializer.Serialize(new
        {
            Service = new
            {
                Name = "ocsp-1",
                Mode = "Development",
                Limits = new { Connections = connections },
                Management = $"{Management.Host}:{Management.Port}",
                Link = new { CertificateFile = stage.File("node-link.pem"), KeyFile = stage.File("node-link.key"), SystemCaFile = ca.File("system-ca.pem") },
            },
            Ocsp = new
            {
                Listen = (string[])[$"127.0.0.1:{Public.Port}", .. Socket.OSSupportsIPv6 ? (string[])[$"[::1]:{Public.Port}"] : []],
                DrainFor = "00:00:01",
                Feed = new { Url = ca.Address, OcspFeedSource.Origin, KeyFiles = (string[])[stage.File("feed.pem")], Folder = stage.File("program") },
            },
        }));
    }

    /// <summary>Where everybody asks: the port that a service with links would have.</summary>
    public Uri Public => new($"http://127.0.0.1:{Address.Port}");

    protected override string ConfigFile { get; }

    /// <summary>A CA that has nothing but a feed.</summary>
    public static async Task<SampleService> ServeAsync(OcspStage stage)
    {
        var source = new HttpMessageInvoker(stage.Source, disposeHandler: false);
        return await SampleService.StartAsync(new SampleSetup { Map = app => ClientKindExtensions.RequireClient(app.MapGet("/feed/{**path}", (HttpContext http) => ForwardAsync(http, source)), ClientKind.Ocsp) });
    }

    private static async Task ForwardAsync(HttpContext http, HttpMessageInvoker source)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://ca.example{http.Request.Path}{http.Request.QueryString}"));
        using HttpResponseMessage answer = await source.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)answer.StatusCode;
        await http.Response.Body.WriteAsync(await answer.Content.ReadAsByteArrayAsync(http.RequestAborted), http.RequestAborted);
    }
}
