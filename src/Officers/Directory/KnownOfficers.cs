using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>An officer as the CA's directory tells of him.</summary>
public sealed record KnownOfficer
{
    /// <summary>Of the office, 16 bytes.</summary>
    public required ReadOnlyMemory<byte> Id { get; init; }

    /// <summary>DER of his present certificate.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    public required bool Enabled { get; init; }

    public required DateTimeOffset CertifiedUntil { get; init; }
}

/// <summary>
/// Puts officers whom the CA's directory has into another service's: rows of origin 1. What an officer is, his certificate says, which is verified here; the CA's word puts him into office,
/// confirms him, and takes him out, for good. Done twice it is done once. The highest two are never among them. Safe for concurrent use.
/// </summary>
public sealed class KnownOfficers(AuditLog log, OfficerDirectory directory, TimeProvider time)
{
    private const string Contradiction = "该人员与本服务已登记的不一致。";
    private const string Ended = "CA目录中已停用";
    private const int MaxActorLength = 40;

    private readonly OfficerStore _store = directory.Store;

    /// <summary>Whether there is nothing to do about him.</summary>
    public static async Task<bool> IsPutAsync(Transaction transaction, KnownOfficer officer)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(officer);
        OfficerRow? row = await FindAsync(transaction, officer.Id.ToArray());
        return officer.Enabled
            ? row is { IsEnabled: true } && row.Certificate.AsSpan().SequenceEqual(officer.Certificate.Span) && row.CertifiedUntil == Truncate(officer.CertifiedUntil)
            : row is null or { Enabled: 0 };
    }

    /// <summary>16 bytes each: of those who are in office here by the CA's word.</summary>
    public static Task<IReadOnlyList<byte[]>> ListEnabledAsync(Transaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        return transaction.QueryAsync<byte[]>("SELECT officer_id FROM officer WHERE origin = 1 AND enabled = 1");
    }

    /// <summary>The certificate of somebody whom the CA may put into office: by a pinned issuer, of a role that is not one of the highest two.</summary>
    /// <param name="bytes">DER.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>, <see cref="Refusal.BadSignature"/>, <see cref="Refusal.NotAllowed"/>.</exception>
    public OfficerCertificate Verify(ReadOnlyMemory<byte> bytes)
    {
        OfficerCertificate certificate = _store.Issuers.Verify(bytes);
        Role? role = _store.Roles.Find(certificate.Identity.Role);
        Require(role is { IsTop: false } && role.Kind == certificate.Identity.Kind, Refusal.NotAllowed, "没有该角色，或该角色只由初始化产生。");
        return certificate;
    }

    /// <summary>Makes his row what the CA says. His person is enrolled by the CA's id, his region registered.</summary>
    /// <param name="actor">The CA, for the log.</param>
    /// <returns>False: it is so already. Whoever is not in office, and never was here, gets no row.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>, <see cref="Refusal.BadSignature"/>: the certificate does not hold; <see cref="Refusal.NotAllowed"/>: of no role that the CA creates, or not what he was before;
    /// <see cref="Refusal.NotFound"/>: person or region; <see cref="Refusal.RolesNotDisjoint"/>; <see cref="Refusal.Duplicate"/>: in another office, or the certificate is or was another's;
    /// <see cref="Refusal.WrongState"/>: he was disabled here, which is for good.
    /// </exception>
    public async Task<bool> PutAsync(Transaction transaction, KnownOfficer officer, AuditActor actor)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(officer);
        ArgumentNullException.ThrowIfNull(actor);
        byte[] id = officer.Id.Length == Ulid.Length ? officer.Id.ToArray() : throw new RefusalException(Refusal.Malformed, "人员职务编号有误。");
        OfficerRow? row = await FindAsync(transaction, id);

        // Who is out of office is out whatever his certificate is: nothing of it is asked.
        if (!officer.Enabled)
        {
            return row is not null && await DisableAsync(transaction, id, actor);
        }

        OfficerCertificate certificate = Verify(officer.Certificate);
        if (row is null)
        {
            await InsertAsync(transaction, id, certificate, Truncate(officer.CertifiedUntil), actor);
            return true;
        }

        Require(row.Enabled == 1 && row.Disablings == 0, Refusal.WrongState, "该人员在本服务已被停用，不能恢复。");
        OfficerIdentity identity = certificate.Identity;
        Require(certificate.IsOfPerson(row.PersonId) && identity.Role == row.Role && identity.Region == row.Region, Refusal.NotAllowed, Contradiction);
        bool isReplaced = await ReplaceAsync(transaction, row, certificate, actor);
        return await RecertifyAsync(transaction, row, Truncate(officer.CertifiedUntil), actor) || isReplaced;
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }

    /// <summary>As a row keeps it.</summary>
    private static DateTimeOffset Truncate(DateTimeOffset value) => DateTimeOffset.FromUnixTimeMilliseconds(value.ToUnixTimeMilliseconds());

    private static Task<OfficerRow?> FindAsync(Transaction transaction, byte[] id) => transaction.FindAsync<OfficerRow>(
        """
        SELECT o.officer_id, o.person_id, o.kind, o.role, o.is_top, o.region, o.certificate_serial, o.certificate, o.enabled, o.certified_until,
            (SELECT COUNT(*) FROM officer_disabling d WHERE d.officer_id = o.officer_id) AS disablings,
            (SELECT COUNT(*) FROM ended_certificate e WHERE e.certificate_serial = o.certificate_serial) AS endings
        FROM officer o WHERE o.officer_id = @Id AND o.origin = 1
        """,
        new { Id = id });

    private Task RecordAsync(Transaction transaction, AuditActor actor, string what, byte[] id, params IReadOnlyList<AuditField> fields) =>
        log.AppendAsync(transaction, new AuditEvent(actor, what, OfficerStore.ObjectOf(id), AuditOutcome.Done) { Fields = fields });

    private async Task InsertAsync(Transaction transaction, byte[] id, OfficerCertificate certificate, DateTimeOffset certifiedUntil, AuditActor actor)
    {
        OfficerIdentity identity = certificate.Identity;
        byte[] personId = identity.Person.ToArray();
        await OfficerStore.RequirePersonAsync(transaction, personId, identity.Kind);
        Require(
            await transaction.GetAsync<long>("SELECT COUNT(*) FROM region WHERE code = @Code", new { Code = identity.Region }) == 1, Refusal.NotFound, "该区域尚未登记。");
        await OfficerStore.RequireUnusedAsync(transaction, certificate.SerialNumber);
        await OfficerStore.TakeKindAsync(transaction, personId, identity.Kind);
        bool inserted = await transaction.TryInsertAsync(
            """
            INSERT INTO officer (officer_id, origin, person_id, kind, role, is_top, region, certificate_serial, certificate, enabled, certified_until, created_at)
            VALUES (@OfficerId, 1, @PersonId, @Kind, @Role, 0, @Region, @Serial, @Certificate, 1, @CertifiedUntil, @Now)
            """,
            new
            {
                OfficerId = id,
                PersonId = personId,
                Kind = (short)identity.Kind,
                identity.Role,
                identity.Region,
                Serial = certificate.SerialNumber.ToString(),
                Certificate = certificate.Bytes.ToArray(),
                CertifiedUntil = certifiedUntil,
                Now = time.GetUtcNow(),
            });
        Require(inserted, Refusal.Duplicate, "该人员已有一个启用的职务，或该证书已被使用。");
        await RecordAsync(
            transaction,
            actor,
            OfficerActions.Create,
            id,
            new AuditField.Octets("person", identity.Person),
            new AuditField.Text("role", identity.Role),
            new AuditField.Text("region", identity.Region),
            new AuditField.Text("certificate", certificate.SerialNumber.ToString()));
    }

    private async Task<bool> DisableAsync(Transaction transaction, byte[] id, AuditActor actor)
    {
        bool isDisabled = await OfficerStore.DisableAsync(transaction, id, actor.Id[..Math.Min(actor.Id.Length, MaxActorLength)], Ended, time.GetUtcNow());
        if (isDisabled)
        {
            await RecordAsync(transaction, actor, OfficerActions.Disable, id);
        }

        return isDisabled;
    }

    private async Task<bool> ReplaceAsync(Transaction transaction, OfficerRow row, OfficerCertificate certificate, AuditActor actor)
    {
        string serial = certificate.SerialNumber.ToString();
        if (serial == row.CertificateSerial)
        {
            Require(row.Endings == 0, Refusal.WrongState, "该人员证书在本服务已终止，不能恢复。");
            Require(row.Certificate.AsSpan().SequenceEqual(certificate.Bytes.Span), Refusal.NotAllowed, Contradiction);
            return false;
        }

        await OfficerStore.RequireUnusedAsync(transaction, certificate.SerialNumber);
        int changed = await transaction.ExecuteAsync(
            "UPDATE officer SET certificate_serial = @Serial, certificate = @Certificate WHERE officer_id = @Id AND certificate_serial = @Old AND enabled = 1",
            new { Serial = serial, Certificate = certificate.Bytes.ToArray(), Id = row.OfficerId, Old = row.CertificateSerial });
        Require(changed == 1, Refusal.WrongState, "该人员已被停用，或证书已更换。");
        await OfficerStore.EndCertificateAsync(transaction, row.CertificateSerial, time.GetUtcNow());
        await RecordAsync(
            transaction, actor, OfficerActions.ReplaceCertificate, row.OfficerId, new AuditField.Text("old", row.CertificateSerial), new AuditField.Text("certificate", serial));
        return true;
    }

    private async Task<bool> RecertifyAsync(Transaction transaction, OfficerRow row, DateTimeOffset until, AuditActor actor)
    {
        if (row.CertifiedUntil == until)
        {
            return false;
        }

        int changed = await transaction.ExecuteAsync("UPDATE officer SET certified_until = @Until WHERE officer_id = @Id AND enabled = 1", new { Until = until, Id = row.OfficerId });
        Require(changed == 1, Refusal.WrongState, "该人员已被停用。");
        await RecordAsync(transaction, actor, OfficerActions.Recertify, row.OfficerId, new AuditField.Number("certifiedUntil", until.ToUnixTimeMilliseconds()));
        return true;
    }
}
