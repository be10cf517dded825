using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>
/// The ceremony's part: both highest officers at once, or none. The ceremony answers for who calls this; no officer can.
/// </summary>
public sealed class Initialisation(Database database, AuditLog log, OfficerDirectory directory, TimeProvider time)
{
    /// <summary>Creates the super administrator and the audit administrator. Repeated with the next number it puts others, or the same, into their places.</summary>
    /// <param name="number">1 the first time; else one more than the last.</param>
    /// <param name="super">DER of his certificate; his person is enrolled.</param>
    /// <param name="audit">Likewise.</param>
    /// <param name="certifiedUntil">When the ceremony has to be repeated.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotAllowed"/>: a certificate of another role or region; <see cref="Refusal.SecondOfficerRequired"/>: one person twice;
    /// <see cref="Refusal.RolesNotDisjoint"/>; <see cref="Refusal.WrongState"/>: another number is next; <see cref="Refusal.Duplicate"/>;
    /// <see cref="Refusal.BadSignature"/>.
    /// </exception>
    public async Task InitialiseAsync(
        short number,
        ReadOnlyMemory<byte> super,
        ReadOnlyMemory<byte> audit,
        DateTimeOffset certifiedUntil,
        AuditActor actor,
        CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = time.GetUtcNow();
        OfficerCertificate superCertificate = Require(super, OfficerKind.Administrator, now);
        OfficerCertificate auditCertificate = Require(audit, OfficerKind.Auditor, now);
        if (superCertificate.IsOfPerson(auditCertificate.Identity.Person.Span)
            || superCertificate.Certificate.Tbs.SubjectPublicKeyInfo == auditCertificate.Certificate.Tbs.SubjectPublicKeyInfo)
        {
            throw new RefusalException(Refusal.SecondOfficerRequired, "超级管理员与审计管理员必须是两个人。");
        }

        byte[] superId = Ulid.Create(now);
        byte[] auditId = Ulid.Create(now);
        await database.WriteAsync(
            async transaction =>
            {
                // Step 1: whoever was there goes.
                foreach (byte[] old in await transaction.QueryAsync<byte[]>("SELECT officer_id FROM officer WHERE is_top = 1 AND enabled = 1"))
                {
                    await OfficerStore.DisableAsync(transaction, old, actor.Id[..Math.Min(actor.Id.Length, 40)], "重新初始化", now);
                }

                // Step 2: the persons, then the row that names both, by which each of the officers exists.
                byte[] superPerson = superCertificate.Identity.Person.ToArray();
                byte[] auditPerson = auditCertificate.Identity.Person.ToArray();
                await OfficerStore.RequirePersonAsync(transaction, superPerson, OfficerKind.Administrator);
                await OfficerStore.RequirePersonAsync(transaction, auditPerson, OfficerKind.Auditor);
                await OfficerStore.TakeKindAsync(transaction, superPerson, OfficerKind.Administrator);
                await OfficerStore.TakeKindAsync(transaction, auditPerson, OfficerKind.Auditor);
                short last = await transaction.GetAsync<short>("SELECT COALESCE(MAX(initialisation_number), 0) FROM initialisation");
                bool isNext = number == last + 1 && await transaction.TryInsertAsync(
                    """
                    INSERT INTO initialisation (
                        initialisation_number, super_officer_id, super_person_id, super_kind, audit_officer_id, audit_person_id, audit_kind, initialised_at)
                    VALUES (@Number, @SuperId, @SuperPerson, 0, @AuditId, @AuditPerson, 2, @Now)
                    """,
                    new { Number = number, SuperId = superId, SuperPerson = superPerson, AuditId = auditId, AuditPerson = auditPerson, Now = now });
                if (!isNext)
                {
                    throw new RefusalException(Refusal.WrongState, $"初始化的次序不对：上一次是第{last}次。");
                }

                // Step 3: both officers and their events.
                foreach ((byte[] id, OfficerCertificate certificate) in new[] { (superId, superCertificate), (auditId, auditCertificate) })
                {
                    await directory.Store.InsertAsync(
                        transaction,
                        new NewOfficer { OfficerId = id, Certificate = certificate, Initialisation = number, CertifiedUntil = certifiedUntil, CreatedAt = now });
                    await log.AppendAsync(
                        transaction,
                        new AuditEvent(actor, "officer.initialise", OfficerStore.ObjectOf(id), AuditOutcome.Done)
                        {
                            Fields =
                            [
                                new AuditField.Number("initialisation", number),
                                new AuditField.Octets("person", certificate.Identity.Person),
                                new AuditField.Text("role", certificate.Identity.Role),
                                new AuditField.Text("certificate", certificate.SerialNumber.ToString()),
                            ],
                        });
                }
            },
            cancellationToken);
    }

    private OfficerCertificate Require(ReadOnlyMemory<byte> certificate, OfficerKind kind, DateTimeOffset now)
    {
        OfficerCertificate verified = directory.Store.Issuers.Verify(certificate);
        Role? role = directory.Store.Roles.Find(verified.Identity.Role);
        bool fits = role is { IsTop: true } && role.Kind == kind && verified.Identity.Kind == kind
            && verified.Region == RegionCode.Nation && verified.IsValidAt(now);
        return fits ? verified : throw new RefusalException(Refusal.NotAllowed, "初始化的证书须是全国范围、在有效期内的超级管理员和审计管理员证书。");
    }
}
