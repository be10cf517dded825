using ZwCa.Audit.Sequencing;
using ZwCa.Data;

namespace ZwCa.Audit;

/// <summary>Whether the log can bear witness of what is done now.</summary>
public enum AuditState
{
    Ready,

    /// <summary>An event has waited for more than 10 seconds for its place in the log and a checkpoint over it, or its time is as far ahead.</summary>
    Behind,

    /// <summary>The clock stands more than 5 seconds before the last checkpoint.</summary>
    ClockSetBack,
}

/// <summary>Asked before each issuance: no audit, no issuance. Two short reads. Safe for concurrent use.</summary>
public sealed class AuditReadiness(Database database, TimeProvider time)
{
    internal static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    public Task<AuditState> CheckAsync(CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = time.GetUtcNow();
        return database.ReadAsync(
            async transaction =>
            {
                NumberedCheckpoint? last = await CheckpointStore.FindLatestAsync(transaction);
                if (last is not null && now < last.Checkpoint.Tbs.Time - ClockTolerance)
                {
                    return AuditState.ClockSetBack;
                }

                // The oldest by its id, whenever it was committed; and the first that has its place, but no checkpoint.
                byte[]? pending = await transaction.FindAsync<byte[]>(
                    $"SELECT event_id FROM log_pending ORDER BY event_id {transaction.Dialect.Limit(1)}");
                byte[]? uncovered = await transaction.FindAsync<byte[]>(
                    "SELECT event_id FROM log_leaf WHERE log_index = @Size", new { Size = last?.Checkpoint.Tbs.TreeSize ?? 0 });
                return IsOld(pending, now) || IsOld(uncovered, now) ? AuditState.Behind : AuditState.Ready;
            },
            cancellationToken);
    }

    /// <summary>An id from a clock that was ahead does not make its event young.</summary>
    private static bool IsOld(byte[]? eventId, DateTimeOffset now) => eventId is not null && (now - Ulid.TimeOf(eventId)).Duration() > MaxWait;
}
