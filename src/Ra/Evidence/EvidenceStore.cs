using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;

namespace ZwCa.Ra.Evidence;

/// <summary>Files by the SM3 of their bytes, in sealed parts, and which enrollment has which. Safe for concurrent use.</summary>
internal sealed class EvidenceStore(Database database, PersonRegistry persons)
{
    public const int PartLength = 1 << 20;

    /// <summary>Of an enrollment.</summary>
    public const int MostPieces = 32;

    /// <summary>Of a hash: what the parts are sealed to.</summary>
    private const int RecordLength = 16;

    /// <returns>In their order: it is the order of the hashes in what officers sign.</returns>
    public static Task<IReadOnlyList<EvidenceRow>> ListAsync(Transaction transaction, byte[] enrollmentId) => transaction.QueryAsync<EvidenceRow>(
        """
        SELECT p.position, p.evidence_hash, p.title, e.media_type, e.length FROM enrollment_evidence p JOIN evidence e ON e.evidence_hash = p.evidence_hash
        WHERE p.enrollment_id = @EnrollmentId ORDER BY p.position
        """,
        new { EnrollmentId = enrollmentId });

    /// <returns>Null: the enrollment has none with that hash.</returns>
    public static Task<EvidenceRow?> FindAsync(Transaction transaction, byte[] enrollmentId, byte[] hash) => transaction.FindAsync<EvidenceRow>(
        """
        SELECT p.position, p.evidence_hash, p.title, e.media_type, e.length FROM enrollment_evidence p JOIN evidence e ON e.evidence_hash = p.evidence_hash
        WHERE p.enrollment_id = @EnrollmentId AND p.evidence_hash = @Hash
        """,
        new { EnrollmentId = enrollmentId, Hash = hash });

    /// <summary>The enrollment, where the officer sees it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public static async Task<Enrollment> GetEnrollmentAsync(Transaction transaction, Officer officer, byte[] enrollmentId) =>
        officer.RequireVisible(await EnrollmentStore.FindAsync(transaction, enrollmentId));

    /// <summary>Moves an enrollment on by one version: from here to the end of the transaction nobody else changes it.</summary>
    /// <param name="reason">What its history says.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it is submitted.</exception>
    public static async Task<Enrollment> ChangeEnrollmentAsync(Transaction transaction, Officer officer, byte[] enrollmentId, string reason, DateTimeOffset now)
    {
        // 0 draft, 3 returned.
        int changed = await transaction.ExecuteAsync(
            "UPDATE enrollment SET version = version + 1, changed_at = @Now WHERE enrollment_id = @Id AND state IN (0, 3)", new { Id = enrollmentId, Now = now });
        Enrollment enrollment = await GetEnrollmentAsync(transaction, officer, enrollmentId);
        if (changed != 1)
        {
            throw NotChangeable();
        }

        await transaction.ExecuteAsync(
            "INSERT INTO enrollment_step (enrollment_id, version, state, actor, reason, taken_at) VALUES (@Id, @Version, @State, @Actor, @Reason, @Now)",
            new { Id = enrollmentId, enrollment.Version, enrollment.State, Actor = officer.SerialNumber.ToString(), Reason = reason, Now = now });
        return enrollment;
    }

    public static RefusalException NotChangeable() => new(Refusal.WrongState, "只有草稿或被退回的申请可以增删证明材料。");

    public static RefusalException NotFound() => new(Refusal.NotFound, "该申请没有这份证明材料。");

    public static AuditObject ObjectOf(byte[] enrollmentId) => new("enrollment", Convert.ToHexStringLower(enrollmentId));

    public static EvidenceAnswer Show(EvidenceRow row) =>
        new() { Hash = Convert.ToHexStringLower(row.EvidenceHash), Title = row.Title, MediaType = row.MediaType, Length = row.Length };

    /// <returns>One key for all parts.</returns>
    public (byte[] KeyId, byte[][] Parts) Seal(byte[] hash, ReadOnlyMemory<byte> file)
    {
        var parts = new (string, byte[])[(file.Length + PartLength - 1) / PartLength];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = (FieldOf(i), file.Slice(i * PartLength, Math.Min(PartLength, file.Length - (i * PartLength))).ToArray());
        }

