using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Evidence;

namespace ZwCa.Ra.Outbox;

/// <summary>Makes requests to the CA as they will be sent, once: with their ids, sealed.</summary>
internal sealed class PrepareRequest(Database database, PersonRegistry persons, TimeProvider time)
{
    public const string Field = "body";

    /// <param name="number">Of the review that is the last.</param>
    /// <param name="review">Its Approval as its row keeps it: <see cref="GivenApproval.Kept"/>.</param>
    public async Task<IReadOnlyList<OutboxRow>> OfDecisionAsync(
        Enrollment enrollment, Submission submission, short number, Applications applications, byte[] review, CancellationToken cancellationToken)
    {
        EnrollmentContent content = await EnrollmentContent.OpenAsync(persons, enrollment, cancellationToken);
        IssuedCertificate? certificate = enrollment.CertificateIssuer is null
            ? null
            : await database.ReadAsync(transaction => IssuedCertificateStore.FindAsync(transaction, enrollment.CertificateIssuer, enrollment.CertificateSerial!), cancellationToken);
        IReadOnlyList<byte[]> evidence = enrollment.IsForCertificate
            ? [.. (await database.ReadAsync(transaction => EvidenceStore.ListAsync(transaction, enrollment.EnrollmentId), cancellationToken)).Select(each => each.EvidenceHash)]
            : [];
        OutboxRow main = Make(
            enrollment,
            OutboxPurpose.Decision,
            submission.Round,
            number,
            PathOf(enrollment.Kind, certificate, applications.Main),
            RequestOf(applications.Main, submission.Entry, review) with { Csr = content.Csr, Evidence = evidence });
        return applications.Following is not { } following
            ? [main]
            :
            [
                main,
                Make(
                    enrollment,
                    OutboxPurpose.Following,
                    submission.Round,
                    number,
                    PathOf(EnrollmentKind.Revoke, certificate, following),
                    RequestOf(following, submission.Entry, review))
                    with
                    {
                        // What is lost ends at once; what goes on until its successor is there, goes on.
                        State = enrollment.Kind == EnrollmentKind.Replace ? OutboxState.Waiting : OutboxState.HeldBack,
                    },
            ];
    }

    /// <param name="number">Of the review that the pair was issued by.</param>
    public OutboxRow OfReceipt(Enrollment enrollment, short number, byte[] pairId, byte[] receipt) =>
        Make(enrollment, OutboxPurpose.Receipt, enrollment.Round, number, $"/pairs/{Convert.ToHexStringLower(pairId)}/receipt", new PairReceipt { Receipt = receipt });

    /// <summary>What is kept by reference goes by reference: it is sent to the CA once, before.</summary>
    private static DecidedRequest RequestOf(Application application, byte[] entry, byte[] review) => new()
    {
        Application = Der.Encode(application),
        Entry = GivenApproval.IsReference(entry) ? null : entry,
        EntryHash = GivenApproval.IsReference(entry) ? entry : null,
        Review = GivenApproval.IsReference(review) ? null : review,
        ReviewHash = GivenApproval.IsReference(review) ? review : null,
    };

    private static string PathOf(EnrollmentKind kind, IssuedCertificate? certificate, Application application) => kind switch
    {
        EnrollmentKind.Revoke => $"/certificates/{certificate!.Issuer}/{certificate.Serial}/revocation",
        EnrollmentKind.Suspend => $"/certificates/{certificate!.Issuer}/{certificate.Serial}/suspension",
        EnrollmentKind.Resume => $"/certificates/{certificate!.Issuer}/{certificate.Serial}/resumption",
        EnrollmentKind.Recovery => $"/pairs/{Convert.ToHexStringLower(certificate!.PairId!)}/recovery",
        _ => Der.Decode<CertificateBody>(application.Body).Encryption is null ? "/certificates" : "/pairs",
    };

    private OutboxRow Make(Enrollment enrollment, OutboxPurpose purpose, short round, short number, string path, object body)
    {
        DateTimeOffset now = time.GetUtcNow();
        byte[] id = Ulid.Create(now);
        (byte[] keyId, byte[][] sealedBody) = persons.Seal(id, (Field, JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), JsonSerializerOptions.Web)));
        return new OutboxRow
        {
            OutboxId = id,
            EnrollmentId = enrollment.EnrollmentId,
            Purpose = purpose,
            Round = round,
            ReviewNumber = number,
            RequestId = Convert.ToHexStringLower(Ulid.Create(now)),
            Path = path,
            BodySealed = sealedBody[0],
            DataKeyId = keyId,
            TryAfter = now,
            AddedAt = now,
        };
    }
}
