using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Data;

namespace ZwCa.Ca.Ocsp;

/// <summary>How far the feed has come.</summary>
/// <param name="Number">Of the last segment; 0: there is none.</param>
/// <param name="Hash">What the next one links to.</param>
/// <param name="KeyId">Of the key that has signed it; null: there is none.</param>
/// <param name="NextKeyId">Of the key that signs the next one: the same, unless it names another. Null: there is none.</param>
internal sealed record FeedPosition(long Number, byte[] Hash, byte[]? KeyId = null, byte[]? NextKeyId = null);

/// <summary>A row of <c>feed_segment</c>, but for the content.</summary>
internal sealed record SegmentRow
{
    public required long Number { get; init; }

    public required byte[] Statement { get; init; }

    public required byte[] Hash { get; init; }

    public required long Length { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    public required DateTimeOffset KeepUntil { get; init; }
}

/// <summary>A row of <c>feed_snapshot</c> that is complete.</summary>
internal sealed record SnapshotRow
{
    public required long Number { get; init; }

    public required byte[] Statement { get; init; }

    public required long Parts { get; init; }

    public required DateTimeOffset BegunAt { get; init; }
}

/// <summary>The rows of the feed, inside one unit of work.</summary>
internal static class FeedStore
{
    /// <summary>Of a segment before the first.</summary>
    private static readonly byte[] NoHash = new byte[32];

    /// <summary>Segments that one transaction deletes: they are large.</summary>
    private const int DeletedAtOnce = 50;

    public static async Task<FeedPosition> FindLastAsync(Transaction transaction)
    {
        Position? last = (await transaction.QueryAsync<Position>(
            $"SELECT s.number, s.hash, s.statement, r.new_key_id FROM feed_segment s LEFT JOIN feed_rollover r ON r.number = s.number ORDER BY s.number DESC {transaction.Dialect.Limit(1)}")).FirstOrDefault();
        if (last is null)
        {
            return new FeedPosition(0, NoHash);
        }

        byte[] keyId = Der.Decode<FeedStatement>(last.Statement).Tbs.KeyId.ToArray();
        return new FeedPosition(last.Number, last.Hash, keyId, last.NewKeyId ?? keyId);
    }

    /// <summary>Whether the feed was signed with that key, and is no more.</summary>
    public static async Task<bool> IsLeftAsync(Transaction transaction, byte[] keyId) =>
        await transaction.GetAsync<long>("SELECT COUNT(*) FROM feed_rollover WHERE old_key_id = @KeyId", new { KeyId = keyId }) > 0;

    /// <summary>Whether the newest snapshot was signed by a key that the feed has left, and the key that it has now has signed a segment.</summary>
    public static async Task<bool> IsSnapshotLeftAsync(Transaction transaction) =>
        await transaction.GetAsync<long>("SELECT COALESCE(MAX(number), 0) FROM feed_rollover") is > 0 and var rolled
        && await FindSnapshotAsync(transaction) is { } snapshot && snapshot.Number <= rolled
        && (await FindLastAsync(transaction)).Number > rolled;

    /// <returns>False: another node has recorded it.</returns>
    public static Task<bool> TryRollAsync(Transaction transaction, long number, byte[] oldKeyId, byte[] newKeyId, DateTimeOffset now) => transaction.TryInsertAsync(
        "INSERT INTO feed_rollover (number, old_key_id, new_key_id, rolled_at) VALUES (@Number, @OldKeyId, @NewKeyId, @Now)",
        new { Number = number, OldKeyId = oldKeyId, NewKeyId = newKeyId, Now = now });

    /// <returns>False: another node has appended one with that number.</returns>
    public static Task<bool> TryAppendAsync(Transaction transaction, SegmentRow row, byte[] content) => transaction.TryInsertAsync(
        """
        INSERT INTO feed_segment (number, statement, hash, content, length, made_at, keep_until)
        VALUES (@Number, @Statement, @Hash, @Content, @Length, @MadeAt, @KeepUntil)
        """,
        new { row.Number, row.Statement, row.Hash, Content = content, row.Length, row.MadeAt, row.KeepUntil });

    /// <param name="after">Null: from the oldest on that is kept.</param>
    /// <returns>In order, without gaps.</returns>
    public static Task<IReadOnlyList<SegmentRow>> ListAfterAsync(Transaction transaction, long? after, int rows) => transaction.QueryAsync<SegmentRow>(
        $"SELECT number, statement, hash, length, made_at, keep_until FROM feed_segment WHERE number > @After ORDER BY number {transaction.Dialect.Limit(rows)}",
        new { After = after ?? 0 });