        return persons.Seal(hash.AsSpan(0, RecordLength), parts);
    }

    /// <summary>Stores the file unless it is there.</summary>
    public static async Task InsertAsync(Transaction transaction, byte[] hash, string mediaType, int length, byte[] keyId, byte[][] parts, DateTimeOffset now)
    {
        bool isNew = await transaction.TryInsertAsync(
            "INSERT INTO evidence (evidence_hash, media_type, length, data_key_id, is_kept, stored_at) VALUES (@Hash, @MediaType, @Length, @KeyId, 0, @Now)",
            new { Hash = hash, MediaType = mediaType, Length = (long)length, KeyId = keyId, Now = now });
        for (int i = 0; isNew && i < parts.Length; i++)
        {
            await transaction.ExecuteAsync(
                "INSERT INTO evidence_part (evidence_hash, number, bytes_sealed) VALUES (@Hash, @Number, @Bytes)", new { Hash = hash, Number = (short)i, Bytes = parts[i] });
        }
    }

    /// <summary>Puts it behind the others, or into a gap.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.TooLarge"/>: there are enough; <see cref="Refusal.Duplicate"/>: it is one of them.</exception>
    public static async Task AttachAsync(Transaction transaction, byte[] enrollmentId, byte[] hash, string title, DateTimeOffset now)
    {
        IReadOnlyList<short> taken = await transaction.QueryAsync<short>("SELECT position FROM enrollment_evidence WHERE enrollment_id = @Id", new { Id = enrollmentId });
        if (taken.Count >= MostPieces)
        {
            throw new RefusalException(Refusal.TooLarge, $"每份申请的证明材料不得超过{MostPieces}件。");
        }

        int last = taken.Count == 0 ? 0 : taken.Max();
        short position = (short)(last < MostPieces ? last + 1 : Enumerable.Range(1, MostPieces).First(each => !taken.Contains((short)each)));
        bool attached = await transaction.TryInsertAsync(
            "INSERT INTO enrollment_evidence (enrollment_id, position, evidence_hash, title, added_at) VALUES (@Id, @Position, @Hash, @Title, @Now)",
            new { Id = enrollmentId, Position = position, Hash = hash, Title = title, Now = now });
        if (!attached)
        {
            throw new RefusalException(Refusal.Duplicate, "该申请已有这份证明材料。");
        }
    }

    /// <summary>Takes it from the enrollment; what nobody has signed for and no other enrollment has, goes.</summary>
    /// <param name="wasSubmitted">An officer has signed the enrollment with its evidence, whatever became of it then: the file stays.</param>
    /// <returns>False: the enrollment has none with that hash.</returns>
    public static async Task<bool> DetachAsync(Transaction transaction, byte[] enrollmentId, byte[] hash, bool wasSubmitted)
    {
        if (await transaction.ExecuteAsync("DELETE FROM enrollment_evidence WHERE enrollment_id = @Id AND evidence_hash = @Hash", new { Id = enrollmentId, Hash = hash }) == 0)
        {
            return false;
        }

        if (wasSubmitted)
        {
            await transaction.ExecuteAsync("UPDATE evidence SET is_kept = 1 WHERE evidence_hash = @Hash", new { Hash = hash });
            return true;
        }

        // Where another attaches it meanwhile, the foreign key stops one of the two, who tries again.
        bool isNeeded = await transaction.GetAsync<long>(
            """
            SELECT (SELECT COUNT(*) FROM enrollment_evidence WHERE evidence_hash = @Hash) + (SELECT COUNT(*) FROM evidence WHERE evidence_hash = @Hash AND is_kept = 1)
            """,
            new { Hash = hash }) > 0;
        if (!isNeeded)
        {
            await transaction.ExecuteAsync("DELETE FROM evidence_part WHERE evidence_hash = @Hash", new { Hash = hash });
            await transaction.ExecuteAsync("DELETE FROM evidence WHERE evidence_hash = @Hash", new { Hash = hash });
        }

        return true;
    }

    /// <summary>The file of an enrollment that the officer sees.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    /// <exception cref="PersonKeysException">A part has been changed outside this program.</exception>
    public async Task<(EvidenceRow Row, byte[] File)> ReadAsync(Officer officer, byte[] enrollmentId, byte[] hash, CancellationToken cancellationToken)
    {
        (EvidenceRow row, byte[] keyId, IReadOnlyList<byte[]> parts) = await database.ReadAsync(
            async transaction =>
            {
                await GetEnrollmentAsync(transaction, officer, enrollmentId);
                return (
                    await FindAsync(transaction, enrollmentId, hash) ?? throw NotFound(),
                    await transaction.GetAsync<byte[]>("SELECT data_key_id FROM evidence WHERE evidence_hash = @Hash", new { Hash = hash }),
                    await transaction.QueryAsync<byte[]>("SELECT bytes_sealed FROM evidence_part WHERE evidence_hash = @Hash ORDER BY number", new { Hash = hash }));
            },
            cancellationToken);
        using var file = new MemoryStream((int)row.Length);
        for (int i = 0; i < parts.Count; i++)
        {
            byte[] part = await persons.OpenAsync(keyId, hash.AsMemory(0, RecordLength), FieldOf(i), parts[i], cancellationToken);
            file.Write(part);
            CryptographicOperations.ZeroMemory(part);
        }

        byte[] bytes = file.ToArray();
        return Sm3.HashData(bytes).AsSpan().SequenceEqual(hash) ? (row, bytes) : throw new PersonKeysException("A file of evidence is not what its hash says: a part was taken out or put in.");
    }

    private static string FieldOf(int part) => string.Create(CultureInfo.InvariantCulture, $"part{part}");
}

/// <summary>A piece of evidence of an enrollment.</summary>
internal sealed record EvidenceRow
{
    public required short Position { get; init; }

    /// <summary>SM3, 32 bytes.</summary>
    public required byte[] EvidenceHash { get; init; }

    public required string Title { get; init; }

    public required string MediaType { get; init; }

    public required long Length { get; init; }
}
