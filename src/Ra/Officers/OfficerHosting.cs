using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Officers;

/// <summary>Who is in office, by the CA's directory.</summary>
internal static class OfficerHosting
{
    public static void AddOfficers(this IServiceCollection services)
    {
    }

    public static void MapOfficers(this IEndpointRouteBuilder app)
    {
    }
}
