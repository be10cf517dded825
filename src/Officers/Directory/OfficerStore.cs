using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>The rows of officers, inside one unit of work.</summary>
internal sealed class OfficerStore(OfficerIssuers issuers, RoleCatalogue roles)
{
    private const string MismatchDetail = "人员登记与其证书不一致。";

    public RoleCatalogue Roles { get; } = roles;

    public OfficerIssuers Issuers { get; } = issuers;

    public static AuditActor ActorOf(SerialNumber serial) => new(AuditActorKind.Officer, serial.ToString());

    public static AuditObject ObjectOf(ReadOnlySpan<byte> officerId) => new("officer", Convert.ToHexStringLower(officerId));

    /// <returns>Null where no officer has this as his present certificate.</returns>
    public static Task<OfficerRow?> FindRowAsync(Transaction transaction, SerialNumber serial) => transaction.FindAsync<OfficerRow>(
        """
        SELECT o.officer_id, o.person_id, o.kind, o.role, o.is_top, o.region, o.certificate_serial, o.certificate, o.enabled, o.certified_until,
            (SELECT COUNT(*) FROM officer_disabling d WHERE d.officer_id = o.officer_id) AS disablings,
            (SELECT COUNT(*) FROM ended_certificate e WHERE e.certificate_serial = o.certificate_serial) AS endings
        FROM officer o WHERE o.certificate_serial = @Serial
        """,
        new { Serial = serial.ToString() });

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: unknown, or the row is not what the certificate says.</exception>
    public async Task<Officer> GetAsync(Transaction transaction, SerialNumber serial) =>
        Build(await FindRowAsync(transaction, serial) ?? throw new RefusalException(Refusal.NotAllowed, "没有持该证书的人员。"));

    /// <summary>The officer of a row: what he is, his certificate says. Where the row says anything else, it has been tampered with.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: they do not agree, or the certificate does not hold.</exception>
    public Officer Build(OfficerRow row)
    {
        OfficerCertificate certificate;
        try
        {
            certificate = Issuers.Verify(row.Certificate);
        }
        catch (RefusalException e)
        {
            throw new RefusalException(Refusal.NotAllowed, MismatchDetail, inner: e);
        }

        OfficerIdentity identity = certificate.Identity;
        Role? role = Roles.Find(identity.Role);
        bool agree = role is not null
            && role.Kind == identity.Kind
            && certificate.SerialNumber.ToString() == row.CertificateSerial
            && certificate.IsOfPerson(row.PersonId)
            && identity.Role == row.Role
            && identity.Region == row.Region
            && (short)identity.Kind == row.Kind
            && role.IsTop == (row.IsTop == 1);
        return agree
            ? new Officer(row.OfficerId, certificate, role!, row.IsEnabled, row.CertifiedUntil)
            : throw new RefusalException(Refusal.NotAllowed, MismatchDetail);
    }

    /// <summary>An approval whose officer is in office now and holds the certificate that it was given with.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>, <see cref="Refusal.RecertificationDue"/>.</exception>
    public async Task<(VerifiedApproval Approval, Officer Officer)> VerifyAsync(Transaction transaction, SignedApproval approval, DateTimeOffset now)
    {
        Officer officer = await GetAsync(transaction, approval.Officer.SerialNumber);
        if (!officer.Certificate.Bytes.Span.SequenceEqual(approval.Officer.Bytes.Span))
        {
            throw new RefusalException(Refusal.NotAllowed, MismatchDetail);
        }

        officer.RequireStanding(now);
        return (new VerifiedApproval(approval), officer);
    }

    /// <inheritdoc cref="RequireKindAsync"/>
    /// <exception cref="RefusalException">As there, and <see cref="Refusal.Duplicate"/>: he is in office.</exception>
    public static async Task RequirePersonAsync(Transaction transaction, byte[] personId, OfficerKind kind)
    {
        await RequireKindAsync(transaction, personId, kind);
        if (await transaction.GetAsync<long>("SELECT COUNT(*) FROM officer WHERE person_id = @Id AND enabled = 1", new { Id = personId }) > 0)
        {
            throw new RefusalException(Refusal.Duplicate, "该人员已有一个启用的职务。");
        }
    }

    /// <summary>One kind of office for a person, for good.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: no such person; <see cref="Refusal.RolesNotDisjoint"/>.</exception>
    public static async Task RequireKindAsync(Transaction transaction, byte[] personId, OfficerKind kind)
    {
        if (await transaction.GetAsync<long>("SELECT COUNT(*) FROM person WHERE person_id = @Id", new { Id = personId }) == 0)
        {
            throw new RefusalException(Refusal.NotFound, "人员尚未登记。");
        }

        if (await transaction.FindAsync<short?>("SELECT kind FROM person_role WHERE person_id = @Id", new { Id = personId }) is { } held && held != (short)kind)
        {
            throw new RefusalException(Refusal.RolesNotDisjoint, "该人员已担任另一类角色：管理员、操作员、审计员不得由同一人兼任。");
        }
    }

