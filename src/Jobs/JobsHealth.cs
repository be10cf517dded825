using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quartz;
using ZwCa.Data;

namespace ZwCa.Jobs;

/// <summary>Degraded while jobs do not run as they should. The service goes on: what waits for a job says so by a check of its own.</summary>
internal sealed class JobsHealth(ISchedulerFactory schedulers, IReadOnlyList<ServiceJob> jobs, JobOptions options, Database database, TimeProvider time) : IHealthCheck
{
    public const string Name = "jobs";

    /// <summary>So many times the misfire threshold, or the interval of the check-in, is not just late.</summary>
    private const int Tolerance = 3;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            IScheduler scheduler = await schedulers.GetScheduler(cancellationToken);
            return scheduler.Status != SchedulerStatus.Running ? HealthCheckResult.Degraded($"The jobs do not run: the scheduler is {scheduler.Status}.")
                : await WhyNotAsync(scheduler, cancellationToken) is { } reason ? HealthCheckResult.Degraded(reason)
                : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is SchedulerException or DbException)
        {
            return HealthCheckResult.Degraded("The jobs' database does not answer.", e);
        }
    }

    private async Task<string?> WhyNotAsync(IScheduler scheduler, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        ClusterNode? node = (await scheduler.QueryClusterNodes(cancellationToken)).FirstOrDefault(each => each.IsCurrentNode);
        if (database.Kind != DatabaseKind.Sqlite && node?.LastCheckInUtc is null)
        {
            return "The jobs' database does not know this node: others took it for dead.";
        }

        if (node is { LastCheckInUtc: { } checkedIn } && now - checkedIn > Tolerance * options.CheckIn)
        {
            return $"This node last checked in at {checkedIn:O}: others take it for dead.";
        }

        IReadOnlyList<TriggerHeader> triggers = (await scheduler.QueryTriggers(new TriggerQuery { Take = PagedQuery.All }, cancellationToken)).Items;
        foreach (ServiceJob job in jobs)
        {
            TriggerHeader? trigger = triggers.FirstOrDefault(each => each.Key == job.TriggerKey);
            switch (trigger)
            {
                case null when job.Schedule is not JobSchedule.AtStart:
                    return $"The job {job.Name} is not scheduled: it is set within a minute.";
                case { State: TriggerState.Error }:
                    return $"The job {job.Name} cannot be started: see the log of the nodes.";
                case { State: TriggerState.Paused }:
                    return $"The job {job.Name} is paused, which nobody does here: resume it, or remove its trigger.";
                case { NextFireTimeUtc: { } due } when job.IsTooLate(due, now, options.MisfireThreshold):
                    return $"The job {job.Name} is due only at {due:O}: a node's clock was ahead, or this one's is behind.";
                case { State: TriggerState.Executing or TriggerState.Blocked, NextFireTimeUtc: { } due } when now - due > job.LongestRun:
                    return $"The job {job.Name} was due at {due:O}, and the run before has not ended.";
                case { State: TriggerState.Normal, NextFireTimeUtc: { } due } when now - due > Tolerance * options.MisfireThreshold:
                    return $"The job {job.Name} was due at {due:O}, and has not run.";
                default:
                    break;
            }
        }

        return null;
    }
}
