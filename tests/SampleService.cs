using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Audit;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>How a <see cref="SampleService"/> differs from the plain one.</summary>
internal sealed record SampleSetup
{
    /// <summary>Changes what it is configured with.</summary>
    public Func<ServiceOptions, ServiceOptions> Options { get; init; } = options => options;

    /// <summary>Of the configuration, besides Service. Null: any.</summary>
    public string? Section { get; init; }

    /// <summary>More tables, above those of data, audit and service.</summary>
    public IReadOnlyList<MigrationSet> Migrations { get; init; } = [];

    public Action<WebApplicationBuilder> Add { get; init; } = _ => { };

    public IReadOnlyList<StartCheck> Checks { get; init; } = [];

    public IReadOnlyList<ServiceVerb> Verbs { get; init; } = [];

    /// <summary>More middleware and endpoints.</summary>
    public Action<WebApplication> Map { get; init; } = _ => { };

    /// <summary>A listener by plain http that it has besides: <c>127.0.0.1:PORT</c>.</summary>
    public string? PublicListen { get; init; }
}

/// <summary>
/// A service as small as can be, in this process, on loopback, over real mutual TLS, with an SQLite file of its own. Linked into the test projects.
/// </summary>
internal sealed class SampleService : IAsyncDisposable
{
    public const string Name = "sample";
    public static readonly AuditActor Actor = new(AuditActorKind.Job, "test");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly LockedWriter _log = new();
    private readonly List<IDisposable> _own = [];

    private SampleService()
    {
    }

    public SystemCa Ca { get; } = new();

    /// <summary>Of the links: https, port chosen by the system.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Of health and metrics.</summary>
    public Uri Management { get; private set; } = null!;

    /// <summary>What it has logged: JSON lines.</summary>
    public string Logged => _log.ToString();

    public WebApplication App { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    public ClientStore Clients => App.Services.GetRequiredService<ClientStore>();

    /// <summary>Whom its clients believe.</summary>
    public LinkTrust Trust => new([Ca.Certificate], TimeProvider.System);

    public static async Task<SampleService> StartAsync(SampleSetup? setup = null)
    {
        setup ??= new SampleSetup();
        var service = new SampleService();
        try
        {
            ServiceOptions options = setup.Options(service.WriteFiles());
            service.App = Program(setup).Build(options, null, service._log);
            await service.App.Services.GetRequiredService<Migrator>().MigrateAsync();
            await service.App.StartAsync();
            Uri[] addresses = [.. service.App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
            service.Address = addresses.Single(each => each.Scheme == Uri.UriSchemeHttps);
            service.Management = addresses.Single(each => each.Scheme == Uri.UriSchemeHttp && each.Authority != setup.PublicListen);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client with that certificate, or none.</summary>
    public HttpClient CreateClient(X509Certificate2? certificate)
    {
        HttpClient client = certificate is null
            ? LinkTls.CreatePublicClient(Address, Trust, Patience)
            : LinkTls.CreateClient(Address, () => certificate, Trust, Patience);
        _own.Add(client);
        return client;
    }

    /// <summary>A client with a certificate of the system CA that is registered.</summary>
    public async Task<HttpClient> RegisterAsync(string name, ClientKind kind = ClientKind.Ra)
    {
        X509Certificate2 certificate = Ca.Issue(name);
        _own.Add(certificate);
        await Clients.RegisterAsync(Actor, certificate, name, kind);
        return CreateClient(certificate);
    }

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        if (App is not null)
        {
            await App.StopAsync();
            await App.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Ca.Dispose();
        _folder.Dispose();
    }

    /// <summary>Its program, with the verbs.</summary>
    public static ServiceProgram Program(SampleSetup setup) => new()
    {
        Section = setup.Section,
        Description = "A service of the tests.",
        Tables = setup.Migrations,
        Checks = setup.Checks,
        Verbs = setup.Verbs,
        Add = (builder, _) => setup.Add(builder),
        Map = app =>
        {
            app.MapGet("/who", (HttpContext context) => TypedResults.Text(context.User.Identity!.Name));
            app.MapGet("/public", () => TypedResults.Text("公开")).AllowAnonymous();
            app.MapPost("/echo", async (HttpContext context) => await context.Request.Body.CopyToAsync(context.Response.Body));
            setup.Map(app);
        },
    };

    /// <returns>The path of a file in its folder: link.pem, link.key, system-ca.pem, sample.db.</returns>
    public string File(string name) => _folder.File(name);

    private ServiceOptions WriteFiles()
    {
        using X509Certificate2 server = Ca.Issue(Name);
        SystemCa.Write(server, _folder.File("link.pem"), _folder.File("link.key"), null);
        System.IO.File.WriteAllText(_folder.File("system-ca.pem"), Ca.Certificate.ExportCertificatePem());
        return new ServiceOptions
        {
            Name = Name,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = _folder.File("link.pem"), KeyFile = _folder.File("link.key"), SystemCaFile = _folder.File("system-ca.pem") },
            Database = new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("sample.db")}" },
        };
    }

    /// <summary>The log writes while a test reads.</summary>
    private sealed class LockedWriter : StringWriter
    {
        private readonly Lock _lock = new();

        public override void WriteLine(string? value)
        {
            lock (_lock)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }
    }
}
