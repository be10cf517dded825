using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Jobs;

namespace ZwCa.Ca.Crls;

/// <summary>What makes and publishes CRLs.</summary>
internal static class CrlHosting
{
    public static void AddCrls(this WebApplicationBuilder builder, CrlOptions options)
    {
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddClockWatch();
        services.AddHostedService<ClockRound>();
        services.AddSingleton<CrlNode>();
        services.AddSingleton<CrlScopes>();
        services.AddSingleton<PublicationFolders>();
        services.AddSingleton<ServedCrls>();
        services.AddSingleton(provider => new LogGuard(provider.GetRequiredService<Database>(), provider.GetRequiredService<LogOptions>()));
        services.AddSingleton<CeremonyPublication>();
        services.AddSingleton<CrlEvidence>();
        services.AddSingleton<CrlGate>();
        services.AddSingleton<MakeCrl>();
        services.AddSingleton<AdoptCrl>();
        services.AddSingleton<CrlRuns>();
        services.AddSingleton<PutCrl>();
        services.AddSingleton<PublishCrls>();
        services.AddSingleton<PublicationCall>();
        services.AddHostedService<PublicationService>();
        services.AddSingleton<CrlActions>();
        services.AddSingleton<CrlHealth>();
        services.AddHealthChecks().AddCheck<CrlHealth>(CrlHealth.Name);
        builder.AddPublicationListener(options);
    }
}
