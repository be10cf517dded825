using ZwCa.Asn1.Pkix;
using ZwCa.Data;

namespace ZwCa.Ca.Certificates;

/// <summary>The rows of certificates, inside one unit of work. Rows affected decide every race.</summary>
internal static class CertificateStore
{
    /// <summary>By no more than that. An order of a later time no node has written, and it must not stop all issuing.</summary>
    public static readonly TimeSpan ClocksDiffer = TimeSpan.FromMinutes(1);

    /// <returns>Null: no such row.</returns>
    public static Task<CertificateRow?> FindAsync(Transaction transaction, byte[] id) =>
        transaction.FindAsync<CertificateRow>($"SELECT {CertificateRow.Columns} FROM certificate WHERE certificate_id = @Id", new { Id = id });

    /// <returns>Null: the CA never reserved the serial number.</returns>
    public static Task<CertificateRow?> FindAsync(Transaction transaction, short authority, string serial) => transaction.FindAsync<CertificateRow>(
        $"SELECT {CertificateRow.Columns} FROM certificate WHERE authority_id = @Authority AND serial = @Serial", new { Authority = authority, Serial = serial });

    /// <returns>False: the CA has the serial number already. By chance that does not happen.</returns>
    public static Task<bool> ReserveAsync(Transaction transaction, CertificateRow row) => transaction.TryInsertAsync(
        """
        INSERT INTO certificate (certificate_id, authority_id, serial, state, state_version, owner, region, ra_name, profile_hash, shard, reserved_at, changed_at)
        VALUES (@CertificateId, @AuthorityId, @Serial, 0, 1, @Owner, @Region, @RaName, @ProfileHash, @Shard, @ReservedAt, @ReservedAt)
        """,
        row);

    /// <returns>False: the reservation was closed meanwhile, or a bulk change was ordered since, which would not find what comes of it.</returns>
    public static async Task<bool> IntendAsync(
        Transaction transaction, byte[] id, ReadOnlyMemory<byte> tbs, byte[] subjectHash, byte[] keyHash, Validity validity, byte[]? replaces, DateTimeOffset now) =>
        await transaction.ExecuteAsync(
            """
            UPDATE certificate SET state = 1, state_version = state_version + 1, tbs = @Tbs, subject_hash = @SubjectHash, key_hash = @KeyHash,
                not_before = @NotBefore, not_after = @NotAfter, replaces = @Replaces, changed_at = @Now
            WHERE certificate_id = @Id AND state = 0 AND NOT EXISTS (
                SELECT 1 FROM bulk_change b WHERE b.ordered_at > certificate.reserved_at AND b.ordered_at < @Ahead)
            """,
            new
            {
                Id = id,
                Tbs = tbs.ToArray(),
                SubjectHash = subjectHash,
                KeyHash = keyHash,
                NotBefore = validity.NotBefore.Value,
                NotAfter = validity.NotAfter.Value,
                Replaces = replaces,
                Now = now,
                Ahead = now + ClocksDiffer,
            }) == 1;

    /// <returns>False: another has stored a signature, or it was given up.</returns>
    public static async Task<bool> StoreAsync(Transaction transaction, byte[] id, ReadOnlyMemory<byte> signature, DateTimeOffset now) =>
        await transaction.ExecuteAsync(
            "UPDATE certificate SET state = 2, state_version = state_version + 1, signature = @Signature, changed_at = @Now WHERE certificate_id = @Id AND state = 1",
            new { Id = id, Signature = signature.ToArray(), Now = now }) == 1;

    /// <returns>False: it has an intention, or is closed already.</returns>
    public static async Task<bool> CloseUnusedAsync(Transaction transaction, byte[] id, DateTimeOffset now) =>
        await transaction.ExecuteAsync(
            "UPDATE certificate SET state = 5, state_version = state_version + 1, changed_at = @Now WHERE certificate_id = @Id AND state = 0", new { Id = id, Now = now }) == 1;

    /// <summary>Whatever its intention may have led to is revoked.</summary>
    /// <returns>False: a signature was stored meanwhile, or it was given up before.</returns>
    public static async Task<bool> AbandonAsync(Transaction transaction, CertificateRow row, DateTimeOffset now)
    {
        bool abandoned = await transaction.ExecuteAsync(
            "UPDATE certificate SET state = 3, state_version = state_version + 1, changed_at = @Now WHERE certificate_id = @Id AND state = 1",
            new { Id = row.CertificateId, Now = now }) == 1;
        return abandoned && (await InsertRevocationAsync(transaction, row, RevocationReason.CessationOfOperation, now)
            ? true
            : throw new InvalidOperationException($"{row} has a revocation before it was issued."));
    }

