using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Ra.Enrollments;

/// <summary>A move of an enrollment from one state to another, or within one.</summary>
/// <param name="Action">Of the event: <c>enrollment.review</c>.</param>
internal sealed record EnrollmentMove(AuditActor Actor, string Action, EnrollmentState To)
{
    /// <summary>For its clerk. Null: none.</summary>
    public string? Reason { get; init; }

    /// <summary>Until when the next step should be done. Null: none is due.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>Whether it is a new submission.</summary>
    public bool BeginsRound { get; init; }

    /// <summary>Facts for the log, without personal data.</summary>
    public IReadOnlyList<AuditField> Fields { get; init; } = [];
}

/// <summary>The rows of enrollments, inside one unit of work. Every change of one is a conditional update, with its step and its event.</summary>
internal sealed class EnrollmentStore(AuditLog log, TimeProvider time)
{
    /// <summary>Another's key.</summary>
    public const string KeyOfAnother = "该证书请求中的公钥已属于另一主体，请用令牌重新生成密钥。";

    /// <summary>Another open enrollment has the key.</summary>
    public const string KeyInUse = "该证书请求（CSR）已用于另一笔在办业务，请勿重复提交。";

    private const string Changed = "该业务已被他人处理或已变更，请刷新后再试。";

    public static AuditObject ObjectOf(string id) => new("enrollment", id);

    public static Task<Enrollment?> FindAsync(Transaction transaction, byte[] id) =>
        transaction.FindAsync<Enrollment>($"SELECT {Enrollment.Columns} FROM enrollment WHERE enrollment_id = @Id", new { Id = id });

    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: another's key, or one that another open enrollment has.</exception>
    public async Task InsertAsync(Transaction transaction, Enrollment row, AuditActor actor)
    {
        await OwnKeyAsync(transaction, row);
        bool inserted = await transaction.TryInsertAsync(
            """
            INSERT INTO enrollment (
                enrollment_id, tracking_number, kind, state, version, round, region, city, profile, subscriber_id, applicant_index, agent_index, content_sealed, data_key_id, key_hash,
                certificate_issuer, certificate_serial, is_open, created_by, created_at, changed_at, due_at)
            VALUES (
                @EnrollmentId, @TrackingNumber, @Kind, @State, @Version, @Round, @Region, @City, @Profile, @SubscriberId, @ApplicantIndex, @AgentIndex, @ContentSealed, @DataKeyId, @KeyHash,
                @CertificateIssuer, @CertificateSerial, 1, @CreatedBy, @CreatedAt, @ChangedAt, @DueAt)
            """,
            Columns(row));
        Require(inserted, KeyInUse, Refusal.Duplicate);
        await AddStepAsync(transaction, row, row.Version, TakenIn(row, actor));
    }

    /// <summary>New drafts, of which none can be refused: their keys, where they have any, are their subscribers' own or nobody's, and in no other open enrollment.</summary>
    /// <param name="newKeys">Of them that nobody has had yet.</param>
    /// <param name="events">Of each that it was taken in: <see cref="PrepareEvent"/>.</param>
    public async Task InsertAllAsync(
        Transaction transaction, IReadOnlyList<Enrollment> rows, IEnumerable<(byte[] KeyHash, byte[] SubscriberId)> newKeys, IReadOnlyCollection<PreparedEvent> events, AuditActor actor)
    {
        object?[][] keys = [.. newKeys.Select(each => (object?[])[each.KeyHash, each.SubscriberId])];
        if (keys.Length > 0)
        {
            await transaction.BulkInsertAsync("key_owner", ["key_hash", "subscriber_id"], keys);
        }

        await transaction.BulkInsertAsync(
            "enrollment",
            [
                "enrollment_id", "tracking_number", "kind", "state", "version", "round", "region", "city", "profile", "subscriber_id", "applicant_index", "agent_index", "content_sealed", "data_key_id",
                "key_hash", "certificate_issuer", "certificate_serial", "is_open", "created_by", "created_at", "changed_at", "due_at",
            ],
            [
                .. rows.Select(row => (object?[])
                [
                    row.EnrollmentId, row.TrackingNumber, row.Kind, row.State, row.Version, row.Round, row.Region, CityOf(row), row.Profile, row.SubscriberId, row.ApplicantIndex, row.AgentIndex,
                    row.ContentSealed, row.DataKeyId, row.KeyHash, row.CertificateIssuer, row.CertificateSerial, (short)1, row.CreatedBy, row.CreatedAt, row.ChangedAt, row.DueAt,
                ]),
            ]);
        await transaction.BulkInsertAsync(
            "enrollment_step",
            ["enrollment_id", "version", "state", "actor", "reason", "taken_at"],
            [.. rows.Select(row => (object?[])[row.EnrollmentId, row.Version, row.State, actor.Id, null, time.GetUtcNow()])]);
        await log.AppendAllAsync(transaction, events);
    }

    /// <summary>For <see cref="InsertAllAsync"/>, before its transaction.</summary>
    public PreparedEvent PrepareEvent(Enrollment row, AuditActor actor) => log.Prepare(EventOf(row, row.Version, TakenIn(row, actor)));

