using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ra.Batches.Decisions;
using ZwCa.Ra.Batches.Files;
using ZwCa.Ra.Batches.Following;
using ZwCa.Ra.Batches.Import;

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
        services.AddSingleton<FollowingDrafts>();
        services.AddSingleton<IBatchWork, MakeRenewals>();
        services.AddSingleton<IBatchWork, MakeRevocations>();
        services.AddFiles();
        services.AddImport();
        services.AddHostedService<RunBatches>();
    }

    public static void MapBatches(this IEndpointRouteBuilder app) => BatchesApi.Map(app);
}
