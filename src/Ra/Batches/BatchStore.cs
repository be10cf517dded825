using ZwCa.Data;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Batches;

/// <summary>The rows of batches, inside one unit of work.</summary>
internal static class BatchStore
{
    public static Task<Batch?> FindAsync(Transaction transaction, byte[] id) =>
        transaction.FindAsync<Batch>($"SELECT {Batch.Columns} FROM batch WHERE batch_id = @Id", new { Id = id });

    public static Task<IReadOnlyList<BatchTask>> ListTasksAsync(Transaction transaction, byte[] id) =>
        transaction.QueryAsync<BatchTask>($"SELECT {BatchTask.Columns} FROM batch_task WHERE batch_id = @Id ORDER BY number", new { Id = id });

    public static Task InsertAsync(Transaction transaction, Batch batch) => transaction.ExecuteAsync(
        """
        INSERT INTO batch (batch_id, kind, region, title, content_sealed, data_key_id, created_by, created_at)
        VALUES (@BatchId, @Kind, @Region, @Title, @ContentSealed, @DataKeyId, @CreatedBy, @CreatedAt)
        """,
        batch);

    /// <returns>How many an officer has opened that were not given up and of which no drafts were made yet.</returns>
    public static Task<long> CountBegunAsync(Transaction transaction, string officerSerial) => transaction.GetAsync<long>(
        """
        SELECT COUNT(*) FROM batch WHERE created_by = @Serial AND cancelled_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM batch_task t WHERE t.batch_id = batch.batch_id AND t.kind = 2 AND t.state <> 0)
        """,
        new { Serial = officerSerial });

    /// <summary>Until the transaction ends, nobody deletes the file.</summary>
    /// <returns>False: there is none any more.</returns>
    public static async Task<bool> HoldFileAsync(Transaction transaction, byte[] id) =>
        await transaction.ExecuteAsync("UPDATE batch SET file_hash = file_hash WHERE batch_id = @Id AND file_hash IS NOT NULL AND file_deleted_at IS NULL", new { Id = id }) == 1;

    /// <returns>False: another task of the batch runs.</returns>
    public static Task<bool> TryStartAsync(Transaction transaction, BatchTask task) => transaction.TryInsertAsync(
        """
        INSERT INTO batch_task (batch_id, number, kind, state, officer_serial, approval_hash, reached, done, refused, reason, claimed_until, failures, retry_at, started_at)
        VALUES (@BatchId, @Number, @Kind, 0, @OfficerSerial, @ApprovalHash, 0, 0, 0, @Reason, 0, 0, 0, @StartedAt)
        """,
        task);

    /// <summary>Ends what runs: whoever is at it finds out with his next part.</summary>
    public static Task<int> StopAsync(Transaction transaction, byte[] id, string reason, DateTimeOffset now) => transaction.ExecuteAsync(
        "UPDATE batch_task SET state = 2, reason = @Reason, claim = NULL, ended_at = @Now WHERE batch_id = @Id AND state = 0", new { Id = id, Reason = reason, Now = now });

    /// <returns>One that runs, that no node is at, and whose turn it is, the one that has waited longest, by now this one's; null: there is none.</returns>
    /// <param name="claim">16 bytes of this claim's own.</param>
    /// <param name="latest">What is put off for longer was so by a clock that was wrong: it is its turn.</param>
    public static async Task<BatchTask?> ClaimAsync(Transaction transaction, byte[] claim, DateTimeOffset now, DateTimeOffset until, DateTimeOffset latest)
    {
        BatchTask? task = await transaction.FindAsync<BatchTask>(
            $"""
             SELECT {BatchTask.Columns} FROM batch_task WHERE state = 0 AND claimed_until <= @Now AND (retry_at <= @Now OR retry_at > @Latest)
             ORDER BY claimed_until, retry_at, started_at, batch_id {transaction.Dialect.Limit(1)}
             """,
            new { Now = now, Latest = latest });
        return task is not null
            && await transaction.ExecuteAsync(
                "UPDATE batch_task SET claim = @Claim, claimed_until = @Until WHERE batch_id = @BatchId AND number = @Number AND state = 0 AND claimed_until = @ClaimedUntil AND retry_at = @RetryAt",
                new { task.BatchId, task.Number, task.ClaimedUntil, task.RetryAt, Claim = claim, Until = until }) == 1
                ? task with { ClaimedUntil = until }
                : null;
    }

