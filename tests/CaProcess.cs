using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>How a <see cref="CaProcess"/> differs from the plain one.</summary>
internal sealed record CaProcessSetup
{
    /// <summary>Where everything lies, and stays: a folder that does not exist yet. Null: one that is deleted at the end.</summary>
    public string? Folder { get; init; }

    /// <summary>Settings besides, or instead of, the plain ones: <c>Ca:RecoverAfter</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>Whether there is an RSA CA too.</summary>
    public bool WithRsa { get; init; }

    /// <summary>What its RA may ask for.</summary>
    public IReadOnlyList<string> RaProfiles { get; init; } = CaScene.PlainProfiles;

    /// <summary>Makes what the CA needs besides, given its device, its issuers and its folder: a KMC. It returns settings for it.</summary>
    public Func<IHsm, CaIssuers, string, Task<IReadOnlyDictionary<string, string?>>> Prepare { get; init; } =
        (_, _, _) => Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>());

    /// <summary>What lies in its folder besides, and has to end before that is deleted: a KMC. Null: nothing.</summary>
    public IAsyncDisposable? Inside { get; init; }

    /// <summary>Fills in more, while the service does not run yet.</summary>
    public Func<CaScene, IServiceProvider, Task> Fill { get; init; } = (_, _) => Task.CompletedTask;
}

/// <summary>
/// The CA as it runs in production: a process of its own, its keys in an hsm-sim that is another, an SQLite file with full durability; filled as <see cref="CaScene"/> says. It listens on
/// the same ports through all its lives. Linked into the test projects.
/// </summary>
internal sealed class CaProcess : ServiceProcess
{
    public const string Partition = "ca";

    private readonly TemporaryFolder? _temporary;
    private readonly string _folder;
    private readonly IAsyncDisposable? _inside;
    private HsmSimStore _store = null!;
    private SampleHierarchy _hierarchy = null!;
    private CaProcess(CaProcessSetup setup)
        : base("zwca-ca")
    {
        _temporary = setup.Folder is null ? new TemporaryFolder() : null;
        _folder = setup.Folder ?? _temporary!.Path;
        _inside = setup.Inside;
    }

    public CaScene Scene { get; private set; } = null!;

    public CaIssuers Issuers { get; private set; } = null!;

    /// <summary>May be replaced by another of the same address, once the old one has ended.</summary>
    public HsmSimProcess Device { get; set; } = null!;

    /// <summary>Of the device.</summary>
    public HsmSimStore Store => _store;

    /// <summary>A connection of the test's own to the CA's partition.</summary>
    public SimulatorHsm Hsm { get; private set; } = null!;

    public string DatabaseFile => Path.Combine(_folder, "ca.db");

    /// <summary>For the log's key, and where its anchor is.</summary>
    public string AnchorFile => Path.Combine(_folder, "log.anchor");

    protected override string ConfigFile => Path.Combine(_folder, "ca.json");

