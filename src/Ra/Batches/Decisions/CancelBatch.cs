using ZwCa.Contracts.Ra;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Batches.Decisions;

/// <summary>Gives up what of a batch has not been approved; what the CA is asked for already, or has issued, goes its way.</summary>
internal sealed class CancelBatch(BatchWalk walk, EndEnrollment end) : IBatchWork
{
    public bool Does(Batch batch, BatchTaskKind kind) => kind == BatchTaskKind.Cancellation;

    public Task RunAsync(BatchRun run, CancellationToken cancellationToken) => walk.RunAsync(
        run,
        async (row, cancellation) =>
        {
            if (row.State is not (EnrollmentState.Draft or EnrollmentState.Submitted or EnrollmentState.Reviewed or EnrollmentState.Returned))
            {
                // By this very task, where a part is begun again.
                return row.State == EnrollmentState.Cancelled && row.Reason == run.Task.Reason && row.ChangedAt >= run.Task.StartedAt;
            }

            await end.CancelAsync(run.Officer, row.Id, new StepRequest { Version = row.Version, Reason = run.Task.Reason }, run.RequireOfficerAsync, cancellation);
            return true;
        },
        cancellationToken);
}
