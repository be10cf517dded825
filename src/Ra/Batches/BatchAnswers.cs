using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Batches;

/// <summary>Shows batches and their rows.</summary>
internal sealed class BatchAnswers(Database database, OpenBatch batches)
{
    /// <exception cref="Contracts.RefusalException"><see cref="Contracts.Refusal.NotFound"/>.</exception>
    public async Task<BatchAnswer> ShowAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        Batch batch = await batches.FindAsync(officer, id, cancellationToken);
        return await database.ReadAsync(
            async transaction => await ShowAsync(transaction, batch) with { States = await BatchStore.CountStatesAsync(transaction, batch.BatchId) }, cancellationToken);
    }

    /// <param name="region">GB/T 2260, with everything below it; null: the officer's own.</param>
    public async Task<BatchPage> ListAsync(Officer officer, string? region, string? after, int? rows, CancellationToken cancellationToken)
    {
        RegionCode within = region is null ? officer.Region : RegionCode.Parse(region);
        officer.RequireCovers(within.Value);
        int most = Page.Rows(rows);
        string prefix = within.Value[..((int)within.Level * 2)];
        return await database.ReadAsync(
            async transaction =>
            {
                IReadOnlyList<Batch> page = await transaction.QueryAsync<Batch>(
                    $"SELECT {Batch.Columns} FROM batch WHERE batch_id < @Before AND region LIKE @Pattern ORDER BY batch_id DESC {transaction.Dialect.Limit(most)}",
                    new { Before = after is null ? [.. Enumerable.Repeat((byte)0xFF, Ulid.Length)] : Page.Id(after), Pattern = prefix + "%" });
                var shown = new List<BatchAnswer>(page.Count);
                foreach (Batch batch in page)
                {
                    shown.Add(await ShowAsync(transaction, batch));
                }

                return new BatchPage { Batches = shown, Next = page.Count == most ? page[^1].Id : null };
            },
            cancellationToken);
    }

    /// <param name="task">Whose refusals; null: what has enrollments.</param>
    public async Task<BatchRowPage> ListRowsAsync(Officer officer, string id, int? task, long? after, int? rows, CancellationToken cancellationToken)
    {
        Batch batch = await batches.FindAsync(officer, id, cancellationToken);
        int most = Page.Rows(rows);
        return await database.ReadAsync(
            async transaction =>
            {
                IReadOnlyList<Row> page = await transaction.QueryAsync<Row>(
                    (task is null
                        ? "SELECT r.row_number, r.enrollment_id, e.state, NULL AS reason FROM batch_row r JOIN enrollment e ON e.enrollment_id = r.enrollment_id WHERE r.batch_id = @Id AND r.row_number > @After"
                        : """
                          SELECT f.row_number, r.enrollment_id, e.state, f.reason FROM batch_refusal f
                          LEFT JOIN batch_row r ON r.batch_id = f.batch_id AND r.row_number = f.row_number LEFT JOIN enrollment e ON e.enrollment_id = r.enrollment_id
                          WHERE f.batch_id = @Id AND f.number = @Task AND f.row_number > @After
                          """) + $" ORDER BY 1 {transaction.Dialect.Limit(most)}",
                    new { Id = batch.BatchId, Task = (short)(task ?? 0), After = after ?? 0 });
                return new BatchRowPage
                {
                    Rows =
                    [
                        .. page.Select(row => new BatchRowAnswer
                        {
                            Row = row.RowNumber,
                            Enrollment = row.EnrollmentId is null ? null : Convert.ToHexStringLower(row.EnrollmentId),
                            State = row.State is { } state ? EnrollmentNames.NameOf(state) : null,
                            Reason = row.Reason,
                        }),
                    ],
                    Next = page.Count == most ? page[^1].RowNumber : null,
                };
            },
            cancellationToken);
    }

    /// <returns>Without its enrollments' states.</returns>
    private static async Task<BatchAnswer> ShowAsync(Transaction transaction, Batch batch) => new()
    {
        Id = batch.Id,
        Kind = EnrollmentNames.NameOf(batch.Kind),
        Region = batch.Region,
        Title = batch.Title,
        CreatedBy = batch.CreatedBy,
        CreatedAt = batch.CreatedAt,
        File = batch.FileHash is null ? null : Convert.ToHexStringLower(batch.FileHash),
        FileDeletedAt = batch.FileDeletedAt,
        CancelledAt = batch.CancelledAt,
        Tasks =
        [
            .. (await BatchStore.ListTasksAsync(transaction, batch.BatchId)).Select(task => new BatchTaskAnswer
            {
                Number = task.Number,
                Kind = EnrollmentNames.NameOf(task.Kind),
                State = EnrollmentNames.NameOf(task.State),
                Reached = task.Reached,
                Rows = task.RowCount,
                Done = task.Done,
                Refused = task.Refused,
                Reason = task.Reason,
                Waiting = task is { State: BatchTaskState.Running, Failures: > 0 } ? $"暂时未能处理（已连续{task.Failures}次），将自动重试；长时间如此请联系管理员，也可以撤销该批次。" : null,
                StartedAt = task.StartedAt,
                EndedAt = task.EndedAt,
            }),
        ],
    };

    private sealed record Row
    {
        public required long RowNumber { get; init; }

        public byte[]? EnrollmentId { get; init; }

        public EnrollmentState? State { get; init; }

        public string? Reason { get; init; }
    }
}
