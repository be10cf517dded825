using ZwCa.Data;

namespace ZwCa.Kmc.Recoveries;

/// <summary>Of an application for recovery; in the database, never changes its meaning.</summary>
internal enum KeyRecoveryState : short
{
    Intended = 1,
    Delivered = 2,
}

/// <summary>An application that was brought here: a row of the table <c>key_recovery</c>.</summary>
internal sealed record KeyRecoveryRow
{
    public const string Columns =
        "ca_id, ra_name, enrollment_id, application_digest, key_id, recipient, task_no, state, application, entry_approval, review_approval, entry_person, review_person, approved_until, intended_at, delivered_at";

    public required short CaId { get; init; }

    public required string RaName { get; init; }

    public required string EnrollmentId { get; init; }

    /// <summary>32 bytes.</summary>
    public required byte[] ApplicationDigest { get; init; }

    public required byte[] KeyId { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo.</summary>
    public required byte[] Recipient { get; init; }

    public required string TaskNo { get; init; }

    public required KeyRecoveryState State { get; init; }

    /// <summary>DER.</summary>
    public required byte[] Application { get; init; }

    /// <summary>DER of Approval.</summary>
    public required byte[] EntryApproval { get; init; }

    /// <summary>DER of Approval.</summary>
    public required byte[] ReviewApproval { get; init; }

    /// <summary>16 bytes.</summary>
    public required byte[] EntryPerson { get; init; }

    /// <summary>16 bytes.</summary>
    public required byte[] ReviewPerson { get; init; }

    /// <summary>30 days after the earlier approval.</summary>
    public required DateTimeOffset ApprovedUntil { get; init; }

    public required DateTimeOffset IntendedAt { get; init; }

    public DateTimeOffset? DeliveredAt { get; init; }
}

/// <summary>The rows of recoveries, inside one unit of work.</summary>
internal static class KeyRecoveryStore
{
    /// <returns>False: the RA's enrollment has been here.</returns>
    public static Task<bool> TryAddAsync(Transaction transaction, KeyRecoveryRow row) => transaction.TryInsertAsync(
        """
        INSERT INTO key_recovery (ca_id, ra_name, enrollment_id, application_digest, key_id, recipient, task_no, state, application, entry_approval, review_approval,
            entry_person, review_person, approved_until, intended_at)
        VALUES (@CaId, @RaName, @EnrollmentId, @ApplicationDigest, @KeyId, @Recipient, @TaskNo, 1, @Application, @EntryApproval, @ReviewApproval,
            @EntryPerson, @ReviewPerson, @ApprovedUntil, @IntendedAt)
        """,
        row);

    public static Task<KeyRecoveryRow?> FindAsync(Transaction transaction, short ca, string raName, string enrollmentId) => transaction.FindAsync<KeyRecoveryRow>(
        $"SELECT {KeyRecoveryRow.Columns} FROM key_recovery WHERE ca_id = @Ca AND ra_name = @RaName AND enrollment_id = @EnrollmentId",
        new { Ca = ca, RaName = raName, EnrollmentId = enrollmentId });

    /// <returns>The one by which the key has last come to the recipient; null: by none.</returns>
    public static Task<KeyRecoveryRow?> FindDeliveredAsync(Transaction transaction, byte[] keyId, byte[] recipient) => transaction.FindAsync<KeyRecoveryRow>(
        $"""
         SELECT {KeyRecoveryRow.Columns} FROM key_recovery WHERE key_id = @KeyId AND recipient = @Recipient AND state = 2
         ORDER BY approved_until DESC, enrollment_id, ra_name {transaction.Dialect.Limit(1)}
         """,
        new { KeyId = keyId, Recipient = recipient });

    /// <summary>The same application by another message, or with newer approvals; nobody has had the key by it.</summary>
    /// <returns>False: it is another application, or it is delivered.</returns>
    public static async Task<bool> TakeOverAsync(Transaction transaction, KeyRecoveryRow row) => await transaction.ExecuteAsync(
        """
        UPDATE key_recovery SET task_no = @TaskNo, entry_approval = @EntryApproval, review_approval = @ReviewApproval, entry_person = @EntryPerson, review_person = @ReviewPerson,
            approved_until = @ApprovedUntil, intended_at = @IntendedAt
        WHERE ca_id = @CaId AND ra_name = @RaName AND enrollment_id = @EnrollmentId AND application_digest = @ApplicationDigest AND state = 1
        """,
        row) == 1;

    /// <returns>False: it is delivered, or another message has taken it over.</returns>
    public static async Task<bool> DeliverAsync(Transaction transaction, KeyRecoveryRow row, DateTimeOffset now) => await transaction.ExecuteAsync(
        """
        UPDATE key_recovery SET state = 2, delivered_at = @Now
        WHERE ca_id = @CaId AND ra_name = @RaName AND enrollment_id = @EnrollmentId AND application_digest = @ApplicationDigest AND task_no = @TaskNo AND state = 1
        """,
        new { row.CaId, row.RaName, row.EnrollmentId, row.ApplicationDigest, row.TaskNo, Now = now }) == 1;
}
