using Quartz;
using ZwCa.Data;
using ZwCa.Jobs;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Reports;

namespace ZwCa.Kmc.Jobs;

/// <summary>All jobs of the KMC. Each is right when one node of several runs it, and does no harm when two do.</summary>
internal static class KmcJobs
{
    private static readonly TimeSpan LookForRecoveriesEvery = TimeSpan.FromSeconds(30);

    /// <summary>Of the scheduler, for ever: schedules are stored under it.</summary>
    public const string Scheduler = "zwca-kmc";

    public static IReadOnlyList<ServiceJob> All(KmcOptions options) =>
    [
        // By a lease that each batch renews: a run that is broken off is followed by the next.
        ServiceJob.Of<RefillJob>("pool", new JobSchedule.Every(options.PoolLook)) with { Missed = WhenMissed.Wait, LongestRun = TimeSpan.FromHours(1) },

        // What officers have ordered and nobody has carried out, and what is to be erased: so is one that is broken off.
        ServiceJob.Of<JudicialJob>("judicial", new JobSchedule.Every(LookForRecoveriesEvery)) with { Missed = WhenMissed.Wait },

        // What is due, page by page: so is one that is broken off.
        ServiceJob.Of<ExpiryJob>("expiry", new JobSchedule.Every(options.ExpiryLook)) with { Missed = WhenMissed.Wait, LongestRun = TimeSpan.FromHours(1) },

        // It only reads, from the beginning: the next node takes it up.
        ServiceJob.Of<RowsJob>("rows", new JobSchedule.Cron(options.CheckSchedule)) with { TakeUp = true, LongestRun = TimeSpan.FromHours(12) },

        // A count.
        ServiceJob.Of<RetentionJob>("retention", new JobSchedule.Cron(options.RetentionSchedule)),
    ];
}

/// <summary>Keeps the stock filled. Most looks find that there is enough.</summary>
[DisallowConcurrentExecution]
internal sealed class RefillJob(RefillPool pool, Database database, PoolOptions options) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        if (await database.ReadAsync(transaction => EscrowedKeyStore.CountAsync(transaction, KeyState.Stock), cancellationToken) < options.Threshold)
        {
            await pool.RunAsync(cancellationToken);
        }
    }
}

/// <summary>By a wrong clock keys would end before their time, for good.</summary>
[DisallowConcurrentExecution]
internal sealed class ExpiryJob(ExpireKeys keys, ClockWatch clock) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        await clock.RefreshAsync(cancellationToken);
        if (clock.FindFault() is null)
        {
            await keys.RunAsync(cancellationToken);
        }
    }
}

/// <summary>Each night; one that was missed is made up for once.</summary>
[DisallowConcurrentExecution]
internal sealed class RowsJob(ReportRows rows) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await rows.RunAsync(cancellationToken);
}

/// <summary>Each month.</summary>
[DisallowConcurrentExecution]
internal sealed class RetentionJob(ReportRetention retention) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await retention.RunAsync(cancellationToken);
}

/// <summary>Judicial recoveries that were ordered and not carried out yet, and those whose case has ended.</summary>
[DisallowConcurrentExecution]
internal sealed class JudicialJob(RunJudicialRecoveries recoveries) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await recoveries.RunAsync(cancellationToken);
}
