using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Jobs;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>How a <see cref="CaStage"/> differs from the plain one.</summary>
internal sealed record CaSetup
{
    /// <summary>Null: an SQLite file of its own.</summary>
    public DatabaseOptions? Database { get; init; }

    /// <summary>Null: the machine's clock.</summary>
    public TimeProvider? Time { get; init; }

    public Func<ServiceOptions, ServiceOptions> Options { get; init; } = options => options;

    /// <summary>Settings of section Ca besides, or instead of, the plain ones: <c>Ca:RecoverAfter</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>What the RA may ask for, from each CA of subscribers.</summary>
    public IReadOnlyList<string> RaProfiles { get; init; } = CaScene.PlainProfiles;

    /// <summary>What is made before the CA is, of its CAs, in its folder; gives settings besides.</summary>
    public Func<IHsm, CaIssuers, string, Task<IReadOnlyDictionary<string, string?>>> Prepare { get; init; } =
        (_, _, _) => Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>());

    public Action<WebApplicationBuilder> Add { get; init; } = _ => { };

    /// <summary>Whether section Ca:Ocsp is left out.</summary>
    public bool WithoutOcsp { get; init; }

    /// <summary>Whether it tells of what has changed by itself; else nothing but what the test asks for signs.</summary>
    public bool TellsChanges { get; init; }

    /// <summary>Whether there is an RSA CA too: its keys take a second.</summary>
    public bool WithRsa { get; init; }
}

/// <summary>
/// A CA in this process, on loopback, over real mutual TLS, its keys in memory; filled as <see cref="CaScene"/> says. Linked into the test projects.
/// </summary>
internal sealed class CaStage : IAsyncDisposable
{
    public const string Name = CaScene.Name;
    public const string ServiceName = CaScene.ServiceName;
    public const string Province = CaScene.Province;
    public const string City = CaScene.City;
    public const string County = CaScene.County;
    public const string OtherProvince = CaScene.OtherProvince;
    public const string RaName = CaScene.RaName;

    public static readonly AuditActor Actor = CaScene.Actor;

    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _log = new();
    private readonly TimeProvider _time;
    private CaIssuers _issuers = null!;
    private bool _started;

    private CaStage(SampleHierarchy hierarchy, TimeProvider time)
    {
        Hierarchy = hierarchy;
        _time = time;
    }

    public SampleHierarchy Hierarchy { get; }

    public MemoryHsm Hsm => Hierarchy.Hsm;

    /// <summary>Certifies officers, RA systems and service signers.</summary>
    public Issuer Operations => _issuers.Operations;

    /// <summary>Null unless asked for.</summary>
    public Issuer? Rsa => _issuers.Rsa;

