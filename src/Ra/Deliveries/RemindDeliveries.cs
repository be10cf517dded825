using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Deliveries;

/// <summary>
/// Reminds of what nobody has fetched; what is not fetched by its time is to be revoked: a revocation is opened as a draft, for no certificate is revoked without two officers. Safe to run on
/// several nodes.
/// </summary>
internal sealed partial class RemindDeliveries(
    Database database, AuditLog log, OpenRevocation revocations, TimeLimits limits, TimeProvider time, ILogger<RemindDeliveries> logger)
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

    private Task OpenRevocationAsync(Delivery delivery, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            // A key that was recovered has no certificate of its own; what is revoked is.
            Enrollment? enrollment = await EnrollmentStore.FindAsync(transaction, delivery.EnrollmentId);
            IssuedCertificate? certificate = (await IssuedCertificateStore.ListOfEnrollmentAsync(transaction, delivery.EnrollmentId)).FirstOrDefault(each => each.Half != CertificateHalf.Encryption);
            if (enrollment?.State == EnrollmentState.Issued && certificate is { State: not CertificateState.Revoked })
            {
                // Whoever decides that it shall wait is asked again at the next reminder.
                await revocations.OpenAsync(transaction, certificate, Job, RevocationReason.CessationOfOperation, now + limits.Review, unlessSince: now - limits.Remind);
            }
        },
        cancellationToken);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Enrollment {Enrollment}: what was issued has waited to be fetched since {OpenedAt}")]
    private static partial void LogWaiting(ILogger logger, string enrollment, DateTimeOffset openedAt);
}
