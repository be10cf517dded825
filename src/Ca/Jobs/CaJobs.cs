using Quartz;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Crls;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;

namespace ZwCa.Ca.Jobs;

/// <summary>
/// All jobs of the CA. Each is right when one node of several runs it: who changes what is decided by conditional updates of the rows themselves, so a run too many does no harm, and Quartz only
/// sees to it that there is one.
/// </summary>
internal static class CaJobs
{
    private static readonly TimeSpan LookForBulkChangesEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RecoverEvery = TimeSpan.FromSeconds(30);

    public static IReadOnlyList<CaJob> All(CaOptions options) =>
    [
        // What any node left standing, by age: whoever looks finds the same. A run that is broken off is followed by the next.
        CaJob.Of<RecoveryJob>("recovery", new JobSchedule.Every(RecoverEvery < options.RecoverAfter ? RecoverEvery : options.RecoverAfter)),

        // The oldest order, piece by piece, its place in its row. A run that is broken off is followed by the next.
        CaJob.Of<BulkChangeJob>("bulk-change", new JobSchedule.Every(LookForBulkChangesEvery)) with { Missed = WhenMissed.Wait },

        // One run for the database; who moves its place goes on with it. Hours long, a day apart: the next node takes it up.
        CaJob.Of<ReauditJob>("reaudit", new JobSchedule.Cron(options.ReauditSchedule)) with { TakeUp = true },

        // What is due, by a lease for each CRL. A run that is broken off is followed by the next, which gives up what it began.
        CaJob.Of<CrlJob>("crl", new JobSchedule.Later(options.Crls.Look)) with { Missed = WhenMissed.Wait },

        // Also where the store of the jobs was lost. Beside a node that is at it, one of the two stops at its next page.
        CaJob.Of<ReauditResumeJob>("reaudit-resume", new JobSchedule.AtStart()) with { TakeUp = true },
    ];
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

/// <summary>What the last stop broke off.</summary>
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
