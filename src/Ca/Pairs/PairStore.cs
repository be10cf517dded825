using ZwCa.Ca.Certificates;
using ZwCa.Ca.KeyCentre;
using ZwCa.Data;

namespace ZwCa.Ca.Pairs;

/// <summary>Two certificates of one application: a row of the table <c>certificate_pair</c>.</summary>
internal sealed record PairRow
{
    public const string Columns = "pair_id, encryption_id, key_serial, intended_at";

    /// <summary>Of the signing certificate.</summary>
    public required byte[] PairId { get; init; }

    public required byte[] EncryptionId { get; init; }

    /// <summary>By which the KMC knows the encryption key.</summary>
    public required string KeySerial { get; init; }

    public required DateTimeOffset IntendedAt { get; init; }
}

/// <summary>Of an encryption key's way to its subscriber; in the database, never changes its meaning.</summary>
internal enum DeliveryState : short
{
    /// <summary>For the receipt.</summary>
    Waiting = 1,

    Delivered = 2,

    /// <summary>The token found another key in the envelope than the certificate's.</summary>
    Refused = 3,

    /// <summary>Given to nobody any more: the certificate has ended, or the key was recovered to another token.</summary>
    Withdrawn = 4,
}

/// <summary>A row of the table <c>pair_delivery</c>: of the first, and of each recovery.</summary>
internal sealed record DeliveryRow
{
    public const string Columns = "delivery_id, pair_id, recipient_id, state, task_no, reply, reply_hash, receipt, added_at, changed_at";

    public required byte[] DeliveryId { get; init; }

    public required byte[] PairId { get; init; }

    /// <summary>The signing certificate whose key it is enveloped to.</summary>
    public required byte[] RecipientId { get; init; }

    public required DeliveryState State { get; init; }

    public required string TaskNo { get; init; }

    /// <summary>DER of KMRespond. Null: erased after the receipt.</summary>
    public byte[]? Reply { get; init; }

    public required byte[] ReplyHash { get; init; }

    /// <summary>DER of SignedReceipt. Null: none yet.</summary>
    public byte[]? Receipt { get; init; }

    public required DateTimeOffset AddedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }
}

/// <summary>The rows of pairs, inside one unit of work.</summary>
internal static class PairStore
{
    /// <returns>Null: none of that signing certificate.</returns>
    public static Task<PairRow?> FindAsync(Transaction transaction, byte[] pairId) =>
        transaction.FindAsync<PairRow>($"SELECT {PairRow.Columns} FROM certificate_pair WHERE pair_id = @Id", new { Id = pairId });

    /// <param name="certificateId">Of either half.</param>
    /// <returns>Null: it stands alone.</returns>
    public static async Task<PairRow?> FindOfAsync(Transaction transaction, byte[] certificateId) =>
        await FindAsync(transaction, certificateId) ?? await FindByEncryptionAsync(transaction, certificateId);

    /// <returns>Null: it is no encryption certificate of a pair.</returns>
    public static Task<PairRow?> FindByEncryptionAsync(Transaction transaction, byte[] encryptionId) =>
        transaction.FindAsync<PairRow>($"SELECT {PairRow.Columns} FROM certificate_pair WHERE encryption_id = @Id", new { Id = encryptionId });

    /// <returns>The other half; null: it stands alone.</returns>
    public static async Task<CertificateRow?> FindPartnerAsync(Transaction transaction, byte[] certificateId) => await FindOfAsync(transaction, certificateId) is { } pair
        ? await CertificateStore.FindAsync(transaction, pair.PairId.AsSpan().SequenceEqual(certificateId) ? pair.EncryptionId : pair.PairId)
        : null;

    public static Task InsertAsync(Transaction transaction, PairRow pair) => transaction.ExecuteAsync(
        "INSERT INTO certificate_pair (pair_id, encryption_id, key_serial, intended_at) VALUES (@PairId, @EncryptionId, @KeySerial, @IntendedAt)", pair);

    /// <summary>Whether another certificate that may be in use has the same key. Of two that end at once, one asks after the other: the first pair of the key is held until the transaction ends.</summary>
    public static async Task<bool> HoldAndFindKeyUsedAsync(Transaction transaction, PairRow pair)
    {
        await transaction.ExecuteAsync(
            "UPDATE certificate SET state_version = state_version WHERE certificate_id = (SELECT MIN(encryption_id) FROM certificate_pair WHERE key_serial = @KeySerial)", pair);
        return await transaction.GetAsync<long>(
            """
            SELECT COUNT(*) FROM certificate_pair p JOIN certificate c ON c.certificate_id = p.encryption_id
            WHERE p.key_serial = @KeySerial AND p.pair_id <> @PairId AND c.state IN (1, 2, 4)
            """,
            pair) > 0;
    }

