using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Deliveries;
using ZwCa.Ra.Enrollments;

namespace ZwCa.Ra.Outbox;

/// <summary>
/// What an answer of the CA changes here: row of the outbox, certificates, delivery, enrollment and events in one transaction. The row's state decides whether it was applied before, so an answer
/// that comes twice changes nothing the second time.
/// </summary>
internal sealed partial class ApplyAnswer(
    RaOptions options,
    Database database,
    AuditLog log,
    EnrollmentStore enrollments,
    OpenRevocation revocations,
    PersonRegistry persons,
    OutboxSignal signal,
    TimeProvider time,
    ILogger<ApplyAnswer> logger)
{
    private const int MostWords = 500;
    private const string TokenRefused = "令牌未能验证加密密钥，双证书已由CA吊销，请重新办理。";
    private const string RecoveryRefused = "令牌未能验证所恢复的加密密钥，请联系管理员，并重新申请密钥恢复。";

    private AuditActor Ca => new(AuditActorKind.Service, options.Ca.Recipient);

    /// <param name="json">As the CA answered.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: it is no such answer; <see cref="Refusal.WrongState"/>: the enrollment moves at this moment. It is sent again.</exception>
    public async Task DoneAsync(OutboxRow row, byte[] json)
    {
        Enrollment enrollment = await GetAsync(row);
        switch (row.Purpose)
        {
            case OutboxPurpose.Following:
                CertificateAnswer ended = CaClient.Read<CertificateAnswer>(json);
                await database.WriteAsync(async transaction =>
                {
                    DateTimeOffset now = time.GetUtcNow();
                    if (await OutboxStore.EndAsync(transaction, row, OutboxState.Answered, now))
                    {
                        if (await SetStateAsync(transaction, ended) is { } old)
                        {
                            await WithdrawAsync(transaction, old, now);
                        }

                        await RecordAsync(transaction, enrollment, "enrollment.follow-up", AuditOutcome.Done, null);
                    }
                });
                break;
            case OutboxPurpose.Receipt:
                PairAnswer received = CaClient.Read<PairAnswer>(json);
                await database.WriteAsync(transaction => ReceivedAsync(transaction, row, received));
                signal.Raise();
                break;
            default:
                await DecidedAsync(row, enrollment, json);
                break;
        }
    }

    /// <summary>For good: the enrollment goes back to its clerk with the CA's words.</summary>
    public async Task RefusedAsync(OutboxRow row, RefusalException refusal)
    {
        DateTimeOffset now = time.GetUtcNow();
        string reason = Cut(refusal.Message);
        await database.WriteAsync(async transaction =>
        {
            if (!await OutboxStore.EndAsync(transaction, row, OutboxState.Refused, now, refusal.Kind.ToString(), refusal.Message))
            {
                return;
            }

            Enrollment enrollment = (await EnrollmentStore.FindAsync(transaction, row.EnrollmentId))!;
            if (refusal.Kind == Refusal.AlreadyRevoked && enrollment.CertificateSerial is not null
                && await IssuedCertificateStore.FindAsync(transaction, enrollment.CertificateIssuer!, enrollment.CertificateSerial) is { } revoked)
            {
                await IssuedCertificateStore.SetStateAsync(transaction, revoked, CertificateState.Revoked);
                await WithdrawAsync(transaction, revoked, now);
            }

            switch (row.Purpose)
            {
                case OutboxPurpose.Decision:
                    await OutboxStore.LetGoAsync(transaction, row.EnrollmentId, OutboxState.GivenUp, now);
                    await enrollments.MoveAsync(transaction, enrollment, new EnrollmentMove(Ca, "enrollment.refused", EnrollmentState.Returned)
                    {
                        Reason = $"CA未受理：{reason}",
                        DueAt = now + options.Limits.Correct,
                        Fields = [new AuditField.Text("refusal", refusal.Kind.ToString())],
                    });
                    break;
                case OutboxPurpose.Receipt when enrollment.State != EnrollmentState.Issued:
                    break;
                case OutboxPurpose.Receipt:
                    await DeliveryStore.ForgetReceiptAsync(transaction, row.EnrollmentId);
                    await enrollments.MoveAsync(transaction, enrollment, new EnrollmentMove(Ca, "enrollment.receipt-refused", EnrollmentState.Issued)
                    {
                        Reason = $"CA未接受签收：{reason}",
                        DueAt = enrollment.DueAt,
                        Fields = [new AuditField.Text("refusal", refusal.Kind.ToString())],
                    });
                    break;
                default:
                    bool isDone = refusal.Kind == Refusal.AlreadyRevoked;
                    await RecordAsync(transaction, enrollment, "enrollment.follow-up", isDone ? AuditOutcome.Done : AuditOutcome.Refused, refusal.Kind);
                    if (!isDone && await IssuedCertificateStore.FindAsync(transaction, enrollment.CertificateIssuer!, enrollment.CertificateSerial!) is { } old)
                    {
                        // Two officers wanted it to end: others say so again, where it was issued.
                        await revocations.OpenAsync(
                            transaction, old, Ca, enrollment.Kind == EnrollmentKind.Replace ? RevocationReason.KeyCompromise : RevocationReason.AffiliationChanged, now + options.Limits.Review);
                    }

                    break;
            }
        });
        if (row.Purpose == OutboxPurpose.Following && refusal.Kind != Refusal.AlreadyRevoked)
        {
            LogOldGoesOn(logger, Convert.ToHexStringLower(row.EnrollmentId), refusal.Kind);
        }
    }

    private async Task DecidedAsync(OutboxRow row, Enrollment enrollment, byte[] json)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (enrollment.Kind is EnrollmentKind.Revoke or EnrollmentKind.Suspend or EnrollmentKind.Resume)
        {
            CertificateAnswer certificate = CaClient.Read<CertificateAnswer>(json);
            await database.WriteAsync(async transaction =>
            {
                if (await OutboxStore.EndAsync(transaction, row, OutboxState.Answered, now))
                {
                    IssuedCertificate? known = await SetStateAsync(transaction, certificate);
                    await enrollments.MoveAsync(transaction, (await EnrollmentStore.FindAsync(transaction, row.EnrollmentId))!, Move(EnrollmentState.Delivered, null, certificate));
                    if (known is not null && enrollment.Kind == EnrollmentKind.Revoke)
                    {
                        await WithdrawAsync(transaction, known, now);
                    }
                }
            });
            return;
        }

        bool isPair = enrollment.Kind == EnrollmentKind.Recovery || row.Path == "/pairs";
        PairAnswer? pair = isPair ? CaClient.Read<PairAnswer>(json) : null;
        CertificateAnswer first = pair?.Signing ?? CaClient.Read<CertificateAnswer>(json);
        EnrollmentContent content = await EnrollmentContent.OpenAsync(persons, enrollment, CancellationToken.None);
        await database.WriteAsync(async transaction =>
        {
            if (!await OutboxStore.EndAsync(transaction, row, OutboxState.Answered, now))
            {
                return;
            }

            // Of a recovery the certificates are there, and the key goes to another one's token.
            byte[]? recipient = first.Certificate;
            if (enrollment.Kind == EnrollmentKind.Recovery)
            {
                recipient = (await IssuedCertificateStore.FindAsync(transaction, content.Recipient!.Issuer, content.Recipient.Serial))!.Certificate;
            }
            else
            {
                foreach (CertificateAnswer each in pair is null ? [first] : new[] { pair.Signing, pair.Encryption })
                {
                    await IssuedCertificateStore.StoreAsync(transaction, enrollment, each, pair, now);
                }
            }

            await DeliveryStore.OpenAsync(transaction, row.EnrollmentId, pair is null ? null : Convert.FromHexString(pair.Id), Der.Encode(Der.Decode<Certificate>(recipient).Tbs.SubjectPublicKeyInfo), now);
            await enrollments.MoveAsync(
                transaction, (await EnrollmentStore.FindAsync(transaction, row.EnrollmentId))!, Move(EnrollmentState.Issued, now + options.Limits.Deliver, first));
        });
    }

    private async Task ReceivedAsync(Transaction transaction, OutboxRow row, PairAnswer pair)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!await OutboxStore.EndAsync(transaction, row, OutboxState.Answered, now))
        {
            return;
        }

        // What was withdrawn meanwhile stays so: the key is a revoked certificate's.
        Enrollment enrollment = (await EnrollmentStore.FindAsync(transaction, row.EnrollmentId))!;
        Delivery delivery = (await DeliveryStore.FindAsync(transaction, row.EnrollmentId))!;
        if (enrollment.State == EnrollmentState.Issued)
        {
            // By the receipt that the CA has taken; the answer shows the last delivery of the pair, which may be another one by now.
            bool isRefused = Der.Decode<SignedReceipt>(delivery.Receipt).Receipt.Outcome != DeliveryOutcome.Accepted;
            await DeliveryStore.EndAsync(transaction, row.EnrollmentId, isRefused ? DeliveryState.Refused : DeliveryState.Received, now);
            await OutboxStore.LetGoAsync(transaction, row.EnrollmentId, isRefused ? OutboxState.GivenUp : OutboxState.Waiting, now);
            await enrollments.MoveAsync(transaction, enrollment, Move(isRefused ? EnrollmentState.Rejected : EnrollmentState.Delivered, null, pair.Signing) with
            {
                Action = isRefused ? "enrollment.token-refused" : "enrollment.deliver",
                Reason = isRefused ? (enrollment.Kind == EnrollmentKind.Recovery ? RecoveryRefused : TokenRefused) : null,
            });
        }

        await SetStateAsync(transaction, pair.Signing);
        await SetStateAsync(transaction, pair.Encryption);
    }

    /// <summary>A certificate that nobody had fetched was revoked: there is nothing to hand out any more.</summary>
    private async Task WithdrawAsync(Transaction transaction, IssuedCertificate certificate, DateTimeOffset now)
    {
        Enrollment? waiting = await EnrollmentStore.FindAsync(transaction, certificate.EnrollmentId);
        if (waiting?.State == EnrollmentState.Issued && await DeliveryStore.EndAsync(transaction, waiting.EnrollmentId, DeliveryState.Withdrawn, now))
        {
            await OutboxStore.LetGoAsync(transaction, waiting.EnrollmentId, OutboxState.GivenUp, now);
            await enrollments.MoveAsync(transaction, waiting, new EnrollmentMove(Ca, "enrollment.withdraw", EnrollmentState.Cancelled) { Reason = "未领取的证书已吊销。" });
        }
    }

    private EnrollmentMove Move(EnrollmentState to, DateTimeOffset? due, CertificateAnswer certificate) => new(Ca, "enrollment.answered", to)
    {
        DueAt = due,
        Fields = [new AuditField.Text("issuer", certificate.Issuer), new AuditField.Text("serial", certificate.Serial), new AuditField.Text("certificateState", certificate.State)],
    };

    /// <returns>Null: it is not known here.</returns>
    private static async Task<IssuedCertificate?> SetStateAsync(Transaction transaction, CertificateAnswer answer)
    {
        IssuedCertificate? known = await IssuedCertificateStore.FindAsync(transaction, answer.Issuer, answer.Serial);
        if (known is not null)
        {
            await IssuedCertificateStore.SetStateAsync(transaction, known, IssuedCertificateStore.StateOf(answer));
        }

        return known;
    }

    /// <summary>So that it has room in the reason, with what it is: not through a character of two units.</summary>
    private static string Cut(string words) =>
        words.Length <= MostWords ? words : words[..(char.IsHighSurrogate(words[MostWords - 1]) ? MostWords - 1 : MostWords)];

    private async Task<Enrollment> GetAsync(OutboxRow row) => (await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, row.EnrollmentId)))!;

    private Task RecordAsync(Transaction transaction, Enrollment enrollment, string action, AuditOutcome outcome, Refusal? refusal) => log.AppendAsync(
        transaction,
        new AuditEvent(Ca, action, EnrollmentStore.ObjectOf(enrollment.Id), outcome) { Fields = refusal is { } kind ? [new AuditField.Text("refusal", kind.ToString())] : [] });

    [LoggerMessage(Level = LogLevel.Error, Message = "Enrollment {Enrollment}: the CA does not revoke the certificate that was replaced ({Kind}); officers have to")]
    private static partial void LogOldGoesOn(ILogger logger, string enrollment, Refusal kind);
}
