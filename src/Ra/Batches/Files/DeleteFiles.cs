using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Ra.Batches.Files;

/// <summary>
/// Deletes files of applicants that were kept long enough: since drafts were made of them, the batch was given up, or nobody has gone on with it. What became of each row, batch and enrollments go on to
/// say. Safe to run on several nodes.
/// </summary>
internal sealed class DeleteFiles(RaOptions options, Database database, AuditLog log, TimeProvider time)
{
    public const string JobName = "batch-files";

    /// <summary>Nothing is being done with it, nor was since that time.</summary>
    private const string Due =
        """
        file_hash IS NOT NULL AND file_deleted_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM batch_task t WHERE t.batch_id = batch.batch_id AND t.kind IN (1, 2) AND (t.ended_at IS NULL OR t.ended_at > @Before))
        """;

    private const int Rows = 100;

    private static readonly AuditActor Job = new(AuditActorKind.Job, JobName);

    /// <returns>How many were deleted.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        int deleted = 0;
        byte[] after = [];
        IReadOnlyList<Batch> page;
        do
        {
            DateTimeOffset before = time.GetUtcNow() - options.BatchFilesKeptFor;
            page = await database.QueryAsync<Batch>(
                $"SELECT {Batch.Columns} FROM batch WHERE {Due} AND batch_id > @After ORDER BY batch_id {database.Dialect.Limit(Rows)}", new { Before = before, After = after }, cancellationToken);
            foreach (Batch each in page)
            {
                deleted += await DeleteAsync(each, before, cancellationToken) ? 1 : 0;
            }

            after = page.Count > 0 ? page[^1].BatchId : after;
        }
        while (page.Count == Rows);
        return deleted;
    }

    /// <returns>False: somebody has gone on with it, or another node was faster.</returns>
    private Task<bool> DeleteAsync(Batch batch, DateTimeOffset before, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            // Whoever begins something with the file waits for this one, or is seen by the second statement.
            if (!await BatchStore.HoldFileAsync(transaction, batch.BatchId)
                || await transaction.ExecuteAsync($"UPDATE batch SET file_deleted_at = @Now WHERE batch_id = @BatchId AND {Due}", new { batch.BatchId, Before = before, Now = time.GetUtcNow() }) == 0)
            {
                return false;
            }

            await transaction.ExecuteAsync("DELETE FROM batch_part WHERE batch_id = @BatchId", new { batch.BatchId });
            await log.AppendAsync(transaction, new AuditEvent(Job, "batch.file-delete", new AuditObject("batch", batch.Id), AuditOutcome.Done)
            {
                Fields = [new AuditField.Octets("file", batch.FileHash!)],
            });
            return true;
        },
        cancellationToken);
}
