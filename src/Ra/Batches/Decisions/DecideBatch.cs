using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Batches.Decisions;

/// <summary>
/// Submits or approves what of a batch an officer's signature is over, each enrollment as if he had sent it alone: <see cref="SubmitEnrollment"/> and <see cref="ReviewEnrollment"/> say what may be. What
/// it is not over, or no longer because it was changed since, stays as it is.
/// </summary>
internal sealed class DecideBatch(Database database, BatchWalk walk, SubmitEnrollment submission, ReviewEnrollment review, KnownApprovals known, ApprovalVerifier verifier) : IBatchWork
{
    public bool Does(Batch batch, BatchTaskKind kind) => kind is BatchTaskKind.Submission or BatchTaskKind.Review;

    /// <exception cref="RefusalException">The signature does not hold any more: it is too old.</exception>
    public async Task RunAsync(BatchRun run, CancellationToken cancellationToken)
    {
        byte[] hash = run.Task.ApprovalHash!;
        Approval approval = await GivenApproval.OpenAsync(known, hash, cancellationToken);
        var given = GivenApproval.Known(approval, hash);
        StartDecision.RequireHolds(run.Officer, StartDecision.StepOf(run.Task.Kind), approval, verifier);
        await walk.RunAsync(
            run,
            run.Task.Kind == BatchTaskKind.Submission
                ? (row, cancellation) => SubmitAsync(run.Officer, row, given, cancellation)
                : (row, cancellation) => ReviewAsync(run.Officer, row, given, cancellation),
            cancellationToken);
    }

    private async Task<bool> SubmitAsync(Officer officer, Enrollment row, GivenApproval given, CancellationToken cancellationToken)
    {
        if (!row.IsChangeable)
        {
            return await database.ReadAsync(transaction => Submission.FindAsync(transaction, row), cancellationToken) is { } earlier && given.IsKeptAs(earlier.Entry);
        }

        BuiltDraft draft;
        try
        {
            draft = await submission.BuildAsync(row, cancellationToken);
        }
        catch (RefusalException e) when (!RunBatches.IsPassing(e))
        {
            // No application can be made of it: so nobody has signed the one of now.
            return false;
        }

        if (!Covers(given, draft.Applications))
        {
            return false;
        }

        await submission.RunAsync(officer, draft, given, static _ => Task.CompletedTask, cancellationToken);
        return true;
    }

    private async Task<bool> ReviewAsync(Officer officer, Enrollment row, GivenApproval given, CancellationToken cancellationToken)
    {
        IReadOnlyList<byte[]> earlier = await database.QueryAsync<byte[]>(
            "SELECT approval FROM review WHERE enrollment_id = @EnrollmentId AND round = @Round AND approval IS NOT NULL", new { row.EnrollmentId, row.Round }, cancellationToken);
        if (earlier.Any(given.IsKeptAs) || row.State is not (EnrollmentState.Submitted or EnrollmentState.Reviewed))
        {
            return earlier.Any(given.IsKeptAs);
        }

        DueReview due = await review.OpenAsync(row, cancellationToken);
        if (!Covers(given, due.Applications))
        {
            return false;
        }

        await review.RunAsync(officer, due, ReviewOutcome.Approved, null, given, static _ => Task.CompletedTask, cancellationToken);
        return true;
    }

    /// <summary>One who has signed the half of it, has not seen what he decides about.</summary>
    private static bool Covers(GivenApproval given, Applications applications) =>
        given.Approval.Tbs.Covers(applications.Main.Digest) && (applications.Following is null || given.Approval.Tbs.Covers(applications.Following.Digest));
}
