using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;
using ZwCa.Data;

namespace ZwCa.Jobs;

/// <summary>
/// Starts and stops the scheduler. Brings what is stored to what the program and its configuration say, before it starts: what is as it should be stays untouched, with the time when it is due, so that a missed
/// run is known as missed and another node is not disturbed. Safe on several nodes at once; where their configurations differ, the last start wins. While it runs it looks each minute for what
/// was lost meanwhile, or moved into the future by a node whose clock was ahead.
/// </summary>
internal sealed partial class JobSchedules(
    ISchedulerFactory schedulers, IReadOnlyList<ServiceJob> jobs, JobOptions options, DatabaseOptions database, ClockWatch clock, TimeProvider time, ILogger<JobSchedules> logger)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _stopping = new();
    private IScheduler? _scheduler;
    private Task _look = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await JobTables.PrepareAsync(database, time, cancellationToken);
        _scheduler = await schedulers.GetScheduler(cancellationToken);
        await SetAsync(_scheduler, isStart: true, cancellationToken);
    }

    /// <summary>When all else runs.</summary>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await _scheduler!.Start(cancellationToken);
        _look = LookAsync(_scheduler, _stopping.Token);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Waits for the steps that running jobs are at, and no longer than the host does: without its database Quartz would try for ever to record their ends. Quartz's own hosted service would wait
    /// for that.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        try
        {
            await _look.WaitAsync(cancellationToken);
            await (_scheduler?.Shutdown(waitForJobsToComplete: true, cancellationToken).AsTask().WaitAsync(cancellationToken) ?? Task.CompletedTask);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogNotStopped(logger);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private async Task LookAsync(IScheduler scheduler, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                await TrySetAsync(scheduler, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end.
        }
    }

    private async Task TrySetAsync(IScheduler scheduler, CancellationToken stopping)
    {
        try
        {
            await SetAsync(scheduler, isStart: false, stopping);
        }
#pragma warning disable CA1031 // Whatever it is: the next look is the next try.
        catch (Exception e) when (!stopping.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogNotSet(logger, e);
        }
    }

    /// <param name="isStart">Otherwise only what is missing, or is due too late, is set: that another program says something else was decided by the last start.</param>
    private async Task SetAsync(IScheduler scheduler, bool isStart, CancellationToken cancellationToken)
    {
        // By a clock that is behind, what is right would be too late.
        await clock.RefreshAsync(cancellationToken);
        bool isClockRight = clock.FindFault() is null;
        IReadOnlyList<JobHeader> stored = (await scheduler.QueryJobs(new JobQuery { Take = PagedQuery.All }, cancellationToken)).Items;
        IReadOnlyList<TriggerHeader> triggers = (await scheduler.QueryTriggers(new TriggerQuery { Take = PagedQuery.All }, cancellationToken)).Items;

        // By name, without a look at the class: it may be gone too.
        foreach (JobHeader each in stored.Where(each => isStart && jobs.All(job => job.Key != each.Key)))
        {
            await scheduler.DeleteJob(each.Key, cancellationToken);
            LogRemoved(logger, each.Key.Name);
        }

        foreach (ServiceJob job in jobs)
        {
            IJobDetail detail = job.ToDetail();
            JobHeader? header = stored.FirstOrDefault(each => each.Key == job.Key);
            TriggerHeader? trigger = triggers.FirstOrDefault(each => each.Key == job.TriggerKey);
            bool isTooLate = isClockRight && job.IsTooLate(trigger?.NextFireTimeUtc, time.GetUtcNow(), options.MisfireThreshold);
            bool isDone = job.Schedule is JobSchedule.AtStart && !isStart && trigger is null;
            bool isChanged = isStart && (job.Schedule is JobSchedule.AtStart || header is null || !IsAsIn(header, detail) || trigger?.Description != detail.Description);
            if (isTooLate)
            {
                LogTooLate(logger, job.Name, trigger!.NextFireTimeUtc!.Value);
            }

            if (isTooLate || isChanged || (trigger is null && !isDone))
            {
                await scheduler.ScheduleJob(detail, job.ToTrigger(time), ScheduleJobOptions.Replacing, cancellationToken);
                LogSet(logger, job.Name, job.Description);
            }
            else if (isStart && await scheduler.ResetTriggerFromErrorState(job.TriggerKey, cancellationToken))
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} is due only at {Due:O}, later than its schedule says: a node's clock was ahead")]
    private static partial void LogTooLate(ILogger logger, string job, DateTimeOffset due);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The jobs' schedules could not be looked at; it is tried again")]
    private static partial void LogNotSet(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The jobs were not stopped in time: what they were at is taken up by another node, or after the next start")]
    private static partial void LogNotStopped(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} is no longer one of this program, and is removed")]
    private static partial void LogRemoved(ILogger logger, string job);
}
