using ZwCa.Data;

namespace ZwCa.Kmc.Requests;

/// <summary>A message of a CA by its task number: a row of the table <c>task</c>.</summary>
internal sealed record TaskRow
{
    public const string Columns = "ca_id, task_no, message_hash, message, received_at, claimed_until, reply, reply_hash, answered_at";

    public required short CaId { get; init; }

    /// <summary>Decimal.</summary>
    public required string TaskNo { get; init; }

    /// <summary>SM3 of the CARequest.</summary>
    public required byte[] MessageHash { get; init; }

    /// <summary>DER of CARequest. Null: answered.</summary>
    public byte[]? Message { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public required DateTimeOffset ClaimedUntil { get; init; }

    /// <summary>DER of KMRespond. Null: not answered yet, or erased after the receipt, or a recovery.</summary>
    public byte[]? Reply { get; init; }

    public byte[]? ReplyHash { get; init; }

    public DateTimeOffset? AnsweredAt { get; init; }
}

/// <summary>The rows of messages, inside one unit of work.</summary>
internal static class TaskStore
{
    public static Task<TaskRow?> FindAsync(Transaction transaction, short ca, string taskNo) =>
        transaction.FindAsync<TaskRow>($"SELECT {TaskRow.Columns} FROM task WHERE ca_id = @Ca AND task_no = @TaskNo", new { Ca = ca, TaskNo = taskNo });

    /// <returns>False: there is one of the number.</returns>
    public static Task<bool> TryAddAsync(Transaction transaction, TaskRow row) => transaction.TryInsertAsync(
        "INSERT INTO task (ca_id, task_no, message_hash, message, received_at, claimed_until) VALUES (@CaId, @TaskNo, @MessageHash, @Message, @ReceivedAt, @ClaimedUntil)", row);

    /// <returns>The message that asked for the key, if it was never answered, and which of its requests; null: it was.</returns>
    public static Task<Unanswered?> FindUnansweredAsync(Transaction transaction, byte[] keyId) => transaction.FindAsync<Unanswered>(
        """
        SELECT t.message, b.request_index FROM key_binding b JOIN task t ON t.ca_id = b.ca_id AND t.task_no = b.task_no
        WHERE b.key_id = @KeyId AND t.message IS NOT NULL
        """,
        new { KeyId = keyId });

    /// <summary>Takes up what nobody is at any more.</summary>
    /// <returns>False: somebody is, or it is answered.</returns>
    public static async Task<bool> ClaimAsync(Transaction transaction, TaskRow row, DateTimeOffset until, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE task SET claimed_until = @Until WHERE ca_id = @CaId AND task_no = @TaskNo AND answered_at IS NULL AND claimed_until < @Now",
        new { row.CaId, row.TaskNo, Until = until, Now = now }) == 1;

    /// <summary>Nobody is at it: it failed by what passes.</summary>
    public static Task ReleaseAsync(Transaction transaction, TaskRow row) =>
        transaction.ExecuteAsync("UPDATE task SET claimed_until = 0 WHERE ca_id = @CaId AND task_no = @TaskNo AND answered_at IS NULL", row);

    /// <returns>False: it is answered.</returns>
    public static async Task<bool> AnswerAsync(Transaction transaction, TaskRow row) => await transaction.ExecuteAsync(
        "UPDATE task SET message = NULL, reply = @Reply, reply_hash = @ReplyHash, answered_at = @AnsweredAt WHERE ca_id = @CaId AND task_no = @TaskNo AND answered_at IS NULL", row) == 1;

    /// <summary>Of the answer the hash stays.</summary>
    /// <returns>False: it was received before, or is not answered.</returns>
    public static async Task<bool> ReceiveAsync(Transaction transaction, TaskRow row, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE task SET reply = NULL, receipt_at = @Now WHERE ca_id = @CaId AND task_no = @TaskNo AND answered_at IS NOT NULL AND receipt_at IS NULL",
        new { row.CaId, row.TaskNo, Now = now }) == 1;
}

/// <summary>A request that was planned and never answered.</summary>
internal sealed record Unanswered
{
    /// <summary>DER of CARequest.</summary>
    public required byte[] Message { get; init; }

    public required short RequestIndex { get; init; }
}
