using ZwCa.Data;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>The rows of key pairs, inside one unit of work.</summary>
internal static class EscrowedKeyStore
{
    private static readonly string[] StockColumns =
    [
        "key_id", "state", "state_version", "algorithm", "public_key", "wrapped_key", "made_at", "mac",
    ];

    public static Task InsertStockAsync(Transaction transaction, IReadOnlyList<EscrowedKey> rows) => transaction.BulkInsertAsync(
        "escrowed_key",
        StockColumns,
        [.. rows.Select(row => (object?[])[row.KeyId, row.State, row.StateVersion, row.Algorithm, row.PublicKey, row.WrappedKey, row.MadeAt, row.Mac])]);

    /// <summary>Throws away all that is nobody's.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<long> DiscardStockAsync(Transaction transaction) => await transaction.ExecuteAsync("DELETE FROM escrowed_key WHERE state = 1");

    public static async Task<long> CountAsync(Transaction transaction, KeyState state) =>
        await transaction.GetAsync<long>("SELECT COUNT(*) FROM escrowed_key WHERE state = @State", new { State = (short)state });

    /// <returns>Of the stock, after that one; fewer than asked for where there are no more.</returns>
    /// <param name="after">No bytes: from the first on.</param>
    public static Task<IReadOnlyList<EscrowedKey>> ListStockAsync(Transaction transaction, byte[] after, int rows) => transaction.QueryAsync<EscrowedKey>(
        $"SELECT {EscrowedKey.Columns} FROM escrowed_key WHERE state = 1 AND key_id > @After ORDER BY key_id {transaction.Dialect.Limit(rows)}", new { After = after });

    /// <returns>Of all, after that one.</returns>
    /// <param name="after">No bytes: from the first on.</param>
    public static Task<IReadOnlyList<EscrowedKey>> ListAsync(Transaction transaction, byte[] after, int rows) => transaction.QueryAsync<EscrowedKey>(
        $"SELECT {EscrowedKey.Columns} FROM escrowed_key WHERE key_id > @After ORDER BY key_id {transaction.Dialect.Limit(rows)}", new { After = after });

    /// <returns>Of those that are, or were, in use for that CA, after that one.</returns>
    /// <param name="after">No bytes: from the first on.</param>
    public static Task<IReadOnlyList<EscrowedKey>> ListOfCaAsync(Transaction transaction, short ca, byte[] after, int rows) => transaction.QueryAsync<EscrowedKey>(
        $"SELECT {EscrowedKey.Columns} FROM escrowed_key WHERE ca_id = @Ca AND key_id > @After ORDER BY key_id {transaction.Dialect.Limit(rows)}", new { Ca = ca, After = after });

    /// <returns>Of those in use whose time was over then, after that one: in the order of their ends, as the index has them.</returns>
    /// <param name="after">Null: from the first on.</param>
    public static Task<IReadOnlyList<EscrowedKey>> ListExpiredAsync(Transaction transaction, DateTimeOffset now, EscrowedKey? after, int rows) => transaction.QueryAsync<EscrowedKey>(
        $"""
         SELECT {EscrowedKey.Columns} FROM escrowed_key
         WHERE state = 2 AND valid_until < @Now AND valid_until >= @End AND (valid_until > @End OR key_id > @After)
         ORDER BY valid_until, key_id {transaction.Dialect.Limit(rows)}
         """,
        new { Now = now, End = after?.ValidUntil ?? DateTimeOffset.MinValue, After = after?.KeyId ?? [] });

    public static Task<EscrowedKey?> FindAsync(Transaction transaction, byte[] keyId) =>
        transaction.FindAsync<EscrowedKey>($"SELECT {EscrowedKey.Columns} FROM escrowed_key WHERE key_id = @KeyId", new { KeyId = keyId });

