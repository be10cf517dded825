using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>
/// A province's RA as it runs in production: a process of its own, its keys in an hsm-sim that is another, an SQLite file with full durability. It is made while its CA is filled
/// (<see cref="CaProcessSetup.Fill"/>). Linked into the test projects.
/// </summary>
/// <param name="settings">Besides, or instead of, the plain ones.</param>
/// <param name="database">Null: the file.</param>
internal sealed class RaProcess(IReadOnlyDictionary<string, string?>? settings = null, DatabaseOptions? database = null) : ServiceProcess("zwca-ra")
{
    /// <summary>Beside <see cref="CaScene.RaName"/>, whose key the tests have.</summary>
    public const string Name = "ra-350000";

    private const string Partition = "ra";

    private DatabaseOptions Options => database ?? new DatabaseOptions { ConnectionString = $"Data Source={DatabaseFile}" };

    private string _folder = null!;
    private HsmSimStore _store = null!;
    private IReadOnlyDictionary<string, string?> _settings = null!;

    public HsmSimProcess Device { get; private set; } = null!;

    public string DatabaseFile => Path.Combine(_folder, "ra.db");

    /// <summary>Those who work there.</summary>
    public ProcessCounter Counter { get; private set; } = null!;

    protected override string ConfigFile => Path.Combine(_folder, "ra.json");

