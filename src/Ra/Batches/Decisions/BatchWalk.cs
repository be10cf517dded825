using System.Collections.Concurrent;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Batches.Decisions;

/// <summary>Goes through the enrollments of a batch in the order of rows, a part after the other, several of a part at a time; each enrollment has its own transaction, the part one for how far it is.</summary>
internal sealed class BatchWalk(Database database)
{
    private const int RowsOfPart = 100;
    private const int AtOnce = 16;

    /// <param name="each">True: done, now or before. False: it is none of its business. May be called again for one that it has been called for.</param>
    /// <exception cref="RefusalException">What another time may be better: the part is begun again then. What is refused for good is written down by row.</exception>
    public async Task RunAsync(BatchRun run, Func<Enrollment, CancellationToken, Task<bool>> each, CancellationToken cancellationToken)
    {
        long last = run.Task.RowCount ?? await database.ReadAsync(
            transaction => transaction.GetAsync<long>("SELECT COALESCE(MAX(row_number), 0) FROM batch_row WHERE batch_id = @BatchId", new { run.Batch.BatchId }), cancellationToken);
        while (true)
        {
            IReadOnlyList<BatchRow> rows = await database.ReadAsync(transaction => BatchStore.ListRowsAsync(transaction, run.Batch.BatchId, run.Task.Reached, RowsOfPart), cancellationToken);
            if (rows.Count == 0)
            {
                await run.AdvanceAsync(run.Task with { State = BatchTaskState.Done, RowCount = last }, [], null, cancellationToken);
                return;
            }

            var refusals = new ConcurrentBag<BatchRefusal>();
            int done = 0;
            await Parallel.ForEachAsync(rows, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (row, cancellation) =>
            {
                try
                {
                    Enrollment enrollment = (await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, row.EnrollmentId), cancellation))!;
                    if (await each(enrollment, cancellation))
                    {
                        Interlocked.Increment(ref done);
                    }
                }
                catch (RefusalException e) when (!RunBatches.IsPassing(e))
                {
                    refusals.Add(new BatchRefusal { RowNumber = row.RowNumber, Reason = e.Message });
                }
            });
            FaultPoint.Reach("batch-rows");
            await run.AdvanceAsync(
                run.Task with { Reached = rows[^1].RowNumber, RowCount = last, Done = run.Task.Done + done, Refused = run.Task.Refused + refusals.Count },
                [.. refusals],
                null,
                cancellationToken);
            FaultPoint.Reach("batch-part");
        }
    }
}
