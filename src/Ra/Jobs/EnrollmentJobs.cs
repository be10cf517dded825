using Quartz;
using ZwCa.Contracts;
using ZwCa.Ra.Batches.Files;
using ZwCa.Ra.Deliveries;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Jobs;

/// <summary>Each hour.</summary>
[DisallowConcurrentExecution]
internal sealed class DeliveriesJob(RemindDeliveries deliveries) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await deliveries.RunAsync(cancellationToken);
}

/// <summary>Each minute. While the CA is away, what it told last goes on.</summary>
[DisallowConcurrentExecution]
internal sealed class ProfilesJob(EnrollmentProfiles profiles) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await profiles.PullAsync(cancellationToken);
        }
        catch (RefusalException e) when (e.Kind == Refusal.Unavailable)
        {
            // Readiness tells of a CA that is away.
        }
    }
}

/// <summary>Each hour.</summary>
[DisallowConcurrentExecution]
internal sealed class BatchFilesJob(DeleteFiles files) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await files.RunAsync(cancellationToken);
}
