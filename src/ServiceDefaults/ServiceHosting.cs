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
    /// before is watched by readiness.
    /// </summary>
    /// <param name="tables">All tables of the service, with those of the libraries.</param>
    /// <param name="log">Where the log is written.</param>
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static void AddServiceDefaults(this WebApplicationBuilder builder, ServiceOptions options, IReadOnlyList<MigrationSet> tables, TextWriter log)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ServiceConfiguration.ThrowIfWrong(options);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new Database(options.Database));
        services.AddSingleton(provider => new Migrator(provider.GetRequiredService<Database>(), tables, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<AuditLog>();
        AddLinks(services, options);
        AddListeners(builder.WebHost, options);
        services.AddSingleton<ClientRate>();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddRequestTimeouts(timeouts => timeouts.DefaultPolicy = new RequestTimeoutPolicy { Timeout = options.Limits.RequestTimeout });

        IHealthChecksBuilder health = services.AddHealthChecks().AddCheck<DatabaseCheck>("database").AddCheck<LinkCheck>("link");
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
        services.AddSingleton<ClientStore>();
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

    private static void AddListeners(IWebHostBuilder host, ServiceOptions options) => host.ConfigureKestrel(kestrel =>
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
        kestrel.Listen(
            options.ListenEndPoint,
            listen => listen.UseLink(kestrel.ApplicationServices.GetRequiredService<LinkCertificate>, limits.HandshakeTimeout));
        kestrel.Listen(options.ManagementEndPoint, listen => listen.UseManagement());
    });
}
