using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Certificates;

/// <summary>A decision of an RA's officers about the status of one of its certificates. It is spent once: (RA, enrollment, kind) is a primary key.</summary>
internal sealed record StatusOrder
{
    public required string RaName { get; init; }

    /// <summary>Revoke, suspend or resume.</summary>
    public required DecisionKind Kind { get; init; }

    public required short AuthorityId { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public required string Serial { get; init; }

    public required RevocationReason Reason { get; init; }

    /// <summary>Of the message: a retry has the same.</summary>
    public required string RequestId { get; init; }

    /// <summary>For the log.</summary>
    public required AuditActor Actor { get; init; }

    public required Approvals Approvals { get; init; }

    /// <summary>What else belongs into the transaction: the answer. May run twice.</summary>
    public Func<Transaction, CertificateRow, Task> Stored { get; init; } = static (_, _) => Task.CompletedTask;
}

/// <summary>Does what an RA's officers decided about a certificate: docs/REVOCATION.md, in the same steps. Safe for concurrent use, on any number of nodes.</summary>
internal sealed class ChangeStatus(Database database, CertificateStatus status, OfficerDirectory directory, TimeProvider time)
{
    private const string Spent = "该申请的审批意见已使用。";

    /// <returns>The row as it is now.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/> (not the RA's), <see cref="Refusal.OutOfScope"/> (of a region that was not decided about), <see cref="Refusal.NotApproved"/> (spent already),
    /// <see cref="Refusal.NotAllowed"/> (the RA, the officers), <see cref="Refusal.RecertificationDue"/> (the officers), <see cref="Refusal.SecondOfficerRequired"/>, <see cref="Refusal.AlreadyRevoked"/>,
    /// <see cref="Refusal.WrongState"/>, <see cref="Refusal.Malformed"/> (a reason that is not for this).
    /// </exception>
    public Task<CertificateRow> RunAsync(StatusOrder order, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        return database.WriteAsync(transaction => RunAsync(transaction, order, now), cancellationToken);
    }

