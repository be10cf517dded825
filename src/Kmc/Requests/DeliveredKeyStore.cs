using ZwCa.Data;

namespace ZwCa.Kmc.Requests;

/// <summary>Which keys the stored answers hold, and for whom: the table <c>delivered_key</c>, inside one unit of work.</summary>
internal static class DeliveredKeyStore
{
    /// <param name="recipient">SM3 of the SubjectPublicKeyInfo.</param>
    public static Task AddAsync(Transaction transaction, TaskRow task, byte[] keyId, byte[] recipient) => transaction.TryInsertAsync(
        "INSERT INTO delivered_key (ca_id, task_no, key_id, recipient) VALUES (@CaId, @TaskNo, @KeyId, @Recipient)", new { task.CaId, task.TaskNo, KeyId = keyId, Recipient = recipient });

    /// <summary>Whether the recipient has signed for it.</summary>
    public static async Task<bool> IsReceivedAsync(Transaction transaction, byte[] keyId, byte[] recipient) => await transaction.GetAsync<long>(
        """
        SELECT COUNT(*) FROM delivered_key d JOIN task t ON t.ca_id = d.ca_id AND t.task_no = d.task_no
        WHERE d.key_id = @KeyId AND d.recipient = @Recipient AND t.receipt_at IS NOT NULL
        """,
        new { KeyId = keyId, Recipient = recipient }) > 0;

    /// <summary>Of the answers that hold the key, the hashes stay, but for one.</summary>
    /// <param name="taskNo">That one; of the key's CA.</param>
    public static async Task EraseOthersAsync(Transaction transaction, byte[] keyId, string taskNo)
    {
        // By the key, of which there are few, and not by all answers that are kept.
        foreach (HolderRow holder in await transaction.QueryAsync<HolderRow>(
            "SELECT ca_id, task_no FROM delivered_key WHERE key_id = @KeyId AND task_no <> @TaskNo ORDER BY ca_id, task_no", new { KeyId = keyId, TaskNo = taskNo }))
        {
            await transaction.ExecuteAsync("UPDATE task SET reply = NULL WHERE ca_id = @CaId AND task_no = @TaskNo", holder);
        }
    }

    private sealed record HolderRow
    {
        public required short CaId { get; init; }

        public required string TaskNo { get; init; }
    }
}
