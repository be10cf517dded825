using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Batches.Files;

/// <summary>Files of applicants, from their coming to their end.</summary>
internal static class FileHosting
{
    public static void AddFiles(this IServiceCollection services)
    {
        services.AddSingleton<FileRoom>();
        services.AddSingleton<DeleteFiles>();
    }
}
