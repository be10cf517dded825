using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Tracking;

namespace ZwCa.Ra.Deliveries;

/// <summary>
/// Reminds of what nobody has fetched; what is not fetched by its time is to be revoked: a revocation is opened as a draft, for no certificate is revoked without two officers. Safe to run on
/// several nodes.
/// </summary>
internal sealed partial class RemindDeliveries(
    Database database, AuditLog log, EnrollmentStore enrollments, PersonRegistry persons, TimeLimits limits, TimeProvider time, ILogger<RemindDeliveries> logger)
{
    public const string JobName = "deliveries";

    private const int Batch = 100;

    private static readonly AuditActor Job = new(AuditActorKind.Job, JobName);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        byte[] after = [];
        IReadOnlyList<Delivery> page;
        do
        {
            DateTimeOffset now = time.GetUtcNow();
            page = await database.QueryAsync<Delivery>(
                $"""
                 SELECT {Delivery.Columns} FROM delivery WHERE state = 1 AND opened_at <= @Opened AND enrollment_id > @After ORDER BY enrollment_id {database.Dialect.Limit(Batch)}
                 """,
                new { Opened = now - (limits.Remind < limits.Deliver ? limits.Remind : limits.Deliver), After = after },
                cancellationToken);
            foreach (Delivery each in page)
            {
                await RemindAsync(each, now, cancellationToken);
            }

            after = page.Count > 0 ? page[^1].EnrollmentId : after;
        }
        while (page.Count == Batch);
    }

    private async Task RemindAsync(Delivery delivery, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (now >= delivery.OpenedAt + limits.Deliver && delivery.Receipt is null)
        {
            await OpenRevocationAsync(delivery, now, cancellationToken);
        }

        if (now < (delivery.RemindedAt ?? delivery.OpenedAt) + limits.Remind)
        {
            return;
        }

        bool isMine = await database.WriteAsync(
            async transaction =>
            {
                bool changed = await transaction.ExecuteAsync(
                    "UPDATE delivery SET reminders = reminders + 1, reminded_at = @Now WHERE enrollment_id = @EnrollmentId AND state = 1 AND reminders = @Reminders",
                    new { delivery.EnrollmentId, delivery.Reminders, Now = now }) == 1;
                if (changed)
                {
                    await log.AppendAsync(
                        transaction,
                        new AuditEvent(Job, "delivery.remind", EnrollmentStore.ObjectOf(Convert.ToHexStringLower(delivery.EnrollmentId)), AuditOutcome.Done)
                        {
                            Fields = [new AuditField.Number("reminders", delivery.Reminders + 1)],
                        });
                }

                return changed;
            },
            cancellationToken);
        if (isMine)
        {
            LogWaiting(logger, Convert.ToHexStringLower(delivery.EnrollmentId), delivery.OpenedAt);
        }
    }

    private async Task OpenRevocationAsync(Delivery delivery, DateTimeOffset now, CancellationToken cancellationToken)
    {
        (Enrollment? enrollment, IssuedCertificate? certificate, long open) = await database.ReadAsync(
            async transaction =>
            {
                Enrollment? waiting = await EnrollmentStore.FindAsync(transaction, delivery.EnrollmentId);
                IssuedCertificate? first = (await IssuedCertificateStore.ListOfEnrollmentAsync(transaction, delivery.EnrollmentId)).FirstOrDefault(each => each.Half != CertificateHalf.Encryption);
                long others = first is null ? 0 : await CountOpenAsync(transaction, first);
                return (waiting, first, others);
            },
            cancellationToken);

        // A key that was recovered has no certificate of its own; what is revoked, or about to be, is.
        if (enrollment?.State != EnrollmentState.Issued || certificate is not { State: not CertificateState.Revoked } || open > 0)
        {
            return;
        }

        byte[] id = Ulid.Create(now);
        (byte[] keyId, byte[] content) = new EnrollmentContent { RevocationReason = CheckEnrollment.NameOf(RevocationReason.CessationOfOperation) }.Seal(persons, id);
        await database.WriteAsync(
            async transaction =>
            {
                // Of two nodes that look at once, the row of the delivery lets one go first; the other then finds what it opened.
                await transaction.ExecuteAsync("UPDATE delivery SET state = state WHERE enrollment_id = @EnrollmentId", new { delivery.EnrollmentId });
                if (await CountOpenAsync(transaction, certificate) == 0)
                {
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
                            Region = enrollment.Region,
                            Profile = enrollment.Profile,
                            SubscriberId = enrollment.SubscriberId,
                            ApplicantIndex = enrollment.ApplicantIndex,
                            AgentIndex = EnrollmentNames.Nobody,
                            ContentSealed = content,
                            DataKeyId = keyId,
                            CertificateIssuer = certificate.Issuer,
                            CertificateSerial = certificate.Serial,
                            CreatedBy = JobName,
                            CreatedAt = now,
                            ChangedAt = now,
                            DueAt = now + limits.Review,
                        },
                        Job);
                }
            },
            cancellationToken);
    }

    private static Task<long> CountOpenAsync(Transaction transaction, IssuedCertificate certificate) => transaction.GetAsync<long>(
        "SELECT COUNT(*) FROM enrollment WHERE kind = @Kind AND is_open = 1 AND certificate_issuer = @Issuer AND certificate_serial = @Serial",
        new { Kind = EnrollmentKind.Revoke, certificate.Issuer, certificate.Serial });

    [LoggerMessage(Level = LogLevel.Warning, Message = "Enrollment {Enrollment}: what was issued has waited to be fetched since {OpenedAt}")]
    private static partial void LogWaiting(ILogger logger, string enrollment, DateTimeOffset openedAt);
}