    /// <summary>Everything is there, the device runs, the service does not yet.</summary>
    public static async Task<CaProcess> CreateAsync(CaProcessSetup? setup = null)
    {
        setup ??= new CaProcessSetup();
        var process = new CaProcess(setup);
        try
        {
            await process.PrepareAsync(setup);
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>A database of this program's own over the file: to read beside the service, to write while it does not run.</summary>
    public Database OpenDatabase() => new(new DatabaseOptions { ConnectionString = $"Data Source={DatabaseFile}" });

    /// <summary>The program's own parts, in this process and not started: no listener, no job, no sequencer. For what is done while the service does not run.</summary>
    public async Task<WebApplication> OpenAsync()
    {
        var program = new ServiceProgram { Description = "The CA of a test.", Tables = CaHosting.Tables, Checks = CaHosting.Checks, Add = CaHosting.Add, Map = CaHosting.Map };
        Microsoft.Extensions.Configuration.IConfigurationRoot configuration = ServiceConfiguration.Load(ConfigFile);
        WebApplication app = program.Build(ServiceConfiguration.Read(configuration), configuration, TextWriter.Null);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in CaHosting.Checks)
        {
            await check.Run(app.Services, CancellationToken.None);
        }

        return app;
    }

    public async Task<long> CountSignaturesAsync(string label) =>
        await Hsm.GetSignatureCountAsync(await Hsm.FindKeyAsync(new KeyLabel(label)) ?? throw new ArgumentException("No such key.", nameof(label)));

    /// <summary>The device again, on the port of before.</summary>
    public async Task StartDeviceAsync()
    {
        string listen = Device.Endpoint.ToString();
        await Device.DisposeAsync();
        Device = await _store.StartAsync(listen);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_inside is not null)
        {
            await _inside.DisposeAsync();
        }

        Scene?.Dispose();
        if (Hsm is not null)
        {
            await Hsm.DisposeAsync();
        }

        if (Device is not null)
        {
            await Device.DisposeAsync();
        }

        _store?.Dispose();
        if (_hierarchy is not null)
        {
            await _hierarchy.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _temporary?.Dispose();
    }

    private async Task PrepareAsync(CaProcessSetup setup)
    {
        string state = Path.Combine(_folder, CaScene.StateFile);
        bool isNew = !File.Exists(state);
        Directory.CreateDirectory(_folder);
        _store = HsmSimStore.At(Path.Combine(_folder, "hsm"), Partition);
        Device = await _store.StartAsync();
        Hsm = await _store.ConnectAsync(Device, Partition);
        _hierarchy = await SampleHierarchy.CreateAsync();
        Issuers = isNew ? await CaIssuers.InDeviceAsync(_hierarchy, Hsm, setup.WithRsa, DateTimeOffset.UtcNow) : await CaIssuers.OpenAsync(Hsm, _folder);
        WriteConfiguration(setup, await setup.Prepare(Hsm, Issuers, _folder));
        if (!isNew)
        {
            Scene = new CaScene(_hierarchy, Issuers, null, _folder, Address, TimeProvider.System);
            Scene.Load(state);
            return;
        }

        await using WebApplication app = await OpenAsync();
        Scene = new CaScene(_hierarchy, Issuers, app.Services, _folder, Address, TimeProvider.System) { RaProfiles = setup.RaProfiles };
        await Scene.FillAsync();
        await setup.Fill(Scene, app.Services);
        Scene.Save(state);
    }

    private void WriteConfiguration(CaProcessSetup setup, IReadOnlyDictionary<string, string?> prepared)
    {
        Dictionary<string, string?> settings = CaScene.WriteSettings(Issuers, _folder);
        LinkOptionsFiles link = CaScene.WriteServerLink(Issuers, _folder, TimeProvider.System);
        settings["Ca:Hsm:Endpoint"] = Device.Endpoint.ToString();
        settings["Ca:Hsm:Partition"] = Partition;
        settings["Ca:Ocsp:LookForDue"] = "00:00:10";
        settings["Ca:Hsm:ClientFolder"] = Path.Combine(_store.Path, "clients", Partition);
        settings["Service:Name"] = CaScene.ServiceName;
        settings["Service:Mode"] = nameof(ServiceMode.Development);
        settings["Service:Listen"] = Address.Authority;
        settings["Service:Management"] = Management.Authority;
        settings["Service:Link:CertificateFile"] = link.Certificate;
        settings["Service:Link:KeyFile"] = link.Key;
        settings["Service:Link:SystemCaFile"] = link.SystemCa;
        settings["Service:Database:ConnectionString"] = $"Data Source={DatabaseFile}";
        settings["Service:Limits:RequestsPerSecond"] = "100000";
        settings["Service:Limits:RequestsAtOnce"] = "100000";
        foreach ((string name, string? value) in prepared.Concat(setup.Settings))
        {
            settings[name] = value;
        }

        File.WriteAllText(ConfigFile, JsonSerializer.Serialize(settings));
    }
}