    /// <summary>Its device, keys, certificate, link and tables, for a CA that is being filled.</summary>
    /// <param name="services">The CA's.</param>
    public async Task PrepareAsync(CaScene scene, IServiceProvider services)
    {
        _folder = Path.Combine(scene.Folder, "ra");
        Directory.CreateDirectory(_folder);
        _store = HsmSimStore.At(Path.Combine(_folder, "hsm"), Partition);
        Device = await _store.StartAsync();
        Certificate certificate;
        await using (SimulatorHsm hsm = await _store.ConnectAsync(Device, Partition))
        {
            await RaScene.MakeKeysAsync(hsm);
            HsmKey message = await hsm.GenerateKeyAsync(new KeyLabel(RaScene.MessageKey), HsmKeyKind.Sm2);
            certificate = await scene.CertifyRaAsync(Name, CaScene.Province, message.PublicKey!, quota: 10_000_000);
        }

        File.Copy(Path.Combine(scene.Folder, "system-ca.pem"), Path.Combine(_folder, "system-ca.pem"), overwrite: true);
        LinkOptionsFiles link = CaScene.WriteServerLink(scene.Issuers, _folder, TimeProvider.System);
        using (X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(link.Certificate))
        {
            await services.GetRequiredService<ClientStore>().RegisterAsync(CaScene.Actor, own, Name, ClientKind.Ra);
        }

        SubjectPublicKeyInfo logKey = (await services.GetRequiredService<IHsm>().FindKeyAsync(new KeyLabel("ca-log")))!.PublicKey!;
        Dictionary<string, string?> all = RaScene.WriteSettings(scene.Issuers, _folder, scene.Address, certificate, logKey);
        all["Ra:Name"] = Name;
        all["Ra:Hsm:Endpoint"] = Device.Endpoint.ToString();
        all["Ra:Hsm:Partition"] = Partition;
        all["Ra:Hsm:ClientFolder"] = Path.Combine(_store.Path, "clients", Partition);
        all["Service:Name"] = RaScene.ServiceName;
        all["Service:Mode"] = nameof(ServiceMode.Development);
        all["Service:Listen"] = Address.Authority;
        all["Service:Management"] = Management.Authority;
        all["Service:Link:CertificateFile"] = link.Certificate;
        all["Service:Link:KeyFile"] = link.Key;
        all["Service:Link:SystemCaFile"] = link.SystemCa;
        all["Service:Database:Kind"] = Options.Kind.ToString();
        all["Service:Database:ConnectionString"] = Options.ConnectionString;
        all["Service:Limits:RequestsPerSecond"] = "100000";
        all["Service:Limits:RequestsAtOnce"] = "100000";
        foreach ((string name, string? value) in settings ?? new Dictionary<string, string?>())
        {
            all[name] = value;
        }

        _settings = all;
        File.WriteAllText(ConfigFile, JsonSerializer.Serialize(all));
        await using (WebApplication app = await OpenAsync())
        {
            // Migrated.
        }

        Counter = new ProcessCounter(this, scene, await scene.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "李市"), link.SystemCa);
    }

    /// <summary>A database of this program's own, over the file to read beside the service and to write while it does not run.</summary>
    public Database OpenDatabase() => new(Options);

    /// <summary>Another node of the same RA, of one database on a server; not started.</summary>
    /// <param name="besides">Settings that it alone has.</param>
    public RaNodeProcess AddNode(IReadOnlyDictionary<string, string?> besides)
    {
        var node = new RaNodeProcess(Path.Combine(_folder, "ra-2.json"));
        var all = new Dictionary<string, string?>(_settings) { ["Service:Listen"] = node.Address.Authority, ["Service:Management"] = node.Management.Authority };
        foreach ((string name, string? value) in besides)
        {
            all[name] = value;
        }

        File.WriteAllText(node.File, JsonSerializer.Serialize(all));
        node.Counter = Counter.At(node);
        return node;
    }

    /// <inheritdoc cref="CaProcess.OpenAsync"/>
    public async Task<WebApplication> OpenAsync()
    {
        var program = new ServiceProgram { Description = "The RA of a test.", Tables = RaHosting.Tables, Checks = RaHosting.Checks, Add = RaHosting.Add, Map = RaHosting.Map };
        Microsoft.Extensions.Configuration.IConfigurationRoot configuration = ServiceConfiguration.Load(ConfigFile);
        WebApplication app = program.Build(ServiceConfiguration.Read(configuration), configuration, TextWriter.Null);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in RaHosting.Checks)
        {
            await check.Run(app.Services, CancellationToken.None);
        }

        return app;
    }

    /// <summary>The device again, on the port of before.</summary>
    public async Task StartDeviceAsync()
    {
        string listen = Device.Endpoint.ToString();
        await Device.DisposeAsync();
        Device = await _store.StartAsync(listen);
    }

    /// <summary>Officers and profiles have been heard of: work can begin.</summary>
    public async Task WaitForCaAsync()
    {
        await using Database database = OpenDatabase();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (await database.ReadAsync(async transaction =>
            await transaction.GetAsync<long>("SELECT COUNT(*) FROM officer") < 3 || await transaction.GetAsync<long>("SELECT COUNT(*) FROM ca_directory WHERE pulled_at > 0") == 0 || await transaction.GetAsync<long>("SELECT COUNT(*) FROM ca_profile") == 0))
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(50, CancellationToken.None);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Counter?.Dispose();
        if (Device is not null)
        {
            await Device.DisposeAsync();
        }

        _store?.Dispose();
    }
}

/// <summary>Another node, beside an <see cref="RaProcess"/>.</summary>
/// <param name="file">Its configuration.</param>
internal sealed class RaNodeProcess(string file) : ServiceProcess("zwca-ra")
{
    public string File => file;

    /// <summary>Those who work there.</summary>
    public ProcessCounter Counter { get; set; } = null!;

    protected override string ConfigFile => file;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Counter?.Dispose();
    }
}

/// <summary>Those who work at an RA that is a process.</summary>
internal sealed class ProcessCounter : RaCounter
{
    private readonly ServiceProcess _ra;
    private readonly CaScene _scene;
    private readonly string _systemCa;

    public ProcessCounter(ServiceProcess ra, CaScene scene, StageOfficer reviewer, string systemCa)
        : base(TimeProvider.System)
    {
        _ra = ra;
        _scene = scene;
        _systemCa = systemCa;
        CityReviewer = reviewer;
        Open(ra.Address, systemCa);
    }

    public override StageOfficer City => _scene.Entry;

    public override StageOfficer Province => _scene.Review;

    public override string Log => _ra.Log;

    /// <summary>The same officers at another node.</summary>
    public ProcessCounter At(ServiceProcess node) => new(node, _scene, CityReviewer, _systemCa);
}
