using System.Collections.Concurrent;
using ZwCa.Data;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Benchmarks;

/// <summary>Sees in the RA's database which enrollments have been issued: steps are only ever added. It costs the services nothing but a reader of the file.</summary>
internal sealed class EnrollmentWatch : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    private readonly RaProcess _ra;
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _loop;

    public EnrollmentWatch(RaProcess ra)
    {
        _ra = ra;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Asked before anything that may lead to it.</summary>
    /// <exception cref="InvalidOperationException">It went back to its clerk.</exception>
    public Task IssuedAsync(string id) => _awaited.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _loop;
        _over.Dispose();
    }

    private async Task RunAsync()
    {
        await using Database database = _ra.OpenDatabase();
        long last = await database.FindAsync<long?>("SELECT MAX(rowid) FROM enrollment_step") ?? 0;
        while (!_over.IsCancellationRequested)
        {
            foreach (Row row in await database.QueryAsync<Row>("SELECT rowid AS row_number, enrollment_id, state, reason FROM enrollment_step WHERE rowid > @Last ORDER BY rowid", new { Last = last }))
            {
                last = row.RowNumber;
                if (row.State is not (EnrollmentState.Issued or EnrollmentState.Returned) || !_awaited.TryRemove(Convert.ToHexStringLower(row.EnrollmentId), out TaskCompletionSource? awaited))
                {
                    continue;
                }

                if (row.State == EnrollmentState.Issued)
                {
                    awaited.SetResult();
                }
                else
                {
                    awaited.SetException(new InvalidOperationException($"An enrollment was returned: {row.Reason}"));
                }
            }

            await Task.Delay(LookEvery, CancellationToken.None);
        }
    }

    private sealed record Row
    {
        public required long RowNumber { get; init; }

        public required byte[] EnrollmentId { get; init; }

        public required EnrollmentState State { get; init; }

        public string? Reason { get; init; }
    }
}
