using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Enrollments;

/// <summary>Applications on their way.</summary>
internal static class EnrollmentHosting
{
    public static void AddEnrollments(this IServiceCollection services)
    {
    }

    public static void MapEnrollments(this IEndpointRouteBuilder app)
    {
    }
}
