using Quartz;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;

namespace ZwCa.Ca.Jobs;

/// <summary>What Quartz starts, and when.</summary>
internal static class CaJobs
{
    private static readonly TimeSpan RecoverEvery = TimeSpan.FromSeconds(30);

    public static void Schedule(IQuartzBuilder quartz, CaOptions options)
    {
        quartz.UseInMemoryStore();
        quartz.ScheduleJob<RecoveryJob>(trigger => trigger.WithIdentity("recovery").StartNow().WithSimpleSchedule(RecoverEvery < options.RecoverAfter ? RecoverEvery : options.RecoverAfter));
    }
}

/// <summary>At the start, and from time to time.</summary>
[DisallowConcurrentExecution]
internal sealed class RecoveryJob(RecoverIssuance recovery, RunOrders orders) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await recovery.RunAsync(cancellationToken);
        await orders.RunAsync(cancellationToken);
    }
}
