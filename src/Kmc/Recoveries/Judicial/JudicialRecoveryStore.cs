using System.Text;
using ZwCa.Asn1.Custody;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;

namespace ZwCa.Kmc.Recoveries;

/// <summary>Of a judicial recovery; in the database, never changes its meaning.</summary>
internal enum JudicialState : short
{
    Ordered = 1,
    Delivered = 2,
    Refused = 3,

    /// <summary>The case has ended: of the envelope the hash stays.</summary>
    Erased = 4,
}

/// <summary>A row of the table <c>judicial_recovery</c>.</summary>
internal sealed record JudicialRow
{
    public const string Columns = "recovery_id, state, slot, key_id, recipient, not_after, envelope, envelope_hash, detail, ordered_at, ended_at";

    /// <summary>Of the command, 16 bytes.</summary>
    public required byte[] RecoveryId { get; init; }

    public required JudicialState State { get; init; }

    /// <summary>32 bytes: what of a case and a key there is only one.</summary>
    public required byte[] Slot { get; init; }

    public required byte[] KeyId { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo.</summary>
    public required byte[] Recipient { get; init; }

    /// <summary>Of the case.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>DER of SM2EnvelopedKey.</summary>
    public byte[]? Envelope { get; init; }

    public byte[]? EnvelopeHash { get; init; }

    public string? Detail { get; init; }

    public required DateTimeOffset OrderedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>The rows of judicial recoveries, inside one unit of work.</summary>
internal static class JudicialRecoveryStore
{
    /// <returns>SM3 over the key's id and the case's number.</returns>
    public static byte[] SlotOf(RecoveryCase recoveryCase) => Sm3.HashData([.. recoveryCase.KeyId.Span, .. Encoding.UTF8.GetBytes(recoveryCase.CaseNumber)]);

    /// <returns>False: the case has a recovery of the key.</returns>
    public static Task<bool> TryAddAsync(Transaction transaction, JudicialRow row) => transaction.TryInsertAsync(
        """
        INSERT INTO judicial_recovery (recovery_id, state, slot, key_id, recipient, not_after, ordered_at)
        VALUES (@RecoveryId, 1, @Slot, @KeyId, @Recipient, @NotAfter, @OrderedAt)
        """,
        row);

    public static Task<JudicialRow?> FindAsync(Transaction transaction, byte[] id) =>
        transaction.FindAsync<JudicialRow>($"SELECT {JudicialRow.Columns} FROM judicial_recovery WHERE recovery_id = @Id", new { Id = id });

    /// <returns>The id of the one that the case has; null: none.</returns>
    public static Task<byte[]?> FindBySlotAsync(Transaction transaction, byte[] slot) =>
        transaction.FindAsync<byte[]>("SELECT recovery_id FROM judicial_recovery WHERE slot = @Slot", new { Slot = slot });

    /// <returns>Null: the CA is not served, or never had such a key.</returns>
    /// <param name="serial">Of the encryption certificate, lower-case hexadecimal.</param>
    /// <exception cref="TamperedRowException">The key's row was changed, or is another certificate's.</exception>
    public static async Task<EscrowedKey?> FindKeyAsync(Transaction transaction, RowMac mac, string caName, string serial) =>
        await transaction.FindAsync<short?>("SELECT ca_id FROM served_ca WHERE name = @Name", new { Name = caName }) is { } ca
            ? await EscrowedKeyStore.FindAsync(transaction, mac, ca, serial)
            : null;

    /// <returns>Ids of those that have been waiting since then.</returns>
    public static Task<IReadOnlyList<byte[]>> ListOrderedAsync(Transaction transaction, DateTimeOffset before, int rows) => transaction.QueryAsync<byte[]>(
        $"SELECT recovery_id FROM judicial_recovery WHERE state = 1 AND ordered_at <= @Before ORDER BY recovery_id {transaction.Dialect.Limit(rows)}", new { Before = before });

    /// <returns>Those whose case has ended.</returns>
    public static Task<IReadOnlyList<JudicialRow>> ListEndedAsync(Transaction transaction, DateTimeOffset now, int rows) => transaction.QueryAsync<JudicialRow>(
        $"SELECT {JudicialRow.Columns} FROM judicial_recovery WHERE state = 2 AND not_after < @Now ORDER BY not_after, recovery_id {transaction.Dialect.Limit(rows)}", new { Now = now });

    /// <returns>False: it has ended.</returns>
    public static async Task<bool> DeliverAsync(Transaction transaction, byte[] id, byte[] envelope, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE judicial_recovery SET state = 2, envelope = @Envelope, envelope_hash = @Hash, ended_at = @Now WHERE recovery_id = @Id AND state = 1",
        new { Id = id, Envelope = envelope, Hash = Sm3.HashData(envelope), Now = now }) == 1;

    /// <summary>The case may be ordered again.</summary>
    /// <returns>False: it has ended.</returns>
    public static async Task<bool> RefuseAsync(Transaction transaction, JudicialRow row, string detail, DateTimeOffset now) => await transaction.ExecuteAsync(
        "UPDATE judicial_recovery SET state = 3, slot = @Free, detail = @Detail, ended_at = @Now WHERE recovery_id = @RecoveryId AND state = 1",
        new { row.RecoveryId, Free = FreeSlotOf(row), Detail = detail, Now = now }) == 1;

    /// <inheritdoc cref="RefuseAsync"/>
    /// <returns>False: it was erased.</returns>
    public static async Task<bool> EraseAsync(Transaction transaction, JudicialRow row) => await transaction.ExecuteAsync(
        "UPDATE judicial_recovery SET state = 4, slot = @Free, envelope = NULL WHERE recovery_id = @RecoveryId AND state = 2",
        new { row.RecoveryId, Free = FreeSlotOf(row) }) == 1;

    /// <summary>Nobody else's: a unique column with nulls means different things to different databases.</summary>
    private static byte[] FreeSlotOf(JudicialRow row) => Sm3.HashData([.. row.Slot, .. row.RecoveryId]);
}
