using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults;

/// <summary>What all services have in common, in two calls: <c>builder.AddServiceDefaults(options)</c> and <c>app.UseServiceDefaults()</c>.</summary>
public static class ServiceHosting
{
    /// <summary>Registers <see cref="Database"/>, <see cref="AuditLog"/>, <see cref="ClientStore"/>, <see cref="LinkTrust"/>, <see cref="LinkCertificate"/>, <see cref="TimeProvider"/>.</summary>
    /// <exception cref="LinkCertificateException">The service's link certificate cannot be used.</exception>
    public static void AddServiceDefaults(this WebApplicationBuilder builder, ServiceOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new Database(options.Database));
        services.AddSingleton<AuditLog>();
        services.AddSingleton<ClientStore>();
        services.AddSingleton(provider => LinkTrust.Load(options.Link.SystemCaFile, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new LinkCertificate(
            options.Link.Files(), provider.GetRequiredService<TimeProvider>(), options.Link.LookEvery, provider.GetRequiredService<ILogger<LinkCertificate>>()));

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
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(
                options.ListenEndPoint,
                listen => listen.UseLink(kestrel.ApplicationServices.GetRequiredService<LinkCertificate>(), options.Limits.HandshakeTimeout));
        });
    }

    /// <summary>Before the service maps its endpoints. Every endpoint needs a registered client, unless it says <c>AllowAnonymous</c>.</summary>
    public static void UseServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
    }
}