    /// <returns>Its id.</returns>
    public static async Task<byte[]> AddDeliveryAsync(Transaction transaction, byte[] pairId, byte[] recipientId, EscrowedPair key, DateTimeOffset now)
    {
        byte[] id = Ulid.Create(now);
        await transaction.ExecuteAsync(
            """
            INSERT INTO pair_delivery (delivery_id, pair_id, recipient_id, state, task_no, reply, reply_hash, added_at, changed_at)
            VALUES (@Id, @PairId, @RecipientId, 1, @TaskNo, @Reply, @ReplyHash, @Now, @Now)
            """,
            new { Id = id, PairId = pairId, RecipientId = recipientId, key.TaskNo, key.Reply, key.ReplyHash, Now = now });
        return id;
    }

    public static Task<DeliveryRow?> FindDeliveryAsync(Transaction transaction, byte[] pairId, byte[] deliveryId) => transaction.FindAsync<DeliveryRow>(
        $"SELECT {DeliveryRow.Columns} FROM pair_delivery WHERE pair_id = @PairId AND delivery_id = @Id", new { PairId = pairId, Id = deliveryId });

    /// <returns>The last; null: the pair keeps the key of the one before it.</returns>
    public static async Task<DeliveryRow?> FindLastDeliveryAsync(Transaction transaction, byte[] pairId) => (await transaction.QueryAsync<DeliveryRow>(
        $"SELECT {DeliveryRow.Columns} FROM pair_delivery WHERE pair_id = @PairId ORDER BY delivery_id DESC {transaction.Dialect.Limit(1)}", new { PairId = pairId })).FirstOrDefault();

    /// <summary>Envelopes that wait are given to nobody any more, here and, when it is told, at the KMC.</summary>
    /// <returns>False: none waits.</returns>
    public static async Task<bool> WithdrawAsync(Transaction transaction, PairRow pair, DateTimeOffset now)
    {
        bool isWithdrawn = false;
        foreach (string taskNo in await transaction.QueryAsync<string>("SELECT task_no FROM pair_delivery WHERE pair_id = @PairId AND state = 1", pair))
        {
            await transaction.ExecuteAsync(
                "UPDATE pair_delivery SET state = 4, reply = NULL, changed_at = @Now WHERE pair_id = @PairId AND task_no = @TaskNo AND state = 1",
                new { pair.PairId, TaskNo = taskNo, Now = now });
            await KeyTaskStore.AddAsync(transaction, KeyTaskKind.Receipt, pair.EncryptionId, pair.KeySerial, now, taskNo);
            isWithdrawn = true;
        }

        return isWithdrawn;
    }

    /// <returns>Pairs of which an envelope waits and the encryption certificate has ended by itself.</returns>
    public static Task<IReadOnlyList<PairRow>> ListExpiredAsync(Transaction transaction, DateTimeOffset now, int rows) => transaction.QueryAsync<PairRow>(
        $"""
         SELECT p.pair_id, p.encryption_id, p.key_serial, p.intended_at FROM pair_delivery d JOIN certificate_pair p ON p.pair_id = d.pair_id
         JOIN certificate c ON c.certificate_id = d.recipient_id
         WHERE d.state = 1 AND c.not_after < @Now ORDER BY d.delivery_id {transaction.Dialect.Limit(rows)}
         """,
        new { Now = now });

    /// <returns>What subscribers have said, oldest first.</returns>
    public static Task<IReadOnlyList<byte[]>> ListReceiptsAsync(Transaction transaction, byte[] pairId) => transaction.QueryAsync<byte[]>(
        "SELECT receipt FROM pair_delivery WHERE pair_id = @PairId AND receipt IS NOT NULL ORDER BY delivery_id", new { PairId = pairId });

    /// <summary>The subscriber has said what became of it: the envelope goes.</summary>
    /// <returns>False: he has said so before.</returns>
    public static async Task<bool> EndDeliveryAsync(Transaction transaction, DeliveryRow delivery, DeliveryState state, byte[] receipt, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE pair_delivery SET state = @State, reply = NULL, receipt = @Receipt, changed_at = @Now WHERE delivery_id = @DeliveryId AND state = 1",
        new { State = (short)state, Receipt = receipt, Now = now, delivery.DeliveryId }) == 1;
}