    /// <returns>Null: it was deleted meanwhile.</returns>
    public static Task<byte[]?> FindContentAsync(Transaction transaction, long number) =>
        transaction.FindAsync<byte[]>("SELECT content FROM feed_segment WHERE number = @Number", new { Number = number });

    /// <returns>Null: there is none yet.</returns>
    public static async Task<SnapshotRow?> FindSnapshotAsync(Transaction transaction) => (await ListSnapshotsAsync(transaction, 1)).FirstOrDefault();

    /// <returns>Null: no complete snapshot has it.</returns>
    public static Task<byte[]?> FindPartAsync(Transaction transaction, long number, long part) => transaction.FindAsync<byte[]>(
        "SELECT p.content FROM feed_snapshot_part p JOIN feed_snapshot s ON s.number = p.number WHERE p.number = @Number AND p.part = @Part AND s.statement IS NOT NULL",
        new { Number = number, Part = part });

    /// <summary>What a run that has died left of that number goes.</summary>
    /// <returns>False: there is a complete one.</returns>
    public static async Task<bool> BeginSnapshotAsync(Transaction transaction, long number, DateTimeOffset now)
    {
        await transaction.ExecuteAsync("DELETE FROM feed_snapshot_part WHERE number IN (SELECT number FROM feed_snapshot WHERE statement IS NULL)");
        await transaction.ExecuteAsync("DELETE FROM feed_snapshot WHERE statement IS NULL");
        return await transaction.TryInsertAsync("INSERT INTO feed_snapshot (number, parts, begun_at) VALUES (@Number, 0, @Now)", new { Number = number, Now = now });
    }

    public static async Task<bool> AddPartAsync(Transaction transaction, long number, long part, byte[] content) =>
        await transaction.ExecuteAsync("UPDATE feed_snapshot SET parts = parts + 1 WHERE number = @Number AND parts = @Part AND statement IS NULL", new { Number = number, Part = part }) == 1
        && await transaction.TryInsertAsync(
            "INSERT INTO feed_snapshot_part (number, part, content) VALUES (@Number, @Part, @Content)", new { Number = number, Part = part, Content = content });

    /// <returns>False: another node has begun anew.</returns>
    public static async Task<bool> EndSnapshotAsync(Transaction transaction, long number, long parts, byte[] statement) => await transaction.ExecuteAsync(
        "UPDATE feed_snapshot SET statement = @Statement WHERE number = @Number AND parts = @Parts AND statement IS NULL", new { Number = number, Parts = parts, Statement = statement }) == 1;

    /// <summary>
    /// Deletes what nobody needs: snapshots below the last two, and from the oldest on segments that both have in them, and of which no response may be in use any more. The last one stays.
    /// </summary>
    /// <returns>Whether there may be more.</returns>
    public static async Task<bool> TrimAsync(Transaction transaction, DateTimeOffset now)
    {
        if (await ListSnapshotsAsync(transaction, 2) is not [_, { Number: var older }])
        {
            return false;
        }

        var below = new { Older = older };
        await transaction.ExecuteAsync("DELETE FROM feed_snapshot_part WHERE number < @Older", below);
        await transaction.ExecuteAsync("DELETE FROM feed_snapshot WHERE number < @Older", below);
        IReadOnlyList<SegmentRow> oldest = await ListAfterAsync(transaction, null, DeletedAtOnce + 1);
        SegmentRow[] over = [.. oldest.SkipLast(1).TakeWhile(row => row.Number <= older && row.KeepUntil < now)];
        if (over.Length > 0)
        {
            await transaction.ExecuteAsync("DELETE FROM feed_segment WHERE number <= @Last", new { Last = over[^1].Number });
        }

        return over.Length == DeletedAtOnce;
    }

    private static Task<IReadOnlyList<SnapshotRow>> ListSnapshotsAsync(Transaction transaction, int rows) => transaction.QueryAsync<SnapshotRow>(
        $"SELECT number, statement, parts, begun_at FROM feed_snapshot WHERE statement IS NOT NULL ORDER BY number DESC {transaction.Dialect.Limit(rows)}");

    private sealed record Position
    {
        public required long Number { get; init; }

        public required byte[] Hash { get; init; }

        public required byte[] Statement { get; init; }

        /// <summary>Null: it names none.</summary>
        public byte[]? NewKeyId { get; init; }
    }
}
