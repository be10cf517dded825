using Quartz;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Crls;
using ZwCa.Ca.KeyCentre;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Ca.Pairs;
using ZwCa.Ca.Reaudit;
using ZwCa.Ca.Registrations;
using ZwCa.Jobs;

namespace ZwCa.Ca.Jobs;

/// <summary>
/// All jobs of the CA. Each is right when one node of several runs it: who changes what is decided by conditional updates of the rows themselves, so a run too many does no harm, and Quartz only
/// sees to it that there is one.
/// </summary>
internal static class CaJobs
{
    private static readonly TimeSpan LookForBulkChangesEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WithdrawEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan RecoverEvery = TimeSpan.FromSeconds(30);

    /// <summary>Of the scheduler, for ever: schedules are stored under it.</summary>
    public const string Scheduler = "zwca-ca";

    public static IReadOnlyList<ServiceJob> All(CaOptions options) =>
    [
        // What any node left standing, by age: whoever looks finds the same. A run that is broken off is followed by the next.
        ServiceJob.Of<RecoveryJob>("recovery", new JobSchedule.Every(RecoverEvery < options.RecoverAfter ? RecoverEvery : options.RecoverAfter)),

        // The oldest order, piece by piece, its place in its row. A run that is broken off is followed by the next.
        ServiceJob.Of<BulkChangeJob>("bulk-change", new JobSchedule.Every(LookForBulkChangesEvery)) with { Missed = WhenMissed.Wait, LongestRun = TimeSpan.FromHours(6) },

        // One run for the database; who moves its place goes on with it. Hours long, a day apart: the next node takes it up.
        ServiceJob.Of<ReauditJob>("reaudit", new JobSchedule.Cron(options.ReauditSchedule)) with { TakeUp = true, LongestRun = TimeSpan.FromDays(1) },

        // What is due, by a lease for each CRL. A run that is broken off, or stands still, is followed by the next, which gives up what it began: so runs may be at it on several nodes.
        ServiceJob.Of<CrlJob>("crl", new JobSchedule.Later(options.Crls.Look)) with { Missed = WhenMissed.Wait },

        // What the KMC has to be told, each with its own time to try again. A run that is broken off is followed by the next.
        .. options.KeyCentre is { } centre ? new[] { ServiceJob.Of<KeyCentreJob>("key-centre", new JobSchedule.Every(centre.Look)) with { Missed = WhenMissed.Wait }, ServiceJob.Of<WithdrawJob>("withdraw", new JobSchedule.Every(WithdrawEvery)) } : [],

        // What is due, by a lease for each slice; and one snapshot of the feed a day, by a lease. A run that is broken off is followed by the next.
        .. options.Ocsp is { } ocsp
            ? new[]
            {
                ServiceJob.Of<OcspJob>("ocsp", new JobSchedule.Later(ocsp.LookForDue)) with { Missed = WhenMissed.Wait, LongestRun = TimeSpan.FromHours(1) },
                ServiceJob.Of<SnapshotJob>("feed-snapshot", new JobSchedule.Cron(ocsp.SnapshotSchedule)) with { LongestRun = TimeSpan.FromHours(1) },
            }
            : [],

        // Also where the store of the jobs was lost. Beside a node that is at it, one of the two stops at its next page.
        ServiceJob.Of<ReauditResumeJob>("reaudit-resume", new JobSchedule.AtStart()) with { TakeUp = true },
    ];
}

/// <summary>At the start, and from time to time. By a wrong clock everything that is under way would be old, and dates would be of the future.</summary>
[DisallowConcurrentExecution]
internal sealed class RecoveryJob(RecoverIssuance recovery, RunOrders orders, ClockWatch clock) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await clock.RefreshAsync(cancellationToken);
        if (clock.FindFault() is not null)
        {
            return;
        }

        await recovery.RunAsync(cancellationToken);
        await orders.RunAsync(cancellationToken);
    }
}

/// <summary>What officers have ordered to be done to many certificates, now or before the last stop. Not with the date of a wrong clock.</summary>
[DisallowConcurrentExecution]
internal sealed class BulkChangeJob(BulkChanges changes, ClockWatch clock) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await clock.RefreshAsync(cancellationToken);
        if (clock.FindFault() is null)
        {
            await changes.RunAsync(cancellationToken);
        }
    }
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

/// <summary>Every CRL that is due, one after the other. On several nodes at once: one that stands still keeps no other from it.</summary>
internal sealed class CrlJob(CrlRuns runs) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await runs.RunAsync(cancellationToken);
}

/// <summary>Every slice of certificates whose OCSP responses are due, and before that the certificates that their signers need. On several nodes at once: one that stands still keeps no other from it.</summary>
internal sealed class OcspJob(RenewSigners renewal, IntroduceSigners introduction, PresignResponses responses, MakeSnapshot snapshot) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await renewal.RunAsync(cancellationToken);
        await introduction.RunAsync(cancellationToken);
        await responses.RunDueAsync(cancellationToken);
        await snapshot.RunAfterRolloverAsync(cancellationToken);
    }
}

/// <summary>The feed's snapshot, and what is deleted with it.</summary>
internal sealed class SnapshotJob(IntroduceSigners introduction, MakeSnapshot snapshot) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await introduction.RunAsync(cancellationToken);
        await snapshot.RunAsync(cancellationToken);
    }
}

/// <summary>What the KMC has to be told.</summary>
[DisallowConcurrentExecution]
internal sealed class KeyCentreJob(KeyTasks tasks) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await tasks.RunAsync(cancellationToken);
}

/// <summary>Envelopes whose time is over. Not by a wrong clock: they do not come back.</summary>
[DisallowConcurrentExecution]
internal sealed class WithdrawJob(WithdrawEnvelopes envelopes, ClockWatch clock) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await clock.RefreshAsync(cancellationToken);
        if (clock.FindFault() is null)
        {
            await envelopes.RunAsync(cancellationToken);
        }
    }
}