    /// <returns>Null: no key was ever bound to it.</returns>
    /// <exception cref="TamperedRowException">As <see cref="RowMac.Open(EscrowedKey, short, string)"/> has it.</exception>
    public static async Task<EscrowedKey?> FindAsync(Transaction transaction, RowMac mac, short ca, string serial) => await transaction.FindAsync<EscrowedKey>(
        $"SELECT {EscrowedKey.Columns} FROM escrowed_key WHERE key_id = (SELECT key_id FROM key_binding WHERE ca_id = @Ca AND serial = @Serial)",
        new { Ca = ca, Serial = serial }) is { } row ? mac.Open(row, ca, serial) : null;

    /// <summary>Whether that request of that message has asked for it.</summary>
    public static async Task<bool> IsOfTaskAsync(Transaction transaction, EscrowedKey row, string taskNo, short requestIndex) => await transaction.GetAsync<long>(
        "SELECT COUNT(*) FROM key_binding WHERE key_id = @KeyId AND task_no = @TaskNo AND request_index = @RequestIndex", new { row.KeyId, TaskNo = taskNo, RequestIndex = requestIndex }) == 1;

    /// <summary>Takes a key out of the stock, for ever.</summary>
    /// <param name="row">As it will be, of a version one above that which was read.</param>
    /// <returns>False: another has it; nothing was changed.</returns>
    public static async Task<bool> TakeAsync(Transaction transaction, EscrowedKey row) => await transaction.ExecuteAsync(
        """
        UPDATE escrowed_key SET state = 2, state_version = @StateVersion, ca_id = @CaId, serial = @Serial, recipient = @Recipient, valid_from = @ValidFrom, valid_until = @ValidUntil,
            user_name = @UserName, region = @Region, bound_at = @BoundAt, mac = @Mac
        WHERE key_id = @KeyId AND state = 1 AND state_version = @StateVersion - 1
        """,
        row) == 1;

    /// <returns>False: the serial number has a key.</returns>
    public static Task<bool> BindAsync(Transaction transaction, EscrowedKey row, string taskNo, short requestIndex) => transaction.TryInsertAsync(
        "INSERT INTO key_binding (ca_id, serial, key_id, task_no, request_index) VALUES (@CaId, @Serial, @KeyId, @TaskNo, @RequestIndex)",
        new { row.CaId, row.Serial, row.KeyId, TaskNo = taskNo, RequestIndex = requestIndex });

    /// <summary>The device has wrapped it anew, or it is for another recipient now.</summary>
    /// <param name="row">As <see cref="TakeAsync"/>.</param>
    /// <returns>False: it was moved meanwhile.</returns>
    public static async Task<bool> RewrapAsync(Transaction transaction, EscrowedKey row) => await transaction.ExecuteAsync(
        """
        UPDATE escrowed_key SET state_version = @StateVersion, wrapped_key = @WrappedKey, recipient = @Recipient, mac = @Mac
        WHERE key_id = @KeyId AND state_version = @StateVersion - 1
        """,
        row) == 1;

    /// <summary>Keeps others from moving it until the transaction ends.</summary>
    /// <param name="row">As it was read.</param>
    /// <returns>False: it was moved meanwhile.</returns>
    public static async Task<bool> HoldAsync(Transaction transaction, EscrowedKey row) =>
        await transaction.ExecuteAsync("UPDATE escrowed_key SET state_version = @StateVersion WHERE key_id = @KeyId AND state_version = @StateVersion", row) == 1;

    /// <summary>Into history.</summary>
    /// <param name="row">As <see cref="TakeAsync"/>.</param>
    /// <returns>False: it was moved meanwhile.</returns>
    public static async Task<bool> EndAsync(Transaction transaction, EscrowedKey row) => await transaction.ExecuteAsync(
        """
        UPDATE escrowed_key SET state = 3, state_version = @StateVersion, end_reason = @EndReason, ended_at = @EndedAt, mac = @Mac
        WHERE key_id = @KeyId AND state = 2 AND state_version = @StateVersion - 1
        """,
        row) == 1;
}
