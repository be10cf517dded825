using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>What makes and publishes CRLs.</summary>
internal static class CrlHosting
{
    public static void AddCrls(this WebApplicationBuilder builder, CrlOptions options)
    {
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton<ClockWatch>();
        services.AddSingleton<CrlNode>();
        services.AddSingleton<CrlScopes>();
        services.AddSingleton<PublicationFolders>();
        services.AddSingleton<ServedCrls>();
        services.AddSingleton(provider => new LogGuard(provider.GetRequiredService<Database>(), provider.GetRequiredService<LogOptions>()));
        services.AddSingleton<CeremonyPublication>();
        services.AddSingleton<CrlGate>();
        services.AddSingleton<MakeCrl>();
        services.AddSingleton<PublishCrls>();
        services.AddHostedService<PublicationService>();
        services.AddSingleton<CrlActions>();
        services.AddHealthChecks().AddCheck<CrlHealth>(CrlHealth.Name);
        builder.AddPublicationListener(options);
    }
}