    public WebApplication App { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public Uri Management { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    public AuthorityList Authorities => App.Services.GetRequiredService<AuthorityList>();

    /// <summary>What it is filled with.</summary>
    public CaScene Scene { get; private set; } = null!;

    public StageOfficer Super => Scene.Super;

    public StageOfficer Audit => Scene.Audit;

    /// <inheritdoc cref="CaScene.FirstAdministrator"/>
    public StageOfficer FirstAdministrator => Scene.FirstAdministrator;

    public StageOfficer SecondAdministrator => Scene.SecondAdministrator;

    /// <inheritdoc cref="CaScene.Entry"/>
    public StageOfficer Entry => Scene.Entry;

    /// <inheritdoc cref="CaScene.Review"/>
    public StageOfficer Review => Scene.Review;

    /// <inheritdoc cref="CaScene.Stranger"/>
    public StageOfficer Stranger => Scene.Stranger;

    /// <inheritdoc cref="CaScene.Ra"/>
    public RaParty Ra => Scene.Ra;

    public string Logged
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static async Task<CaStage> StartAsync(CaSetup? setup = null)
    {
        setup ??= new CaSetup();
        var stage = new CaStage(await SampleHierarchy.CreateAsync(), setup.Time ?? TimeProvider.System);
        try
        {
            await stage.StartServiceAsync(setup);
            stage.Scene = new CaScene(stage.Hierarchy, stage._issuers, stage.App.Services, stage._folder.Path, stage.Address, stage._time) { RaProfiles = setup.RaProfiles };
            await stage.Scene.FillAsync();
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc cref="CaScene.OfficerAsync"/>
    public Task<StageOfficer> OfficerAsync(string role, string region, string name = "王小明") => Scene.OfficerAsync(role, region, name);

    /// <inheritdoc cref="CaScene.CertifyAsync"/>
    public Task<StageOfficer> CertifyAsync(string role, string region, string name = "王小明", ReadOnlyMemory<byte>? person = null) => Scene.CertifyAsync(role, region, name, person);

    /// <inheritdoc cref="CaScene.DecideAsync"/>
    public Task DecideAsync(StageOfficer proposer, StageOfficer approver, string action, string region, byte[] parameters) =>
        Scene.DecideAsync(proposer, approver, action, region, parameters);

    /// <inheritdoc cref="CaScene.RegisterAsync"/>
    public Task<X509Certificate2> RegisterAsync(string name, ClientKind kind) => Scene.RegisterAsync(name, kind);

    /// <inheritdoc cref="CaScene.IssueLinkAsync"/>
    public Task<X509Certificate2> IssueLinkAsync(string name, DateTimeOffset? notBefore = null) => Scene.IssueLinkAsync(name, notBefore);

    /// <inheritdoc cref="CaScene.CreateClient"/>
    public HttpClient CreateClient(X509Certificate2 link, MessageSigner? signer = null) => Scene.CreateClient(link, signer);

    /// <inheritdoc cref="CaScene.Draft"/>
    public IssueDraft Draft(SubjectPublicKeyInfo key, string? entity = null) => Scene.Draft(key, entity);

    /// <inheritdoc cref="CaScene.Decide"/>
    public DecidedRequest Decide(Application application, StageOfficer? entry = null, StageOfficer? review = null, byte[]? csr = null, DateTimeOffset? at = null) =>
        Scene.Decide(application, entry, review, csr, at);

    /// <inheritdoc cref="CaScene.Sign"/>
    public Approval Sign(StageOfficer officer, ApprovalStep step, Application application, DateTimeOffset? at = null) => Scene.Sign(officer, step, application, at);

    /// <inheritdoc cref="CaScene.RaAsync"/>
    public Task<RaParty> RaAsync(string name, string region, long quota = 1_000_000) => Scene.RaAsync(name, region, quota);

    /// <summary>A valid TLS server certificate by the whole way through the API.</summary>
    public async Task<(CertificateAnswer Answer, Sm2PrivateKey Key, IssueDraft Draft)> IssueAsync(string? entity = null)
    {
        Sm2PrivateKey key = Scene.Own(Sm2PrivateKey.Generate());
        IssueDraft draft = Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), entity);
        return (await Ra.PostAsync<CertificateAnswer>("/certificates", Decide(draft.ToApplication(), csr: Csr(key))), key, draft);
    }

    /// <inheritdoc cref="CaScene.Csr"/>
    public static byte[] Csr(Sm2PrivateKey key) => CaScene.Csr(key);

    /// <inheritdoc cref="CaScene.NewEntity"/>
    public static string NewEntity() => CaScene.NewEntity();

    /// <inheritdoc cref="CaScene.NewIdNumber"/>
    public static IdNumber NewIdNumber() => CaScene.NewIdNumber();

    /// <inheritdoc cref="CaScene.RawAsync"/>
    public Task<int> RawAsync(string sql, object? parameters = null) => Scene.RawAsync(sql, parameters);

    public async ValueTask DisposeAsync()
    {
        Scene?.Dispose();
        if (_started)
        {
            await App.StopAsync();
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private async Task StartServiceAsync(CaSetup setup)
    {
        // The CAs' certificates and the service's own link, as files.
        _issuers = await CaIssuers.InMemoryAsync(Hierarchy, setup.WithRsa, _time.GetUtcNow());
        Dictionary<string, string?> settings = CaScene.WriteSettings(_issuers, _folder.Path);
        settings["Ca:Hsm:Endpoint"] = "127.0.0.1:1";
        settings["Ca:Hsm:Partition"] = "ca";
        settings["Ca:Hsm:ClientFolder"] = _folder.Path;
        foreach ((string name, string? value) in (await setup.Prepare(Hsm, _issuers, _folder.Path)).Concat(setup.Settings))
        {
            settings[name] = value;
        }

        foreach (string name in settings.Keys.Where(name => setup.WithoutOcsp && name.StartsWith("Ca:Ocsp:", StringComparison.Ordinal)).ToList())
        {
            settings.Remove(name);
        }

        LinkOptionsFiles link = CaScene.WriteServerLink(_issuers, _folder.Path, _time);
        ServiceOptions options = setup.Options(new ServiceOptions
        {
            Name = ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = link.Certificate, KeyFile = link.Key, SystemCaFile = link.SystemCa },
            Database = setup.Database ?? new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("ca.db")}" },
            Limits = new RequestLimits { RequestsPerSecond = 100_000, RequestsAtOnce = 100_000 },
        });
        var program = new ServiceProgram
        {
            Description = "The CA of a test.",
            Tables = CaHosting.Tables,
            Checks = CaHosting.Checks,
            Add = (builder, service) =>
            {
                builder.Services.AddSingleton(_time);
                if (setup.Time is not null)
                {
                    // That of the database knows nothing of the test's.
                    builder.Services.AddSingleton(new DatabaseClock(null));
                }

                builder.Services.AddSingleton<IHsm>(Hsm);
                setup.Add(builder);
                CaHosting.Add(builder, service);
                if (!setup.TellsChanges)
                {
                    foreach (ServiceDescriptor loop in builder.Services.Where(each => each.ServiceType == typeof(IHostedService) && each.ImplementationType == typeof(PresignService)).ToList())
                    {
                        builder.Services.Remove(loop);
                    }
                }
            },
            Map = CaHosting.Map,
        };
        App = program.Build(options, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in CaHosting.Checks)
        {
            await check.Run(App.Services, CancellationToken.None);
        }

        await App.StartAsync();
        _started = true;
        Uri[] addresses = [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
        Address = addresses.Single(each => each.Scheme == Uri.UriSchemeHttps);
        Management = addresses.Single(each => each.Scheme == Uri.UriSchemeHttp && each.Authority != settings.GetValueOrDefault("Ca:Crls:Listen"));
    }
}
