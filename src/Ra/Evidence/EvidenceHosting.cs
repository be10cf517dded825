using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Evidence;

/// <summary>Files that prove what an application says.</summary>
internal static class EvidenceHosting
{
    public static void AddEvidence(this IServiceCollection services)
    {
        services.AddSingleton<EvidenceStore>();
        services.AddSingleton<ChangeEvidence>();
    }
}
