using ZwCa.Ca.Crls;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>Tells which CRLs were published. The row that says so was written with the publication, and goes with the segment. Safe for concurrent use, on any number of nodes.</summary>
internal sealed class TellCrls(Database database, WriteFeed feed, TimeProvider time)
{
    private const int MaxCrls = 500;

    /// <summary>In the transaction that marks it as published.</summary>
    public static Task AddAsync(Transaction transaction, byte[] crlId) => transaction.TryInsertAsync("INSERT INTO feed_crl (crl_id) VALUES (@Id)", new { Id = crlId });

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await database.ReadAsync(ListNewAsync, cancellationToken) is { Count: > 0 } rows)
        {
            // What was overtaken while it waited has no file any more.
            CrlRow[] newest = [.. rows.GroupBy(row => (row.AuthorityId, row.Shard)).Select(some => some.MaxBy(row => row.CrlNumber)!)];
            try
            {
                var writer = new FeedWriter();
                Array.ForEach(newest, row => writer.Crl(EntryOf(row)));
                await feed.AppendAsync(writer.ToArray(), time.GetUtcNow(), (transaction, _) => DeleteAsync(transaction, rows), cancellationToken);
            }
            catch (BatchOvertakenException)
            {
                // Another node has told of them.
            }
        }
    }

    public static FeedCrl EntryOf(CrlRow row) => new(row.AuthorityId, row.Shard, row.CrlNumber, row.Length!.Value, row.Hash);

    /// <returns>Of CAs that the feed has named: the others wait for that.</returns>
    private static Task<IReadOnlyList<CrlRow>> ListNewAsync(Transaction transaction) => transaction.QueryAsync<CrlRow>(
        $"""
         SELECT {CrlRow.Columns} FROM crl
         WHERE crl_id IN (SELECT crl_id FROM feed_crl) AND authority_id IN (SELECT authority_id FROM feed_authority) ORDER BY crl_id {transaction.Dialect.Limit(MaxCrls)}
         """);

    /// <returns>The oldest that waits; null: none does.</returns>
    public static async Task<byte[]?> FindOldestAsync(Transaction transaction) =>
        (await transaction.QueryAsync<byte[]>($"SELECT crl_id FROM feed_crl ORDER BY crl_id {transaction.Dialect.Limit(1)}")).FirstOrDefault();

    private static async Task DeleteAsync(Transaction transaction, IReadOnlyList<CrlRow> rows)
    {
        foreach (CrlRow row in rows)
        {
            if (await transaction.ExecuteAsync("DELETE FROM feed_crl WHERE crl_id = @CrlId", row) == 0)
            {
                throw new BatchOvertakenException([]);
            }
        }
    }
}