    /// <returns>False: another node is at it, or it has ended.</returns>
    public static async Task<bool> RenewAsync(Transaction transaction, BatchTask task, byte[] claim, DateTimeOffset until) => await transaction.ExecuteAsync(
        "UPDATE batch_task SET claimed_until = @Until WHERE batch_id = @BatchId AND number = @Number AND state = 0 AND claim = @Claim", new { task.BatchId, task.Number, Until = until, Claim = claim }) == 1;

    /// <summary>Whoever comes first goes on with it.</summary>
    public static Task<int> ReleaseAsync(Transaction transaction, BatchTask task, byte[] claim) => transaction.ExecuteAsync(
        "UPDATE batch_task SET claim = NULL, claimed_until = 0 WHERE batch_id = @BatchId AND number = @Number AND state = 0 AND claim = @Claim", new { task.BatchId, task.Number, Claim = claim });

    /// <summary>Whoever comes first after that time goes on with it.</summary>
    public static Task<int> PutOffAsync(Transaction transaction, BatchTask task, byte[] claim, long failures, DateTimeOffset until) => transaction.ExecuteAsync(
        """
        UPDATE batch_task SET claim = NULL, claimed_until = 0, failures = @Failures, retry_at = @Until
        WHERE batch_id = @BatchId AND number = @Number AND state = 0 AND claim = @Claim
        """,
        new { task.BatchId, task.Number, Failures = failures, Until = until, Claim = claim });

    /// <summary>Writes how far a task is; whoever has the claim no longer, changes nothing.</summary>
    /// <returns>False: another node is at it, or it has ended.</returns>
    public static async Task<bool> AdvanceAsync(Transaction transaction, BatchTask task, byte[] claim) => await transaction.ExecuteAsync(
        """
        UPDATE batch_task SET
            state = @State, reached = @Reached, position = @Position, row_count = @RowCount, done = @Done, refused = @Refused, reason = @Reason, claimed_until = @ClaimedUntil,
            failures = @Failures, ended_at = @EndedAt
        WHERE batch_id = @BatchId AND number = @Number AND state = 0 AND claim = @Claim
        """,
        new
        {
            task.BatchId,
            task.Number,
            task.State,
            task.Reached,
            task.Position,
            task.RowCount,
            task.Done,
            task.Refused,
            task.Reason,
            task.ClaimedUntil,
            task.Failures,
            task.EndedAt,
            Claim = claim,
        }) == 1;

    public static Task RefuseAsync(Transaction transaction, BatchTask task, IReadOnlyList<BatchRefusal> refusals) => refusals.Count == 0
        ? Task.CompletedTask
        : transaction.BulkInsertAsync(
            "batch_refusal", ["batch_id", "number", "row_number", "reason"], [.. refusals.Select(each => new object?[] { task.BatchId, task.Number, each.RowNumber, each.Reason })]);

    public static Task<IReadOnlyList<BatchRefusal>> ListRefusalsAsync(Transaction transaction, byte[] id, short number, long after, int rows) => transaction.QueryAsync<BatchRefusal>(
        $"SELECT row_number, reason FROM batch_refusal WHERE batch_id = @Id AND number = @Number AND row_number > @After ORDER BY row_number {transaction.Dialect.Limit(rows)}",
        new { Id = id, Number = number, After = after });

    public static Task AddRowsAsync(Transaction transaction, byte[] id, IReadOnlyList<BatchRow> rows) => rows.Count == 0
        ? Task.CompletedTask
        : transaction.BulkInsertAsync("batch_row", ["batch_id", "row_number", "enrollment_id"], [.. rows.Select(each => new object?[] { id, each.RowNumber, each.EnrollmentId })]);

    public static Task<IReadOnlyList<BatchRow>> ListRowsAsync(Transaction transaction, byte[] id, long after, int rows) => transaction.QueryAsync<BatchRow>(
        $"SELECT row_number, enrollment_id FROM batch_row WHERE batch_id = @Id AND row_number > @After ORDER BY row_number {transaction.Dialect.Limit(rows)}", new { Id = id, After = after });

    public static async Task<IReadOnlyDictionary<string, long>> CountStatesAsync(Transaction transaction, byte[] id) =>
        (await transaction.QueryAsync<StateCount>(
            "SELECT e.state, COUNT(*) AS number FROM batch_row r JOIN enrollment e ON e.enrollment_id = r.enrollment_id WHERE r.batch_id = @Id GROUP BY e.state ORDER BY e.state", new { Id = id }))
            .ToDictionary(each => EnrollmentNames.NameOf(each.State), each => each.Number);

    private sealed record StateCount
    {
        public required EnrollmentState State { get; init; }

        public required long Number { get; init; }
    }
}
