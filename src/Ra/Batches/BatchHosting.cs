using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ra.Batches.Decisions;

namespace ZwCa.Ra.Batches;

/// <summary>Many applications at once.</summary>
internal static class BatchHosting
{
    public static void AddBatches(this IServiceCollection services)
    {
        services.AddSingleton<BatchSignal>();
        services.AddSingleton<OpenBatch>();
        services.AddSingleton<BatchAnswers>();
        services.AddSingleton<BatchWalk>();
        services.AddSingleton<StartDecision>();
        services.AddSingleton<BatchApplications>();
        services.AddSingleton<IBatchWork, DecideBatch>();
        services.AddSingleton<IBatchWork, CancelBatch>();
        services.AddHostedService<RunBatches>();
    }

    public static void MapBatches(this IEndpointRouteBuilder app) => BatchesApi.Map(app);
}
