using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Batches.Decisions;

/// <summary>What of a batch an officer can sign now, in full: what he cannot decide about, because it is not ready or because of who he is, is left out.</summary>
internal sealed class BatchApplications(Database database, OpenBatch batches, SubmitEnrollment submission, ReviewEnrollment review)
{
    private const int AtOnce = 8;

    /// <param name="step">entry or review.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.Malformed"/>.</exception>
    public async Task<BatchApplicationPage> ListAsync(Officer officer, string id, string? step, long? after, int? rows, CancellationToken cancellationToken)
    {
        Batch batch = await batches.FindAsync(officer, id, cancellationToken);
        ApprovalStep which = EnrollmentNames.Parse<ApprovalStep>(step, "步骤");
        int most = Page.Rows(rows);
        (IReadOnlyList<BatchRow> page, byte[] own) = await database.ReadAsync(
            async transaction => (
                await transaction.QueryAsync<BatchRow>(
                    $"""
                     SELECT r.row_number, r.enrollment_id FROM batch_row r JOIN enrollment e ON e.enrollment_id = r.enrollment_id
                     WHERE r.batch_id = @BatchId AND r.row_number > @After AND e.state IN {(which == ApprovalStep.Entry ? "(0, 3)" : "(1, 2)")} ORDER BY r.row_number {transaction.Dialect.Limit(most)}
                     """,
                    new { batch.BatchId, After = after ?? 0 }),
                await Submission.IndexOfAsync(transaction, officer)),
            cancellationToken);
        var shown = new BatchApplicationAnswer?[page.Count];
        await Parallel.ForAsync(0, page.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (i, cancellation) =>
        {
            Enrollment row = (await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, page[i].EnrollmentId), cancellation))!;
            Applications? applications = !officer.Region.Covers(row.RegionCode) ? null : which == ApprovalStep.Entry ? await FindDraftAsync(row, own, cancellation) : await FindDueAsync(officer, row, cancellation);
            shown[i] = applications is null
                ? null
                : new BatchApplicationAnswer
                {
                    Row = page[i].RowNumber,
                    Enrollment = row.Id,
                    Application = Der.Encode(applications.Main),
                    Following = applications.Following is { } following ? Der.Encode(following) : null,
                };
        });
        return new BatchApplicationPage { Applications = [.. shown.OfType<BatchApplicationAnswer>()], Next = page.Count == most ? page[^1].RowNumber : null };
    }

    /// <returns>Null: it has moved on, is not ready, or is his own.</returns>
    private async Task<Applications?> FindDraftAsync(Enrollment row, byte[] own, CancellationToken cancellationToken)
    {
        if (!row.IsChangeable || own.AsSpan().SequenceEqual(row.ApplicantIndex) || own.AsSpan().SequenceEqual(row.AgentIndex))
        {
            return null;
        }

        try
        {
            BuiltDraft draft = await submission.BuildAsync(row, cancellationToken);
            return draft.HasEvidence ? draft.Applications : null;
        }
        catch (RefusalException e) when (!RunBatches.IsPassing(e))
        {
            return null;
        }
    }

    /// <returns>Null: it has moved on, another level is due, or it is for somebody else to say.</returns>
    private async Task<Applications?> FindDueAsync(Officer officer, Enrollment row, CancellationToken cancellationToken)
    {
        if (row.State is not (EnrollmentState.Submitted or EnrollmentState.Reviewed))
        {
            return null;
        }

        try
        {
            DueReview due = await review.OpenAsync(row, cancellationToken);
            review.RequireLevel(officer, due);
            await database.ReadAsync(transaction => ReviewEnrollment.RequireOtherAsync(transaction, officer, due.Submission), cancellationToken);
            return due.Applications;
        }
        catch (RefusalException e) when (!RunBatches.IsPassing(e))
        {
            return null;
        }
    }
}
