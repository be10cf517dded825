using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Officers;
using ZwCa.OfficersApi;

namespace ZwCa.Ra.Officers;

/// <summary>Who is in office, by the CA's directory.</summary>
internal static class OfficerHosting
{
    public static void AddOfficers(this IServiceCollection services)
    {
        services.AddSingleton<KnownOfficers>();
        services.AddSingleton<PullLinks>();
        services.AddSingleton<PullOfficers>();
        services.AddSingleton<ForwardCommands>();
        services.AddHostedService<DirectoryRound>();
        services.AddHealthChecks().AddCheck<DirectoryHealth>(DirectoryHealth.Name);
    }

    public static void MapOfficers(this IEndpointRouteBuilder app)
    {
        app.MapDirectory();
        app.MapForwardedCommands();
    }
}
