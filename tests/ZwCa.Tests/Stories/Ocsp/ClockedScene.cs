using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Ocsp;
using ZwCa.Hsm;
using ZwCa.Ocsp;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Feed;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>A CA and a responder in this process, the feed between them over mutual TLS, by one clock that obeys: days go by. What has changed is told at once; what is due is signed when the test says so.</summary>
internal sealed class ClockedScene : IAsyncDisposable
{
    public static readonly KeyLabel OcspKey = new("ocsp-issuing-s1");

    private const string NodeName = "ocsp-1";

    private readonly TemporaryFolder _folder = new();
    private WebApplication? _node;

    public MovedTime Clock { get; } = new();

    public CaStage Ca { get; private set; } = null!;

    public Agency Agency { get; private set; } = null!;

    /// <summary>Of the responder.</summary>
    public IServiceProvider Node => _node!.Services;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ClockedScene> StartAsync(IReadOnlyDictionary<string, string?>? settings = null, Func<ServiceOptions, ServiceOptions>? options = null)
    {
        var scene = new ClockedScene();
        try
        {
            scene.Ca = await CaStage.StartAsync(new CaSetup
            {
                Time = scene.Clock, TellsChanges = true, Settings = settings ?? new Dictionary<string, string?>(), Options = options ?? (each => each),
            });
            await scene.StartNodeAsync();
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>Signs anew what is due.</summary>
    public async Task RenewAsync()
    {
        await Ca.App.Services.GetRequiredService<IntroduceSigners>().RunAsync(Token);
        await Ca.App.Services.GetRequiredService<PresignResponses>().RunDueAsync(Token);
    }

    public async Task<HealthStatus> HealthAsync()
    {
        HealthReport report = await Ca.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(each => each.Name == ZwCa.Ca.Ocsp.OcspHealth.Name, Token);
        return report.Entries[ZwCa.Ca.Ocsp.OcspHealth.Name].Status;
    }

    /// <summary>The responder has heard the CA after now.</summary>
    public async Task HearAsync()
    {
        DateTimeOffset now = Clock.GetUtcNow();
        await UntilAsync(() => Task.FromResult(Node.GetRequiredService<FeedState>().CompleteAt >= now));
    }

    public Task UntilSaidAsync(string serial, string word) => UntilAsync(async () => (await Agency.AskAsync(serial)).Word == word);

    public static async Task UntilAsync(Func<Task<bool>> reached)
    {
        for (int i = 0; !await reached(); i++)
        {
            Assert.True(i < 1200, "It was not reached within a minute.");
            await Task.Delay(50, Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Agency?.Dispose();
        if (_node is not null)
        {
            await _node.StopAsync();
            await _node.DisposeAsync();
        }

        if (Ca is not null)
        {
            await Ca.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task StartNodeAsync()
    {
        HsmKey key = await Ca.Hsm.GenerateKeyAsync(new KeyLabel(NodeName), HsmKeyKind.Sm2, Token);
        Certificate issuer = Ca.Scene.Issuers.Subscribers.Certificate!;
        Certificate certificate = await Ca.Scene.CertifyNodeAsync(Ca.Scene.Issuers.Subscribers, key.PublicKey!, NodeName);
        await File.WriteAllTextAsync(_folder.File("node.pem"), Pem.Encode(Pem.Certificate, Der.Encode(certificate)), Token);
        HttpClient link = Ca.CreateClient(await Ca.RegisterAsync(NodeName, ClientKind.Ocsp));
        SubjectPublicKeyInfo feedKey = Ca.App.Services.GetRequiredService<FeedKeys>().Configured.PublicKey;
        var options = new ZwCa.Ocsp.OcspOptions
        {
            Listen = ["127.0.0.1:0"],
            Feed = new FeedOptions { Url = Ca.Address, Origin = CaScene.LogOrigin, KeyFiles = ["feed.pem"], Folder = _folder.File("feed"), LongestWait = TimeSpan.FromSeconds(1) },
            Buckets = new BucketOptions { ClientPerSecond = 10_000, ClientAtOnce = 10_000, NodePerSecond = 10_000, NodeAtOnce = 10_000 },
            DrainFor = TimeSpan.Zero,
        };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "");
        builder.Services.AddSingleton<TimeProvider>(Clock);
        builder.Services.AddSingleton(link);
        builder.Services.AddSingleton<IReadOnlyList<LiveSigner>>([new LiveSigner(_folder.File("node.pem"), new HsmSigner(Ca.Hsm, key), Clock, NullLogger.Instance)]);
        builder.AddResponder(options, _ => new FeedCopy(CaScene.LogOrigin, [feedKey], _folder.File("feed"), _folder.File("heard"), Clock));
        _node = builder.Build();
        await _node.StartAsync(Token);
        var address = new Uri(_node.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Agency = new Agency(new Uri(address, "/ocsp"), Der.Encode(issuer), Clock);
        await HearAsync();
    }
}
