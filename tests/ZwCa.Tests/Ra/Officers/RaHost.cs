using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Ca.Certificates;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Tests.Ra.Officers;

/// <summary>The RA of a <see cref="CaStage"/> as a whole service in this process, on loopback.</summary>
internal sealed class RaHost : IAsyncDisposable
{
    private const string ServiceName = "ra-35";

    private readonly TemporaryFolder _folder = new();
    private readonly MemoryHsm _hsm = new();
    private readonly StringWriter _log = new();
    private readonly List<IDisposable> _own = [];
    private readonly CaStage _ca;
    private bool _started;

    private RaHost(CaStage ca) => _ca = ca;

    public WebApplication App { get; private set; } = null!;

    /// <summary>Its link at the CA.</summary>
    public string Thumbprint { get; private set; } = null!;

    private Uri Address { get; set; } = null!;

    public static async Task<RaHost> StartAsync(CaStage ca)
    {
        var host = new RaHost(ca);
        try
        {
            await host.StartAsync();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client by which an officer speaks to the RA.</summary>
    public HttpClient Client(StageOfficer officer)
    {
        HttpClient client = LinkTls.CreateClient(
            Address,
            () => officer.Link,
            LinkTrust.Load(_folder.File("system-ca.pem"), TimeProvider.System),
            TimeSpan.FromSeconds(60),
            new MessageSigningHandler(new MessageSigner(officer.SerialNumber, officer.Key), ServiceName, TimeProvider.System));
        _own.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        if (_started)
        {
            await App.StopAsync();
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        await _hsm.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private async Task StartAsync()
    {
        // Files: the CAs, the CA's log key, this RA's message certificate, and its link, which the CA knows.
        var issuers = new CaIssuers
        {
            Subscribers = _ca.Hierarchy.Sub,
            Operations = _ca.Operations,
            System = _ca.Hierarchy.System,
            SystemSigner = _ca.Hierarchy.Signer("system-root", KeyAlgorithm.P256),
            All = [],
            Responders = [],
        };
        File.WriteAllText(_folder.File("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(issuers.System.Certificate!)));
        File.WriteAllText(_folder.File("ops.pem"), Pem.Encode(Pem.Certificate, Der.Encode(issuers.Operations.Certificate!)));
        File.WriteAllText(_folder.File("ca-log.pem"), Pem.Encode(Pem.PublicKey, Der.Encode((await _ca.Hsm.FindKeyAsync(new KeyLabel("ca-log")))!.PublicKey!)));
        CertificateRow message = (await _ca.Database.ReadAsync(
            transaction => CertificateStore.FindAsync(transaction, _ca.Authorities.Operations.Id, _ca.Ra.Signer.Sender.ToString())))!;
        File.WriteAllText(_folder.File("message.pem"), Pem.Encode(Pem.Certificate, Der.Encode(message.FindCertificate()!)));
        LinkOptionsFiles link = CaScene.WriteServerLink(issuers, _folder.Path, TimeProvider.System);
        using X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(link.Certificate);
        Thumbprint = ClientStore.ThumbprintOf(own);
        await _ca.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaStage.Actor, own, CaStage.RaName, ClientKind.Ra);

        // Keys.
        byte[] secret = new byte[32];
        _ca.Ra.Key.ExportBytes(secret);
        _hsm.AddSm2Key(new KeyLabel("ra-message"), Sm2PrivateKey.FromBytes(secret));
        await _hsm.GenerateKeyAsync(new KeyLabel("ra-log"), HsmKeyKind.Sm2);
        await _hsm.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3);
        await _hsm.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek);

        var settings = new Dictionary<string, string?>
        {
            ["Ra:Name"] = CaStage.RaName,
            ["Ra:Region"] = CaStage.Province,
            ["Ra:Hsm:Endpoint"] = "127.0.0.1:1",
            ["Ra:Hsm:Partition"] = "ra",
            ["Ra:Hsm:ClientFolder"] = _folder.Path,
            ["Ra:Log:Origin"] = "zwca/ra-35",
            ["Ra:Log:KeyLabel"] = "ra-log",
            ["Ra:Log:Anchors:0"] = _folder.File("log.anchor"),
            ["Ra:MessageKey"] = "ra-message",
            ["Ra:MessageCertificateFile"] = _folder.File("message.pem"),
            ["Ra:PersonIndexKey"] = "person-index",
            ["Ra:DataKek"] = "data-kek",
            ["Ra:OfficerIssuerFiles:0"] = _folder.File("ops.pem"),
            ["Ra:Ca:Name"] = CaStage.Name,
            ["Ra:Ca:Address"] = _ca.Address.ToString(),
            ["Ra:Ca:Recipient"] = CaStage.ServiceName,
            ["Ra:Ca:LogOrigin"] = CaScene.LogOrigin,
            ["Ra:Ca:LogKeyFile"] = _folder.File("ca-log.pem"),
            ["Ra:Ca:PullEvery"] = "00:00:01",
            ["Ra:Profiles:tls:Title"] = "服务器证书",
            ["Ra:Profiles:tls:Subscriber"] = "Organization",
            ["Ra:Profiles:tls:Certificate"] = "tls-server",
            ["Ra:Profiles:tls:Issuer"] = Convert.ToHexStringLower(issuers.Subscribers.KeyIdentifier.Span),
        };
        var program = new ServiceProgram
        {
            Description = "The RA of a test.",
            Tables = RaHosting.Tables,
            Checks = RaHosting.Checks,
            Add = (builder, service) =>
            {
                builder.Services.AddSingleton(TimeProvider.System);
                builder.Services.AddSingleton<IHsm>(_hsm);
                RaHosting.Add(builder, service);
            },
            Map = RaHosting.Map,
        };
        var options = new ServiceOptions
        {
            Name = ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = link.Certificate, KeyFile = link.Key, SystemCaFile = link.SystemCa },
            Database = new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("ra.db")}" },
            Limits = new RequestLimits { RequestsPerSecond = 100_000, RequestsAtOnce = 100_000 },
        };
        App = program.Build(options, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in RaHosting.Checks)
        {
            await check.Run(App.Services, CancellationToken.None);
        }

        await App.StartAsync();
        _started = true;
        Address = App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each)).Single(each => each.Scheme == Uri.UriSchemeHttps);
    }
}
