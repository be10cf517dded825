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

    /// <summary>Each time an enrollment has moved on in between.</summary>
    private const int Attempts = 5;

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
                Enrollment now = await FindAsync(row, cancellation);
                for (int attempt = 1; ; attempt++)
                {
                    try
                    {
                        if (await each(now, cancellation))
                        {
                            Interlocked.Increment(ref done);
                        }

                        return;
                    }
                    catch (RefusalException e) when (!RunBatches.IsPassing(e))
                    {
                        // Somebody may have been faster: another node with the same task, whose claim has expired while it was held up.
                        Enrollment before = now;
                        now = await FindAsync(row, cancellation);
                        if (now.Version == before.Version || attempt == Attempts)
                        {
                            refusals.Add(new BatchRefusal { RowNumber = row.RowNumber, Reason = e.Message });
                            return;
                        }
                    }
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

    private async Task<Enrollment> FindAsync(BatchRow row, CancellationToken cancellationToken) =>
        (await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, row.EnrollmentId), cancellationToken))!;
}