    private async Task<CertificateRow> RunAsync(Transaction transaction, StatusOrder order, DateTimeOffset now)
    {
        // Step 1: was it done before? By the same request it is answered again, from the row of today; by another the decision is spent.
        Application application = order.Approvals.Application;
        byte[] applicationBytes = Der.Encode(application);
        Decided? decided = await transaction.FindAsync<Decided>(
            "SELECT certificate_id, request_id, application FROM status_decision WHERE ra_name = @RaName AND enrollment_id = @EnrollmentId AND kind = @Kind",
            new { order.RaName, application.EnrollmentId, Kind = (short)order.Kind });
        if (decided is not null)
        {
            Require(decided.RequestId == order.RequestId && decided.Application.AsSpan().SequenceEqual(applicationBytes), Refusal.NotApproved, Spent);
            CertificateRow done = (await CertificateStore.FindAsync(transaction, decided.CertificateId))!;
            await order.Stored(transaction, done);
            return done;
        }

        // Step 2: a certificate of the RA, in the region that was decided about.
        CertificateRow? row = await CertificateStore.FindAsync(transaction, order.AuthorityId, order.Serial);
        Require(row?.Tbs is not null && row.RaName == order.RaName, Refusal.NotFound, "没有该证书。");
        Require(RegionCode.Parse(application.Region).Covers(RegionCode.Parse(row!.Region)), Refusal.OutOfScope, "该证书不在申请所写的区域内。");

        // Step 3: the RA and the officers, as they stand now; two persons.
        Require(await RaStore.FindAsync(transaction, order.RaName) is { Enabled: true }, Refusal.NotAllowed, "该RA已被停用。");
        VerifiedApproval entry = await directory.VerifyAsync(transaction, order.Approvals.EntrySigned);
        VerifiedApproval review = await directory.VerifyAsync(transaction, order.Approvals.ReviewSigned);
        var approved = ApprovedApplication.Create(application, entry, review);

        // Step 4: a state that it can leave this way. A revoked certificate leaves it no more.
        RequireState(order.Kind, row, now);

        // Step 5: the decision is spent.
        byte[] entryHash = await ApprovalStore.RecordAsync(transaction, order.Approvals.Entry, order.Approvals.EntrySigned.Officer, order.Approvals.EntryHash, now);
        byte[] reviewHash = await ApprovalStore.RecordAsync(transaction, order.Approvals.Review, order.Approvals.ReviewSigned.Officer, order.Approvals.ReviewHash, now);
        bool isFirst = await transaction.TryInsertAsync(
            """
            INSERT INTO status_decision (
                ra_name, enrollment_id, kind, request_id, certificate_id, application, entry_hash, entry_person, review_hash, review_person, decided_at)
            VALUES (@RaName, @EnrollmentId, @Kind, @RequestId, @CertificateId, @Application, @EntryHash, @EntryPerson, @ReviewHash, @ReviewPerson, @Now)
            """,
            new
            {
                order.RaName,
                application.EnrollmentId,
                Kind = (short)order.Kind,
                order.RequestId,
                row.CertificateId,
                Application = applicationBytes,
                EntryHash = entryHash,
                EntryPerson = entry.Officer.Identity.Person.ToArray(),
                ReviewHash = reviewHash,
                ReviewPerson = review.Officer.Identity.Person.ToArray(),
                Now = now,
            });
        Require(isFirst, Refusal.NotApproved, Spent);

        // Step 6: the change: row, CRL entry, event. Of two that change it at once, one is refused.
        if (order.Kind == DecisionKind.Resume && row.State == CertificateState.Held)
        {
            // What the CA's officers have put on hold, they release.
            Require(await CertificateStore.FindRevocationAsync(transaction, row) is { RaName: not null }, Refusal.OutOfScope, "该证书由CA冻结，须由CA解冻。");
        }

        var change = new StatusChange(order.Reason, order.Actor, now)
        {
            RaName = order.RaName,
            Decision =
            [
                new AuditField.Octets("application", approved.Digest),
                new AuditField.Octets("entry", entryHash),
                new AuditField.Octets("review", reviewHash),
            ],
        };
        bool changed = await (order.Kind switch
        {
            DecisionKind.Revoke => status.RevokeAsync(transaction, row, change),
            DecisionKind.Suspend => status.SuspendAsync(transaction, row, change),
            DecisionKind.Resume => status.ResumeAsync(transaction, row, change),
            _ => throw new ArgumentException($"{order.Kind} changes no status.", nameof(order)),
        });
        CertificateRow after = (await CertificateStore.FindAsync(transaction, row.CertificateId))!;
        if (!changed)
        {
            RequireState(order.Kind, after, now);
            throw new RefusalException(Refusal.InProgress, "该证书的状态正在变更，请稍后再试。", TimeSpan.FromSeconds(2));
        }

        // Step 7: the answer, in the same transaction.
        await order.Stored(transaction, after);
        return after;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.AlreadyRevoked"/>, <see cref="Refusal.WrongState"/>.</exception>
    internal static void RequireState(DecisionKind kind, CertificateRow row, DateTimeOffset now)
    {
        if (kind == DecisionKind.Revoke && row.State == CertificateState.Revoked)
        {
            throw new RefusalException(Refusal.AlreadyRevoked, "该证书已吊销。");
        }

        CertificateState[] from = kind switch
        {
            DecisionKind.Revoke => [CertificateState.Valid, CertificateState.Held],
            DecisionKind.Suspend => [CertificateState.Valid],
            _ => [CertificateState.Held],
        };
        string detail = row.State switch
        {
            CertificateState.Revoked => "该证书已吊销，不能冻结或解冻。",
            CertificateState.Held => "该证书已冻结。",
            CertificateState.Valid => "该证书未冻结。",
            _ => "该证书尚未签发。",
        };
        Require(from.Contains(row.State), Refusal.WrongState, detail);
        Require(!CertificateStatus.IsExpired(row, now), Refusal.WrongState, "该证书已过期。");
    }

    private sealed record Decided
    {
        public required byte[] CertificateId { get; init; }

        public required string RequestId { get; init; }

        public required byte[] Application { get; init; }
    }
}
