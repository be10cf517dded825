using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Kmc.Requests;

namespace ZwCa.Kmc.Recoveries;

/// <summary>
/// What gives keys to others than they were bound to, and what is kept of what was given. The verifier of approvals that the service has is pinned to the issuers of the served CAs' officers.
/// </summary>
internal static class RecoveryHosting
{
    public static void AddRecoveries(this IServiceCollection services)
    {
        services.AddSingleton<PlanRecovery>();
        services.AddSingleton<KeepReceipts>();

        // Its action belongs to the service's commands; whoever approves one calls the run, and a job does from time to time.
        services.AddSingleton<JudicialActions>();
        services.AddSingleton<RunJudicialRecoveries>();
        services.AddSingleton<FetchJudicialRecovery>();
    }

    public static void MapRecoveries(this IEndpointRouteBuilder app)
    {
        app.MapKeyRecoveries();
        app.MapJudicialRecoveries();
    }
}
