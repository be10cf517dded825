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
    /// <summary>Null: an SQLite file of its own.</summary>
    public DatabaseOptions? Database { get; init; }

    /// <summary>Settings besides, or instead of, the plain ones: <c>Ra:Limits:Review</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    public TimeProvider? Time { get; init; }
}

/// <summary>A province's RA in this process, its keys in memory, over real mutual TLS; before it a CA with its KMC; and those who work there and apply.</summary>
internal sealed class RaStage : RaCounter, IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly StringWriter _log = new();
    private readonly MemoryHsm _hsm = new();
    private bool _started;

    private RaStage(PairStage pairs, TemporaryFolder folder, TimeProvider time)
        : base(time)
    {
        _folder = folder;
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
        PairStage pairs = await PairStage.StartAsync(new CaSetup
        {
            RaProfiles = RaScene.Profiles,

            // Keys are recovered with the officers' CRL.
            Settings = new Dictionary<string, string?> { ["Ca:Crls:Look"] = "00:00:00.5", ["Ca:Crls:PublicationFolders:0"] = Directory.CreateDirectory(folder.File("crls")).FullName },
        });
        var stage = new RaStage(pairs, folder, setup.Time ?? TimeProvider.System);
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
        LinkOptionsFiles link = CaScene.WriteServerLink(Ca.Scene.Issuers, _folder.Path, TimeProvider.System);
        using (X509Certificate2 own = X509CertificateLoader.LoadCertificateFromFile(link.Certificate))
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

        var options = new ServiceOptions
        {
            Name = RaScene.ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = link.Certificate, KeyFile = link.Key, SystemCaFile = link.SystemCa },
            Database = setup.Database ?? new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("ra.db")}" },
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
        App = program.Build(options, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in RaHosting.Checks)
        {
            await check.Run(App.Services, CancellationToken.None);
        }

        await App.StartAsync();
        _started = true;
        Uri[] addresses = [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
        Open(addresses.Single(each => each.Scheme == Uri.UriSchemeHttps), _folder.File("system-ca.pem"));
        await WaitForCaAsync();
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
