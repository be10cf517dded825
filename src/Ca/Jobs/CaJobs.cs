using Quartz;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Crls;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;

namespace ZwCa.Ca.Jobs;

/// <summary>What Quartz starts, and when.</summary>
internal static class CaJobs
{
    private static readonly TimeSpan LookForBulkChangesEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RecoverEvery = TimeSpan.FromSeconds(30);

    public static void Schedule(IQuartzBuilder quartz, CaOptions options)
    {
        quartz.UseInMemoryStore();
        quartz.ScheduleJob<RecoveryJob>(trigger => trigger.WithIdentity("recovery").StartNow().WithSimpleSchedule(RecoverEvery < options.RecoverAfter ? RecoverEvery : options.RecoverAfter));
        quartz.ScheduleJob<BulkChangeJob>(trigger => trigger.WithIdentity("bulk-change").StartNow().WithSimpleSchedule(LookForBulkChangesEvery));
        quartz.ScheduleJob<ReauditJob>(trigger => trigger.WithIdentity("reaudit").WithCronSchedule(options.ReauditSchedule, cron => cron.WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)));
        quartz.ScheduleJob<CrlJob>(trigger => trigger.WithIdentity("crl").StartAt(DateTimeOffset.UtcNow + options.Crls.Look).WithSimpleSchedule(options.Crls.Look));
        quartz.ScheduleJob<CrlPublicationJob>(trigger => trigger.WithIdentity("crl-publication").StartAt(DateTimeOffset.UtcNow + options.Crls.Look).WithSimpleSchedule(options.Crls.Look));
        quartz.ScheduleJob<ReauditResumeJob>(trigger => trigger.WithIdentity("reaudit-resume").StartNow());
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

/// <summary>What officers have ordered to be done to many certificates, now or before the last stop.</summary>
[DisallowConcurrentExecution]
internal sealed class BulkChangeJob(BulkChanges changes) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await changes.RunAsync(cancellationToken);
}

/// <summary>By its schedule; one that was missed is made up for once.</summary>
[DisallowConcurrentExecution]
internal sealed class ReauditJob(ReauditCertificates reaudit) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await reaudit.RunAsync(cancellationToken);
}

/// <summary>At the start: what the last stop broke off.</summary>
[DisallowConcurrentExecution]
internal sealed class ReauditResumeJob(ReauditCertificates reaudit) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await reaudit.ResumeAsync(cancellationToken);
}

/// <summary>Every CRL that is due, one after the other.</summary>
[DisallowConcurrentExecution]
internal sealed class CrlJob(MakeCrl making) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await making.RunDueAsync(cancellationToken);
}

/// <summary>What has passed the gate, and whether what is published is still there. On each node: the folders are its own.</summary>
[DisallowConcurrentExecution]
internal sealed class CrlPublicationJob(PublishCrls publication) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await publication.RunAsync(cancellationToken);
}
