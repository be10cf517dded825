using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Enrollments;

/// <summary>Applications on their way.</summary>
internal static class EnrollmentHosting
{
    public static void AddEnrollments(this IServiceCollection services)
    {
        services.AddSingleton<EnrollmentProfiles>();
        services.AddSingleton<EnrollmentStore>();
        services.AddSingleton<EnrollmentAnswers>();
        services.AddSingleton<CheckEnrollment>();
        services.AddSingleton<ApplicationBuilder>();
        services.AddSingleton<TakeInEnrollment>();
        services.AddSingleton<SubmitEnrollment>();
        services.AddSingleton<ReviewEnrollment>();
        services.AddSingleton<EndEnrollment>();
        services.AddSingleton<OpenRevocation>();
    }

    public static void MapEnrollments(this IEndpointRouteBuilder app) => EnrollmentsApi.Map(app);
}
