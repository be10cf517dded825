using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Data;

namespace ZwCa.Audit.Sequencing;

/// <summary>A checkpoint and its place in the database.</summary>
internal sealed record NumberedCheckpoint(long Number, Checkpoint Checkpoint);

/// <summary>The table log_checkpoint. Numbers are only the database's: they begin at 1 and have no gaps.</summary>
internal static class CheckpointStore
{
    public static async Task<NumberedCheckpoint?> FindLatestAsync(Transaction transaction) => Decode(await transaction.FindAsync<Row>(
        $"SELECT checkpoint_number, checkpoint_der FROM log_checkpoint ORDER BY checkpoint_number DESC {transaction.Dialect.Limit(1)}"));

    /// <returns>The first checkpoint of an epoch: it carries the override.</returns>
    public static async Task<NumberedCheckpoint?> FindFirstAsync(Transaction transaction, long epoch) => Decode(await transaction.FindAsync<Row>(
        $"""
         SELECT checkpoint_number, checkpoint_der FROM log_checkpoint WHERE epoch = @Epoch
         ORDER BY checkpoint_number {transaction.Dialect.Limit(1)}
         """,
        new { Epoch = epoch }));

    /// <returns>Those after a number, in their order.</returns>
    public static async Task<IReadOnlyList<NumberedCheckpoint>> ListAsync(Transaction transaction, long after, int rows) =>
        [.. (await transaction.QueryAsync<Row>(
            $"""
             SELECT checkpoint_number, checkpoint_der FROM log_checkpoint WHERE checkpoint_number > @After
             ORDER BY checkpoint_number {transaction.Dialect.Limit(rows)}
             """,
            new { After = after })).Select(row => Decode(row)!)];

    /// <returns>False where another has stored one with that number.</returns>
    public static Task<bool> TryInsertAsync(Transaction transaction, NumberedCheckpoint checkpoint) => transaction.TryInsertAsync(
        "INSERT INTO log_checkpoint (checkpoint_number, epoch, checkpoint_der) VALUES (@Number, @Epoch, @CheckpointDer)",
        new { checkpoint.Number, checkpoint.Checkpoint.Tbs.Epoch, CheckpointDer = Der.Encode(checkpoint.Checkpoint) });

    private static NumberedCheckpoint? Decode(Row? row)
    {
        try
        {
            return row is null ? null : new NumberedCheckpoint(row.CheckpointNumber, Der.Decode<Checkpoint>(row.CheckpointDer));
        }
        catch (DerException e)
        {
            throw new LogDamagedException($"The checkpoint {row!.CheckpointNumber} is none: {e.Message}");
        }
    }

    private sealed record Row
    {
        public required long CheckpointNumber { get; init; }

        public required byte[] CheckpointDer { get; init; }
    }
}
