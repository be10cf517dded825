using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Tracking;

namespace ZwCa.Ra.Enrollments;

/// <summary>Opens a revocation that nobody has applied for, as a draft, where the certificate was issued: it is on the list of what is due, and two officers decide about it like about any other.</summary>
internal sealed class OpenRevocation(EnrollmentStore enrollments, PersonRegistry persons, TimeProvider time)
{
    /// <summary>Unless one is open, in the caller's transaction.</summary>
    /// <param name="actor">For the log.</param>
    /// <param name="unlessSince">Nor where one was opened since then, whatever became of it.</param>
    public async Task OpenAsync(
        Transaction transaction, IssuedCertificate certificate, AuditActor actor, RevocationReason reason, DateTimeOffset due, DateTimeOffset? unlessSince = null)
    {
        // Of two that open one at once the certificate's row lets one go first; the other then finds what it opened.
        await transaction.ExecuteAsync("UPDATE certificate SET state = state WHERE issuer = @Issuer AND serial = @Serial", new { certificate.Issuer, certificate.Serial });
        long others = await transaction.GetAsync<long>(
            """
            SELECT COUNT(*) FROM enrollment
            WHERE certificate_issuer = @Issuer AND certificate_serial = @Serial AND kind = @Kind AND (is_open = 1 OR created_at > @Since)
            """,
            new { certificate.Issuer, certificate.Serial, Kind = EnrollmentKind.Revoke, Since = unlessSince ?? DateTimeOffset.MaxValue });
        if (others > 0)
        {
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        byte[] id = Ulid.Create(now);
        (byte[] keyId, byte[] content) = new EnrollmentContent { RevocationReason = CheckEnrollment.NameOf(reason) }.Seal(persons, id);
        Enrollment origin = (await EnrollmentStore.FindAsync(transaction, certificate.EnrollmentId))!;
        await enrollments.InsertAsync(
            transaction,
            new Enrollment
            {
                EnrollmentId = id,
                TrackingNumber = TrackingNumber.Create().Value,
                Kind = EnrollmentKind.Revoke,
                State = EnrollmentState.Draft,
                Version = 1,
                Round = 0,
                Region = certificate.Region,
                Profile = certificate.Profile,
                SubscriberId = certificate.SubscriberId,
                ApplicantIndex = origin.ApplicantIndex,
                AgentIndex = EnrollmentNames.Nobody,
                ContentSealed = content,
                DataKeyId = keyId,
                CertificateIssuer = certificate.Issuer,
                CertificateSerial = certificate.Serial,
                CreatedBy = actor.Id,
                CreatedAt = now,
                ChangedAt = now,
                DueAt = due,
            },
            actor);
    }
}