    /// <returns>False: it is on its CRL already.</returns>
    public static Task<bool> InsertRevocationAsync(
        Transaction transaction, CertificateRow row, RevocationReason reason, DateTimeOffset now, DateTimeOffset? invalidFrom = null, string? raName = null) =>
        transaction.TryInsertAsync(
            """
            INSERT INTO revocation (authority_id, shard, serial, reason, revoked_at, invalid_from, not_after, ra_name)
            VALUES (@AuthorityId, @Shard, @Serial, @Reason, @Now, @InvalidFrom, @NotAfter, @RaName)
            """,
            new { row.AuthorityId, row.Shard, row.Serial, Reason = (short)reason, Now = now, InvalidFrom = invalidFrom, row.NotAfter, RaName = raName });

    /// <returns>Null: it is on no CRL.</returns>
    public static Task<RevocationRow?> FindRevocationAsync(Transaction transaction, CertificateRow row) => transaction.FindAsync<RevocationRow>(
        "SELECT reason, revoked_at, invalid_from, not_after, ra_name FROM revocation WHERE authority_id = @AuthorityId AND shard = @Shard AND serial = @Serial", row);

    /// <summary>Keeps a valid certificate from changing before the transaction ends.</summary>
    /// <returns>False: it is not valid, or has expired.</returns>
    public static async Task<bool> HoldValidAsync(Transaction transaction, byte[] id, DateTimeOffset now) =>
        await transaction.ExecuteAsync(
            "UPDATE certificate SET state_version = state_version WHERE certificate_id = @Id AND state = 2 AND not_after >= @Now", new { Id = id, Now = now }) == 1;

    /// <summary>Whether a certificate that may be in use renews or re-keys it; over the owner's index, for both are of one owner.</summary>
    public static async Task<bool> IsFollowedAsync(Transaction transaction, CertificateRow row) =>
        await transaction.GetAsync<long>(
            "SELECT COUNT(*) FROM certificate WHERE owner = @Owner AND replaces = @CertificateId AND state IN (1, 2, 4)", row) > 0;

    /// <summary>Whether a certificate of the key was revoked for keyCompromise, over the owner's index, for a key is one owner's; or officers have ordered that all of them are.</summary>
    public static async Task<bool> IsCompromisedAsync(Transaction transaction, string owner, byte[] keyHash) =>
        await transaction.GetAsync<long>(
            """
            SELECT COUNT(*) FROM certificate c JOIN revocation r ON r.authority_id = c.authority_id AND r.shard = c.shard AND r.serial = c.serial
            WHERE c.owner = @Owner AND c.key_hash = @KeyHash AND c.state = 3 AND r.reason = 1
            """,
            new { Owner = owner, KeyHash = keyHash }) > 0
        || await transaction.GetAsync<long>("SELECT COUNT(*) FROM compromised_key WHERE key_hash = @KeyHash", new { KeyHash = keyHash }) > 0;

    /// <summary>Moves a certificate from one state to another; the caller has read it as it is.</summary>
    /// <returns>False: it was changed meanwhile.</returns>
    public static async Task<bool> MoveAsync(Transaction transaction, CertificateRow row, CertificateState to, DateTimeOffset now) =>
        await transaction.ExecuteAsync(
            """
            UPDATE certificate SET state = @To, state_version = state_version + 1, changed_at = @Now
            WHERE certificate_id = @Id AND state = @From AND state_version = @Version
            """,
            new { Id = row.CertificateId, From = (short)row.State, Version = row.StateVersion, To = (short)to, Now = now }) == 1;

    /// <summary>Makes an owner the one of a subject, a key: for ever.</summary>
    /// <param name="table">subject_owner or key_owner; the column is named like it.</param>
    /// <returns>False: it is another's.</returns>
    public static async Task<bool> OwnAsync(Transaction transaction, string table, string column, byte[] hash, string owner) =>
        await transaction.TryInsertAsync($"INSERT INTO {table} ({column}, owner) VALUES (@Hash, @Owner)", new { Hash = hash, Owner = owner })
        || await transaction.GetAsync<string>($"SELECT owner FROM {table} WHERE {column} = @Hash", new { Hash = hash }) == owner;
}

/// <summary>A row of what CRLs are made from.</summary>
internal sealed record RevocationRow
{
    public required RevocationReason Reason { get; init; }

    public required DateTimeOffset RevokedAt { get; init; }

    public DateTimeOffset? InvalidFrom { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Whose officers decided. Null: the CA's.</summary>
    public string? RaName { get; init; }
}
