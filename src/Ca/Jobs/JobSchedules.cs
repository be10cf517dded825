using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;
using ZwCa.Data;

namespace ZwCa.Ca.Jobs;

/// <summary>
/// Starts and stops the scheduler. Brings what is stored to what the program and its configuration say, before it starts: what is as it should be stays untouched, with the time when it is due, so that a missed
/// run is known as missed and another node is not disturbed. Safe on several nodes at once; where their configurations differ, the last start wins.
/// </summary>
internal sealed partial class JobSchedules(
    ISchedulerFactory schedulers, IReadOnlyList<CaJob> jobs, DatabaseOptions database, TimeProvider time, ILogger<JobSchedules> logger) : IHostedLifecycleService
{
    private IScheduler? _scheduler;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await JobTables.PrepareAsync(database, time, cancellationToken);
        _scheduler = await schedulers.GetScheduler(cancellationToken);
        await SetAsync(_scheduler, cancellationToken);
    }

    /// <summary>When all else runs.</summary>
    public async Task StartedAsync(CancellationToken cancellationToken) => await _scheduler!.Start(cancellationToken);

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Waits for the steps that running jobs are at, and no longer than the host does: without its database Quartz would try for ever to record their ends. Quartz's own hosted service would wait
    /// for that.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await (_scheduler?.Shutdown(waitForJobsToComplete: true, cancellationToken).AsTask().WaitAsync(cancellationToken) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogNotStopped(logger);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task SetAsync(IScheduler scheduler, CancellationToken cancellationToken)
    {
        IReadOnlyList<JobHeader> stored = (await scheduler.QueryJobs(new JobQuery { Take = PagedQuery.All }, cancellationToken)).Items;
        IReadOnlyList<TriggerHeader> triggers = (await scheduler.QueryTriggers(new TriggerQuery { Take = PagedQuery.All }, cancellationToken)).Items;

        // By name, without a look at the class: it may be gone too.
        foreach (JobHeader each in stored.Where(each => jobs.All(job => job.Key != each.Key)))
        {
            await scheduler.DeleteJob(each.Key, cancellationToken);
            LogRemoved(logger, each.Key.Name);
        }

        foreach (CaJob job in jobs)
        {
            IJobDetail detail = job.ToDetail();
            JobHeader? header = stored.FirstOrDefault(each => each.Key == job.Key);
            TriggerHeader? trigger = triggers.FirstOrDefault(each => each.Key == job.TriggerKey);
            if (job.Schedule is JobSchedule.AtStart || header is null || trigger is null || !IsAsIn(header, detail) || trigger.Description != detail.Description)
            {
                await scheduler.ScheduleJob(detail, job.ToTrigger(time), ScheduleJobOptions.Replacing, cancellationToken);
                LogSet(logger, job.Name, job.Description);
            }
            else if (await scheduler.ResetTriggerFromErrorState(job.TriggerKey, cancellationToken))
            {
                LogSet(logger, job.Name, job.Description);
            }
        }
    }

    private static bool IsAsIn(JobHeader header, IJobDetail detail) =>
        header.Description == detail.Description
        && header.JobTypeName == detail.JobType.FullName
        && header.RequestsRecovery == detail.RequestsRecovery
        && header.ConcurrentExecutionDisallowed == detail.ConcurrentExecutionDisallowed;

    [LoggerMessage(Level = LogLevel.Information, Message = "Job {Job} is set: {Schedule}")]
    private static partial void LogSet(ILogger logger, string job, string schedule);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The jobs were not stopped in time: what they were at is taken up by another node, or after the next start")]
    private static partial void LogNotStopped(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} is no longer one of this program, and is removed")]
    private static partial void LogRemoved(ILogger logger, string job);
}
