using ZwCa.Ca.Certificates;
using ZwCa.Data;

namespace ZwCa.Ca.Bulk;

/// <summary>A change of many certificates, and how far it has come.</summary>
internal sealed record BulkChangeRow
{
    /// <summary>The command's id.</summary>
    public required byte[] ChangeId { get; init; }

    /// <summary>0 at work, 1 done.</summary>
    public required short State { get; init; }

    /// <summary>DER of BulkStatusBody.</summary>
    public required byte[] Body { get; init; }

    /// <summary>GB/T 2260: certificates of other regions are left alone.</summary>
    public required string Region { get; init; }

    /// <summary>Of a list: the entries before it were looked at.</summary>
    public required long NextEntry { get; init; }

    /// <summary>Of any other selection: the last certificate that was looked at.</summary>
    public required byte[] Reached { get; init; }

    /// <summary>Null: not counted yet.</summary>
    public long? Total { get; init; }

    public required long Changed { get; init; }

    /// <summary>Not there, of another region, or not in a state that can be changed this way.</summary>
    public required long Skipped { get; init; }

    public required DateTimeOffset OrderedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>The rows of bulk changes, inside one unit of work.</summary>
internal static class BulkChangeStore
{
    private const string Columns = "change_id, state, body, region, next_entry, reached, total, changed, skipped, ordered_at, ended_at";

    /// <summary>Before all ids.</summary>
    public static readonly byte[] First = new byte[Ulid.Length];

    /// <summary>Its time is later than that of all that was reserved before it, also by a node whose clock is ahead.</summary>
    /// <returns>False: there is one of the id.</returns>
    public static async Task<bool> InsertAsync(Transaction transaction, byte[] id, byte[] body, string region, DateTimeOffset now)
    {
        byte[]? last = await transaction.FindAsync<byte[]>(
            $"SELECT certificate_id FROM certificate WHERE certificate_id >= @Now AND certificate_id < @Ahead ORDER BY certificate_id DESC {transaction.Dialect.Limit(1)}",
            new { Now = Ulid.FirstOf(now), Ahead = Ulid.FirstOf(now + CertificateStore.ClocksDiffer) });
        return await transaction.TryInsertAsync(
            """
            INSERT INTO bulk_change (change_id, state, body, region, next_entry, reached, changed, skipped, ordered_at)
            VALUES (@Id, 0, @Body, @Region, 0, @Reached, 0, 0, @OrderedAt)
            """,
            new { Id = id, Body = body, Region = region, Reached = First, OrderedAt = last is null ? now : Ulid.TimeOf(last).AddMilliseconds(1) });
    }

    /// <returns>Null: none of the id.</returns>
    public static Task<BulkChangeRow?> FindAsync(Transaction transaction, byte[] id) =>
        transaction.FindAsync<BulkChangeRow>($"SELECT {Columns} FROM bulk_change WHERE change_id = @Id", new { Id = id });

    /// <returns>The oldest of those at work after an id; null: there is none.</returns>
    public static Task<BulkChangeRow?> FindOpenAsync(Transaction transaction, byte[] after) => transaction.FindAsync<BulkChangeRow>(
        $"SELECT {Columns} FROM bulk_change WHERE state = 0 AND change_id > @After ORDER BY change_id {transaction.Dialect.Limit(1)}", new { After = after });

    /// <summary>Takes the next piece of work; whoever comes second waits here and gets nothing.</summary>
    /// <returns>False: another node has it.</returns>
    public static async Task<bool> TakeAsync(Transaction transaction, BulkChangeRow from, BulkChangeRow to) =>
        await transaction.ExecuteAsync(
            """
            UPDATE bulk_change SET state = @State, next_entry = @NextEntry, reached = @Reached, total = @Total, ended_at = @EndedAt
            WHERE change_id = @ChangeId AND state = 0 AND next_entry = @FromEntry AND reached = @FromReached
            """,
            new { to.ChangeId, to.State, to.NextEntry, to.Reached, to.Total, to.EndedAt, FromEntry = from.NextEntry, FromReached = from.Reached }) == 1;

    /// <summary>Adds what came of a piece of work that this transaction has taken.</summary>
    public static Task<int> CountAsync(Transaction transaction, byte[] id, long changed, long skipped) => transaction.ExecuteAsync(
        "UPDATE bulk_change SET changed = changed + @Changed, skipped = skipped + @Skipped WHERE change_id = @Id", new { Id = id, Changed = changed, Skipped = skipped });
}