    /// <summary>What is applied for is another now.</summary>
    /// <param name="row">With the new columns, and the version that it had.</param>
    /// <param name="action">Of the event.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: somebody was faster; <see cref="Refusal.Duplicate"/> as with <see cref="InsertAsync"/>.</exception>
    public async Task ChangeAsync(Transaction transaction, Enrollment row, AuditActor actor, string action = "enrollment.change")
    {
        await OwnKeyAsync(transaction, row);

        // Of two that come to the same key at once the index lets one through.
        int? changed = await transaction.TryUpdateAsync(
            """
            UPDATE enrollment SET
                version = version + 1, region = @Region, city = @City, profile = @Profile, agent_index = @AgentIndex, content_sealed = @ContentSealed, data_key_id = @DataKeyId, key_hash = @KeyHash,
                certificate_issuer = @CertificateIssuer, certificate_serial = @CertificateSerial, changed_at = @ChangedAt
            WHERE enrollment_id = @EnrollmentId AND version = @Version AND state = @State AND state IN (0, 3)
            """,
            Columns(row));
        Require(changed is not null, KeyInUse, Refusal.Duplicate);
        Require(changed == 1, Changed);
        await AddStepAsync(transaction, row, row.Version + 1, new EnrollmentMove(actor, action, row.State));
    }

    /// <summary>Leaves the state and version that the row has.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it has left them already.</exception>
    public async Task MoveAsync(Transaction transaction, Enrollment row, EnrollmentMove move)
    {
        int changed = await transaction.ExecuteAsync(
            """
            UPDATE enrollment SET state = @To, is_open = @IsOpen, version = version + 1, round = @Round, reason = @Reason, due_at = @DueAt, changed_at = @Now
            WHERE enrollment_id = @EnrollmentId AND state = @From AND version = @Version
            """,
            new
            {
                row.EnrollmentId,
                From = row.State,
                row.Version,
                move.To,
                IsOpen = move.To is not (EnrollmentState.Rejected or EnrollmentState.Delivered or EnrollmentState.Archived or EnrollmentState.Cancelled),
                Round = (short)(row.Round + (move.BeginsRound ? 1 : 0)),
                move.Reason,
                move.DueAt,
                Now = time.GetUtcNow(),
            });
        Require(changed == 1, Changed);
        await AddStepAsync(transaction, row, row.Version + 1, move);
    }

    private async Task AddStepAsync(Transaction transaction, Enrollment row, long version, EnrollmentMove move)
    {
        await transaction.ExecuteAsync(
            "INSERT INTO enrollment_step (enrollment_id, version, state, actor, reason, taken_at) VALUES (@EnrollmentId, @Version, @To, @Actor, @Reason, @Now)",
            new { row.EnrollmentId, Version = version, move.To, Actor = move.Actor.Id, move.Reason, Now = time.GetUtcNow() });
        await log.AppendAsync(transaction, EventOf(row, version, move));
    }

    private static EnrollmentMove TakenIn(Enrollment row, AuditActor actor) => new(actor, "enrollment.take-in", row.State)
    {
        Fields = [new AuditField.Text("kind", EnrollmentNames.NameOf(row.Kind)), new AuditField.Text("region", row.Region), new AuditField.Text("profile", row.Profile)],
    };

    private static AuditEvent EventOf(Enrollment row, long version, EnrollmentMove move) => new(move.Actor, move.Action, ObjectOf(row.Id), AuditOutcome.Done)
    {
        Fields = [new AuditField.Text("state", EnrollmentNames.NameOf(move.To)), new AuditField.Number("version", version), .. move.Fields],
        Personal = move.Reason is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["reason"] = move.Reason },
    };

    private static string CityOf(Enrollment row) => row.Region[..4] + "00";

    /// <summary>A key is the first one's who applies with it.</summary>
    private static async Task OwnKeyAsync(Transaction transaction, Enrollment row)
    {
        if (row.KeyHash is null)
        {
            return;
        }

        await transaction.TryInsertAsync("INSERT INTO key_owner (key_hash, subscriber_id) VALUES (@KeyHash, @SubscriberId)", new { row.KeyHash, row.SubscriberId });
        byte[] owner = await transaction.GetAsync<byte[]>("SELECT subscriber_id FROM key_owner WHERE key_hash = @KeyHash", new { row.KeyHash });
        Require(owner.AsSpan().SequenceEqual(row.SubscriberId), KeyOfAnother, Refusal.Duplicate);
    }

    private static object Columns(Enrollment row) => new
    {
        row.EnrollmentId,
        row.TrackingNumber,
        row.Kind,
        row.State,
        row.Version,
        row.Round,
        row.Region,
        City = CityOf(row),
        row.Profile,
        row.SubscriberId,
        row.ApplicantIndex,
        row.AgentIndex,
        row.ContentSealed,
        row.DataKeyId,
        row.KeyHash,
        row.CertificateIssuer,
        row.CertificateSerial,
        row.CreatedBy,
        row.CreatedAt,
        row.ChangedAt,
        row.DueAt,
    };

    private static void Require(bool met, string detail, Refusal kind = Refusal.WrongState)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
