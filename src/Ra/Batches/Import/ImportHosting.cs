using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Batches.Import;

/// <summary>Applicants from files.</summary>
internal static class ImportHosting
{
    public static void AddImport(this IServiceCollection services)
    {
        services.AddSingleton<JudgeApplicants>();
        services.AddSingleton<IBatchWork, CheckApplicants>();
        services.AddSingleton<IBatchWork, MakeDrafts>();
        services.AddSingleton<RejectedRows>();
    }
}