    /// <exception cref="RefusalException"><see cref="Refusal.RolesNotDisjoint"/>, <see cref="Refusal.Duplicate"/>: the certificate is or was another office's, or another was faster.</exception>
    public async Task InsertAsync(Transaction transaction, NewOfficer officer)
    {
        OfficerIdentity identity = officer.Certificate.Identity;
        byte[] personId = identity.Person.ToArray();
        await RequireUnusedAsync(transaction, officer.Certificate.SerialNumber);
        await TakeKindAsync(transaction, personId, identity.Kind);
        bool inserted = await transaction.TryInsertAsync(
            """
            INSERT INTO officer (
                officer_id, origin, person_id, kind, role, is_top, region, super_of, audit_of, created_under, creator_id, creator_person_id, creator_role,
                creator_region, command_id, approver_person_id, certificate_serial, certificate, enabled, certified_until, created_at)
            VALUES (
                @OfficerId, 0, @PersonId, @Kind, @Role, @IsTop, @Region, @SuperOf, @AuditOf, @CreatedUnder, @CreatorId, @CreatorPersonId, @CreatorRole,
                @CreatorRegion, @CommandId, @ApproverPersonId, @Serial, @Certificate, 1, @CertifiedUntil, @CreatedAt)
            """,
            new
            {
                officer.OfficerId,
                PersonId = personId,
                Kind = (short)identity.Kind,
                identity.Role,
                IsTop = (short)(officer.Initialisation is null ? 0 : 1),
                identity.Region,
                SuperOf = identity.Kind == OfficerKind.Administrator ? officer.Initialisation : null,
                AuditOf = identity.Kind == OfficerKind.Auditor ? officer.Initialisation : null,
                officer.CreatedUnder,
                CreatorId = officer.Creator?.Id.ToArray(),
                CreatorPersonId = officer.Creator?.PersonId.ToArray(),
                CreatorRole = officer.Creator?.Role.Name,
                CreatorRegion = officer.Creator?.Region.Value,
                officer.CommandId,
                ApproverPersonId = officer.ApproverPersonId,
                Serial = officer.Certificate.SerialNumber.ToString(),
                Certificate = officer.Certificate.Bytes.ToArray(),
                officer.CertifiedUntil,
                officer.CreatedAt,
            });
        if (!inserted)
        {
            throw new RefusalException(Refusal.Duplicate, "该人员已有一个启用的职务，或该证书已被使用。");
        }
    }

    /// <returns>False: he is disabled already.</returns>
    public static async Task<bool> DisableAsync(Transaction transaction, ReadOnlyMemory<byte> officerId, string by, string reason, DateTimeOffset now)
    {
        byte[] id = officerId.ToArray();
        bool disabled = await transaction.ExecuteAsync("UPDATE officer SET enabled = 0 WHERE officer_id = @Id AND enabled = 1", new { Id = id }) == 1;
        if (disabled)
        {
            await transaction.TryInsertAsync(
                "INSERT INTO officer_disabling (officer_id, disabled_by, reason, disabled_at) VALUES (@Id, @By, @Reason, @Now)",
                new { Id = id, By = by, Reason = reason, Now = now });
            string serial = await transaction.GetAsync<string>("SELECT certificate_serial FROM officer WHERE officer_id = @Id", new { Id = id });
            await EndCertificateAsync(transaction, serial, now);
        }

        return disabled;
    }

    /// <summary>From now on the certificate makes nobody an officer, in whatever row.</summary>
    public static Task EndCertificateAsync(Transaction transaction, string serial, DateTimeOffset now) => transaction.TryInsertAsync(
        "INSERT INTO ended_certificate (certificate_serial, ended_at) VALUES (@Serial, @Now)", new { Serial = serial, Now = now });

    /// <exception cref="RefusalException"><see cref="Refusal.Duplicate"/>: an officer has it, or had it.</exception>
    public static async Task RequireUnusedAsync(Transaction transaction, SerialNumber serial)
    {
        long uses = await transaction.GetAsync<long>(
            """
            SELECT (SELECT COUNT(*) FROM officer WHERE certificate_serial = @Serial)
                + (SELECT COUNT(*) FROM ended_certificate WHERE certificate_serial = @Serial)
            """,
            new { Serial = serial.ToString() });
        if (uses > 0)
        {
            throw new RefusalException(Refusal.Duplicate, "该证书已被使用。");
        }
    }

    public static async Task TakeKindAsync(Transaction transaction, byte[] personId, OfficerKind kind)
    {
        bool isNew = await transaction.TryInsertAsync(
            "INSERT INTO person_role (person_id, kind) VALUES (@Id, @Kind)", new { Id = personId, Kind = (short)kind });
        if (!isNew && await transaction.GetAsync<short>("SELECT kind FROM person_role WHERE person_id = @Id", new { Id = personId }) != (short)kind)
        {
            throw new RefusalException(Refusal.RolesNotDisjoint, "该人员已担任另一类角色：管理员、操作员、审计员不得由同一人兼任。");
        }
    }
}

internal sealed record OfficerRow
{
    public required byte[] OfficerId { get; init; }

    public required byte[] PersonId { get; init; }

    public required short Kind { get; init; }

    public required string Role { get; init; }

    public required short IsTop { get; init; }

    public required string Region { get; init; }

    public required string CertificateSerial { get; init; }

    public required byte[] Certificate { get; init; }

    public required short Enabled { get; init; }

    public required DateTimeOffset CertifiedUntil { get; init; }

    public required long Disablings { get; init; }

    public required long Endings { get; init; }

    /// <summary>The column alone says nothing: whoever may write to it can set it back.</summary>
    public bool IsEnabled => Enabled == 1 && Disablings == 0 && Endings == 0;
}

/// <summary>An officer to insert: by the ceremony (with its number), or by a creator and a command.</summary>
internal sealed record NewOfficer
{
    public required byte[] OfficerId { get; init; }

    public required OfficerCertificate Certificate { get; init; }

    public required DateTimeOffset CertifiedUntil { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public short? Initialisation { get; init; }

    public short? CreatedUnder { get; init; }

    public Officer? Creator { get; init; }

    public byte[]? CommandId { get; init; }

    public byte[]? ApproverPersonId { get; init; }
}
