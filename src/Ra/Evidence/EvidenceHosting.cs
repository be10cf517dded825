using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Evidence;

/// <summary>Files that prove what an application says.</summary>
internal static class EvidenceHosting
{
    public static void AddEvidence(this IServiceCollection services)
    {
    }

    public static void MapEvidence(this IEndpointRouteBuilder app)
    {
    }
}
