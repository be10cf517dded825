using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Ra;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Verbs;
using ZwCa.Tests.Ca.Pairs;

namespace ZwCa.Tests.Ra;

/// <summary>How a <see cref="RaStage"/> differs from the plain one.</summary>
internal sealed record RaSetup
{
    /// <summary>Where it has a database of its own.</summary>
    public DatabaseKind Kind { get; init; }

    /// <summary>Settings besides, or instead of, the plain ones: <c>Ra:Limits:Review</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    public TimeProvider? Time { get; init; }
}

/// <summary>A province's RA in this process, its keys in memory, over real mutual TLS; before it a CA with its KMC; and those who work there and apply.</summary>
internal sealed class RaStage : RaCounter, IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly TestDatabase _database;
    private readonly StringWriter _log = new();
    private readonly MemoryHsm _hsm = new();
    private IConfiguration _settings = null!;
    private LinkOptionsFiles _link = null!;
    private bool _started;

    private RaStage(PairStage pairs, TemporaryFolder folder, TestDatabase database, TimeProvider time)
        : base(time)
    {
        _folder = folder;
        _database = database;
        Pairs = pairs;
    }

    /// <summary>CA and KMC.</summary>
    public PairStage Pairs { get; }

    public CaStage Ca => Pairs.Ca;

    public WebApplication App { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    /// <summary>业务操作员 of the county: an acceptance point.</summary>
    public StageOfficer County { get; private set; } = null!;

    /// <summary>业务操作员 of the city.</summary>
    public override StageOfficer City => Ca.Entry;

    /// <summary>业务操作员 of the province.</summary>
    public override StageOfficer Province => Ca.Review;

    /// <summary>业务管理员 of the province.</summary>
    public StageOfficer Administrator { get; private set; } = null!;

    /// <summary>审计员 of the province.</summary>
    public StageOfficer Auditor { get; private set; } = null!;

    /// <summary>What the RA has logged.</summary>
    public override string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static async Task<RaStage> StartAsync(RaSetup? setup = null)
    {
        setup ??= new RaSetup();
        var folder = new TemporaryFolder();
        TestDatabase database = await TestDatabase.CreateAsync(setup.Kind);
        PairStage pairs = await PairStage.StartAsync(new CaSetup
        {
            RaProfiles = RaScene.Profiles,

            // Keys are recovered with the officers' CRL.
            Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.5", ["Ca:Crls:PublicationFolders:0"] = Directory.CreateDirectory(folder.File("crls")).FullName },
        });
        var stage = new RaStage(pairs, folder, database, setup.Time ?? TimeProvider.System);
        try
        {
            stage.County = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.County, "陈县");
            stage.CityReviewer = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessOperator, CaScene.City, "李市");
            stage.Administrator = await pairs.Ca.OfficerAsync(RoleCatalogue.BusinessAdministrator, CaScene.Province, "周管理");
            stage.Auditor = await pairs.Ca.OfficerAsync(RoleCatalogue.Auditor, CaScene.Province, "吴审计");
            await stage.StartServiceAsync(setup);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Another node of the same RA: of one database and one CA, on another port. Not with SQLite, where one process writes.</summary>
    /// <param name="settings">Besides, or instead of, those of the first.</param>
    public async Task<RaNode> StartNodeAsync(params IEnumerable<(string Name, string Value)> settings)
    {
        WebApplication app = await StartHostAsync(new ConfigurationBuilder().AddConfiguration(_settings).AddInMemoryCollection(settings.ToDictionary(each => each.Name, each => (string?)each.Value)).Build());
        return new RaNode(this, app, AddressOf(app), _folder.File("system-ca.pem"));
    }

    /// <summary>What the RA is refused with, or refuses with.</summary>
    public static async Task<RefusalException> RefusedAsync(Func<Task> call, Refusal kind)
    {
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(call);
        Assert.True(kind == refusal.Kind, $"{refusal.Kind}: {refusal.Message}");
        Assert.Contains(refusal.Message, c => c >= 0x4E00);
        return refusal;
    }

    public async ValueTask DisposeAsync()
    {
        Dispose();
        if (_started)
        {
            await App.StopAsync(CancellationToken.None);
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        await Pairs.DisposeAsync();
        await _database.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private async Task StartServiceAsync(RaSetup setup)
    {
        // Its keys, one of which the CA has certified, and its link, which the CA has registered.
        byte[] secret = new byte[32];
        Ca.Ra.Key.ExportBytes(secret);
        _hsm.AddSm2Key(new KeyLabel(RaScene.MessageKey), Sm2PrivateKey.FromBytes(secret));
        await RaScene.MakeKeysAsync(_hsm);
        File.WriteAllText(_folder.File("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(Ca.Scene.Issuers.System.Certificate!)));
        _link = CaScene.WriteServerLink(Ca.Scene.Issuers, _folder.Path, TimeProvider.System);
        using (X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(_link.Certificate))
        {
            await Ca.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaScene.Actor, own, CaScene.RaName, ClientKind.Ra);
        }

        SubjectPublicKeyInfo logKey = (await Ca.Hsm.FindKeyAsync(new KeyLabel("ca-log")))!.PublicKey!;
        Dictionary<string, string?> settings = RaScene.WriteSettings(Ca.Scene.Issuers, _folder.Path, Ca.Address, Ca.Ra.Certificate!, logKey);
        settings["Ra:Hsm:Endpoint"] = "127.0.0.1:1";
        settings["Ra:Hsm:Partition"] = "ra";
        settings["Ra:Hsm:ClientFolder"] = _folder.Path;
        foreach ((string name, string? value) in setup.Settings)
        {
            settings[name] = value;
        }

        _settings = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        App = await StartHostAsync(_settings);
        _started = true;
        Open(AddressOf(App), _folder.File("system-ca.pem"));
        await WaitForCaAsync();
    }

    private static Uri AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each)).Single(each => each.Scheme == Uri.UriSchemeHttps);

    private async Task<WebApplication> StartHostAsync(IConfiguration settings)
    {
        var options = new ServiceOptions
        {
            Name = RaScene.ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = _link.Certificate, KeyFile = _link.Key, SystemCaFile = _link.SystemCa },
            Database = _database.Options,
            Limits = new RequestLimits { RequestsPerSecond = 100_000, RequestsAtOnce = 100_000 },
        };
        var program = new ServiceProgram
        {
            Description = "The RA of a test.",
            Tables = RaHosting.Tables,
            Checks = RaHosting.Checks,
            Add = (builder, service) =>
            {
                builder.Services.AddSingleton(Time);
                builder.Services.AddSingleton<IHsm>(_hsm);
                RaHosting.Add(builder, service);
            },
            Map = RaHosting.Map,
        };
        WebApplication app = program.Build(options, settings, TextWriter.Synchronized(_log));
        try
        {
            await app.Services.GetRequiredService<Migrator>().MigrateAsync();
            foreach (StartCheck check in RaHosting.Checks)
            {
                await check.Run(app.Services, CancellationToken.None);
            }

            await app.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Officers and profiles have been heard of, and the CA has published the officers' CRL.</summary>
    private async Task WaitForCaAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (await Database.ReadAsync(async transaction =>
            await transaction.GetAsync<long>("SELECT COUNT(*) FROM officer") < 6 || await transaction.GetAsync<long>("SELECT COUNT(*) FROM ca_directory WHERE pulled_at > 0") == 0 || await transaction.GetAsync<long>("SELECT COUNT(*) FROM ca_profile") == 0)
            || await Ca.Database.FindAsync<long>("SELECT COUNT(*) FROM crl WHERE state = 3 AND authority_id = (SELECT authority_id FROM authority WHERE name = 'ops-s1')") == 0)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Delay(20, CancellationToken.None);
        }
    }
}
