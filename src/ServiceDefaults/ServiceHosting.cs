using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Health;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Requests;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.ServiceDefaults;

/// <summary>What all services have in common, in two calls: <c>builder.AddServiceDefaults(…)</c> and <c>app.UseServiceDefaults()</c>.</summary>
public static class ServiceHosting
{
    /// <summary>
    /// Registers listeners, limits, authentication, logging, telemetry and health, and for the service's own use <see cref="ServiceOptions"/>,
    /// <see cref="Database"/>, <see cref="Migrator"/>, <see cref="AuditLog"/>, <see cref="ClientStore"/>, <see cref="LinkTrust"/>,
    /// <see cref="LinkCertificate"/>, <see cref="TimeProvider"/> (unless it is there already). An <see cref="IHsm"/> that the service registers
    /// before is watched by readiness. A service without a database has none of <see cref="Database"/>, <see cref="Migrator"/>, <see cref="AuditLog"/> and <see cref="ClientStore"/>, and no
    /// listener for links: it is a client of others, and listens as it sees fit.
    /// </summary>
    /// <param name="tables">All tables of the service, with those of the libraries. Null: it has no database.</param>
    /// <param name="log">Where the log is written.</param>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static void AddServiceDefaults(this WebApplicationBuilder builder, ServiceOptions options, IReadOnlyList<MigrationSet>? tables, TextWriter log)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ServiceConfiguration.ThrowIfWrong(options, tables is not null);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(new ListenAddress($"{ServiceOptions.Section}:{nameof(ServiceOptions.Management)}", options.ManagementEndPoint));
        services.TryAddSingleton(TimeProvider.System);
        AddLinks(services, options);
        AddListeners(builder.WebHost, options, hasLinks: tables is not null);
        IHealthChecksBuilder health = services.AddHealthChecks().AddCheck<LinkCheck>("link");
        if (tables is not null)
        {
            services.AddSingleton(new ListenAddress($"{ServiceOptions.Section}:{nameof(ServiceOptions.Listen)}", options.ListenEndPoint));
            services.AddSingleton(_ => new Database(options.Database));
            services.AddSingleton(provider => new Migrator(provider.GetRequiredService<Database>(), tables, provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<AuditLog>();
            AddClients(services);
            services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
            services.AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = new RequestTimeoutPolicy { Timeout = options.Limits.RequestTimeout });
            health.AddCheck<DatabaseCheck>("database");
        }

        if (services.Any(each => each.ServiceType == typeof(IHsm)))
        {
            health.AddCheck<HsmCheck>("hsm");
        }

        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("System", LogLevel.Warning);

        // The checks' results are the readiness answer's, and in the metrics of who asks for it; twice a minute is no news.
        builder.Logging.AddFilter(typeof(HealthCheckService).Namespace, LogLevel.None);
        services.AddSingleton<ILoggerProvider>(provider => new JsonLines(log, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<PrometheusExporter>();
        services.AddHostedService<TelemetryExport>();
    }

    /// <summary>Before the service maps its endpoints. Every endpoint needs a registered client, unless it says <c>AllowAnonymous</c>.</summary>
    public static void UseServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapWhen(ManagementListener.IsManagement, management => management.Run(ManagementListener.AnswerAsync));
        if (app.Services.GetService<ClientStore>() is null)
        {
            return;
        }

        app.UseMiddleware<RequestLog>();
        app.UseMiddleware<ProblemMapping>();
        app.UseRouting();
        app.UseRequestTimeouts();
        app.UseAuthentication();
        app.UseMiddleware<ClientRate>();
        app.UseAuthorization();
    }

    private static void AddLinks(IServiceCollection services, ServiceOptions options)
    {
        services.AddSingleton(provider => LinkTrust.Load(options.Link.SystemCaFile, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new LinkCertificate(
            options.Link.Files(),
            provider.GetRequiredService<TimeProvider>(),
            options.Link.LookEvery,
            provider.GetRequiredService<ILogger<LinkCertificate>>()));

        if (options.Link.RenewalUrl is { } url)
        {
            services.TryAddSingleton(provider => LinkRenewal.Over(url, provider.GetRequiredService<LinkCertificate>(), provider.GetRequiredService<LinkTrust>()));
        }

        services.AddHostedService<LinkRenewal>();
    }

    /// <summary>Who may come in by the links.</summary>
    private static void AddClients(IServiceCollection services)
    {
        services.AddSingleton<ClientStore>();
        services.AddSingleton<ClientRate>();

        // Not AddAuthentication: that brings data protection, which writes keys of its own to the disk.
        services.AddWebEncoders();
        services.AddTransient<LinkAuthentication>();
        services.AddAuthenticationCore(authentication =>
        {
            authentication.AddScheme<LinkAuthentication>(LinkAuthentication.Name, null);
            authentication.DefaultScheme = LinkAuthentication.Name;
        });
        AuthorizationPolicy registered = new AuthorizationPolicyBuilder(LinkAuthentication.Name).RequireAuthenticatedUser().Build();
        services.AddAuthorizationBuilder().SetDefaultPolicy(registered).SetFallbackPolicy(registered);
    }

    private static void AddListeners(IWebHostBuilder host, ServiceOptions options, bool hasLinks) => host.ConfigureKestrel(kestrel =>
    {
        RequestLimits limits = options.Limits;
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = limits.BodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.HeaderBytes;
        kestrel.Limits.MaxRequestHeaderCount = limits.HeaderCount;
        kestrel.Limits.MaxRequestLineSize = limits.RequestLineBytes;
        kestrel.Limits.MaxConcurrentConnections = limits.Connections;
        kestrel.Limits.RequestHeadersTimeout = limits.HeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = limits.KeepAliveTimeout;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(limits.BodyBytesPerSecond, limits.BodyGracePeriod);
        if (hasLinks)
        {
            kestrel.Listen(
                options.ListenEndPoint,
                listen => listen.UseLink(kestrel.ApplicationServices.GetRequiredService<LinkCertificate>, limits.HandshakeTimeout));
        }

        kestrel.Listen(options.ManagementEndPoint, listen => listen.UseManagement());
    });
}
