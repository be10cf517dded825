using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Crls;
using ZwCa.Ca.KeyCentre;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Pairs;

/// <summary>What an RA's officers decided: this key, to that signing key.</summary>
/// <param name="Stored">What else belongs into the transaction: the answer. May run twice.</param>
internal sealed record RecoveryOrder(string RaName, string RequestId, AuditActor Actor, Approvals Approvals, RecoveryBody Body, PairRow Pair, Func<Transaction, Task> Stored);

/// <summary>
/// Gives a subscriber his encryption key again, to a signing key that is his: docs/KEY-RECOVERY.md. This CA asks and passes on; KMC and device look at the same decision themselves. Safe for
/// concurrent use, on any number of nodes.
/// </summary>
internal sealed class RecoverKey(Database database, AuditLog log, AuditGate gate, AuthorityList authorities, OfficerDirectory directory, KeyCentreClient? centre, TimeProvider time)
{
    public const string RecoverAction = "key.recover";

    private KeyCentreClient Centre => centre ?? throw new RefusalException(Refusal.OutOfScope, "本CA未配置密钥管理中心，不恢复密钥。");

    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotApproved"/> (another key, spent already), <see cref="Refusal.NotFound"/> (not the RA's; no such signing certificate), <see cref="Refusal.WrongState"/> (the signing
    /// certificate is not valid), <see cref="Refusal.OutOfScope"/> (region), <see cref="Refusal.NotAllowed"/>, <see cref="Refusal.AuditUnavailable"/>, and what the KMC refuses.
    /// </exception>
    public async Task RunAsync(RecoveryOrder order, CancellationToken cancellationToken)
    {
        // Step 1: was it decided about before? By the same request it goes on.
        Application application = order.Approvals.Application;
        byte[] applicationBytes = Der.Encode(application);
        Row? row = await database.ReadAsync(transaction => FindAsync(transaction, order), cancellationToken);
        if (row is null)
        {
            await gate.RequireAsync(cancellationToken);
            byte[] message = await Centre.SignRestoreAsync(order.Body.SerialNumber, order.Body.Recipient, cancellationToken);
            row = await database.WriteAsync(transaction => IntendAsync(transaction, order, applicationBytes, message), cancellationToken);
            FaultPoint.Reach("recovery-intended");
        }

        Require(row.RequestId == order.RequestId && row.Application.AsSpan().SequenceEqual(applicationBytes), Refusal.NotApproved, "该申请的审批意见已使用。");
        if (row.DeliveryId is not null)
        {
            await database.WriteAsync(order.Stored, cancellationToken);
            return;
        }

        // Step 2: the KMC, which verifies the decision by itself.
        EscrowedPair key = await AskAsync(order, row, cancellationToken);
        FaultPoint.Reach("recovery-answered");

        // Step 3: the envelope, the event and the answer together. Never cancelled: it was given.
        await database.WriteAsync(transaction => StoreAsync(transaction, order, key));
    }

    private static Task<Row?> FindAsync(Transaction transaction, RecoveryOrder order) => transaction.FindAsync<Row>(
        "SELECT request_id, application, message, delivery_id, recipient_id FROM key_recovery WHERE ra_name = @RaName AND enrollment_id = @EnrollmentId",
        new { order.RaName, order.Approvals.Application.EnrollmentId });

    private async Task<Row> IntendAsync(Transaction transaction, RecoveryOrder order, byte[] application, byte[] message)
    {
        // The key of a pair of the RA, in the region that was decided about.
        DateTimeOffset now = time.GetUtcNow();
        CertificateRow encryption = (await CertificateStore.FindAsync(transaction, order.Pair.EncryptionId))!;
        Require(RegionCode.Parse(order.Approvals.Application.Region).Covers(RegionCode.Parse(encryption.Region)), Refusal.OutOfScope, "该证书不在申请所写的区域内。");
        Require(encryption.Signature is not null, Refusal.WrongState, "该双证书未签发。");
        Require(
            order.Body.SerialNumber.ToString() == order.Pair.KeySerial && order.Body.Issuer.Span.SequenceEqual(authorities[encryption.AuthorityId].Issuer.KeyIdentifier.Span),
            Refusal.NotApproved,
            "申请所写的密钥不是该双证书的密钥。");

        // To a signing key of the same subscriber, whose certificate holds.
        byte[] keyHash = Sm3.HashData(Der.Encode(order.Body.Recipient));
        IReadOnlyList<CertificateRow> recipients = await transaction.QueryAsync<CertificateRow>(
            $"SELECT {CertificateRow.Columns} FROM certificate WHERE owner = @Owner AND key_hash = @KeyHash ORDER BY certificate_id DESC", new { encryption.Owner, KeyHash = keyHash });
        CertificateRow recipient = recipients.FirstOrDefault(each => each.State == CertificateState.Valid)
            ?? (recipients.Count == 0
                ? throw new RefusalException(Refusal.NotFound, "恢复所用的签名公钥没有该主体的证书，请先为新令牌签发证书。")
                : throw new RefusalException(Refusal.WrongState, "恢复所用的签名证书已吊销、已冻结或未签发。"));
        Require(await CertificateStore.HoldValidAsync(transaction, recipient.CertificateId, now), Refusal.WrongState, "恢复所用的签名证书已过期。");
        Require(await PairStore.FindAsync(transaction, recipient.CertificateId) is not null, Refusal.WrongState, "恢复所用的签名证书不是双证书之一。");

        // The RA and the officers, as they stand now; two persons.
        Require(await RaStore.HoldEnabledAsync(transaction, order.RaName), Refusal.NotAllowed, "该RA已被停用。");
        VerifiedApproval entry = await directory.VerifyAsync(transaction, order.Approvals.EntrySigned);
        VerifiedApproval review = await directory.VerifyAsync(transaction, order.Approvals.ReviewSigned);
        var approved = ApprovedApplication.Create(order.Approvals.Application, entry, review);
        byte[] entryHash = await ApprovalStore.RecordAsync(transaction, order.Approvals.Entry, order.Approvals.EntrySigned.Officer, order.Approvals.EntryHash, now);
        byte[] reviewHash = await ApprovalStore.RecordAsync(transaction, order.Approvals.Review, order.Approvals.ReviewSigned.Officer, order.Approvals.ReviewHash, now);
        bool isFirst = await transaction.TryInsertAsync(
            """
            INSERT INTO key_recovery (
                ra_name, enrollment_id, request_id, pair_id, recipient_id, application, entry_hash, entry_person, review_hash, review_person, message, decided_at)
            VALUES (@RaName, @EnrollmentId, @RequestId, @PairId, @RecipientId, @Application, @EntryHash, @EntryPerson, @ReviewHash, @ReviewPerson, @Message, @Now)
            """,
            new
            {
                order.RaName,
                order.Approvals.Application.EnrollmentId,
                order.RequestId,
                order.Pair.PairId,
                RecipientId = recipient.CertificateId,
                Application = application,
                EntryHash = entryHash,
                EntryPerson = entry.Officer.Identity.Person.ToArray(),
                ReviewHash = reviewHash,
                ReviewPerson = review.Officer.Identity.Person.ToArray(),
                Message = message,
                Now = now,
            });
        if (!isFirst)
        {
            return (await FindAsync(transaction, order))!;
        }

        await RecordAsync(
            transaction,
            order,
            encryption,
            AuditOutcome.Intended,
            new AuditField.Octets("application", approved.Digest),
            new AuditField.Octets("recipient", keyHash),
            new AuditField.Octets("entry", entryHash),
            new AuditField.Octets("review", reviewHash));
        return (await FindAsync(transaction, order))!;
    }

    /// <summary>The message that is on record; one that the KMC does not know and that is too old by now is made anew: of it nothing came.</summary>
    private async Task<EscrowedPair> AskAsync(RecoveryOrder order, Row row, CancellationToken cancellationToken)
    {
        byte[] crl = await ReadOfficerCrlAsync(cancellationToken);
        try
        {
            return await Centre.RecoverAsync(RequestOf(order, row.Message, crl), cancellationToken);
        }
        catch (RefusalException e) when (e.Kind == Refusal.Expired)
        {
            byte[] message = await Centre.SignRestoreAsync(order.Body.SerialNumber, order.Body.Recipient, cancellationToken);
            int replaced = await database.WriteAsync(
                transaction => transaction.ExecuteAsync(
                    "UPDATE key_recovery SET message = @Message WHERE ra_name = @RaName AND enrollment_id = @EnrollmentId AND message = @Old AND delivery_id IS NULL",
                    new { Message = message, order.RaName, order.Approvals.Application.EnrollmentId, Old = row.Message }),
                cancellationToken);
            if (replaced != 1)
            {
                throw new RefusalException(Refusal.InProgress, "该申请正在处理，请稍后再试。", TimeSpan.FromSeconds(5), e);
            }

            try
            {
                return await Centre.RecoverAsync(RequestOf(order, message, crl), cancellationToken);
            }
            catch (RefusalException again) when (again.Kind == Refusal.Expired)
            {
                // Not the message, then: the list of revoked officers, and of that there will be another.
                throw new RefusalException(Refusal.Unavailable, $"密钥管理中心暂不受理恢复：{again.Message}", TimeSpan.FromMinutes(1), again);
            }
        }
    }

    private static KeyRecovery RequestOf(RecoveryOrder order, byte[] message, byte[] crl) => new()
    {
        Message = message,
        Application = Der.Encode(order.Approvals.Application),
        Entry = Der.Encode(order.Approvals.Entry),
        Review = Der.Encode(order.Approvals.Review),
        OfficerCrl = crl,
    };

    /// <summary>The complete one of the CA that certifies officers, as it was published last.</summary>
    private Task<byte[]> ReadOfficerCrlAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async transaction =>
        {
            CrlRow crl = await CrlStore.FindPublishedAsync(transaction, new CrlScope(authorities.Operations, CrlScope.Complete))
                ?? throw new RefusalException(Refusal.Unavailable, "人员证书的吊销列表尚未发布，请稍后重试。", TimeSpan.FromMinutes(1));
            using var content = new MemoryStream();
            for (long part = 0; await CrlStore.FindPartAsync(transaction, crl.CrlId, part) is { } bytes; part++)
            {
                content.Write(bytes);
            }

            return content.ToArray();
        },
        cancellationToken);

    private async Task StoreAsync(Transaction transaction, RecoveryOrder order, EscrowedPair key)
    {
        DateTimeOffset now = time.GetUtcNow();
        Row row = (await FindAsync(transaction, order))!;
        if (row.DeliveryId is null)
        {
            await PairStore.WithdrawAsync(transaction, order.Pair, now);
            byte[] delivery = await PairStore.AddDeliveryAsync(transaction, order.Pair.PairId, row.RecipientId, key, now);
            int ended = await transaction.ExecuteAsync(
                "UPDATE key_recovery SET delivery_id = @Delivery WHERE ra_name = @RaName AND enrollment_id = @EnrollmentId AND delivery_id IS NULL",
                new { Delivery = delivery, order.RaName, order.Approvals.Application.EnrollmentId });
            if (ended != 1)
            {
                throw new RefusalException(Refusal.InProgress, "该申请正在处理，请稍后再试。", TimeSpan.FromSeconds(2));
            }

            CertificateRow encryption = (await CertificateStore.FindAsync(transaction, order.Pair.EncryptionId))!;
            await RecordAsync(
                transaction, order, encryption, AuditOutcome.Done, new AuditField.Octets("keyReply", key.ReplyHash), new AuditField.Octets("delivery", delivery));
        }

        await order.Stored(transaction);
    }

    private Task RecordAsync(Transaction transaction, RecoveryOrder order, CertificateRow encryption, AuditOutcome outcome, params IReadOnlyList<AuditField> fields) => log.AppendAsync(
        transaction, new AuditEvent(order.Actor, RecoverAction, encryption.ObjectOf(authorities), outcome) { Fields = [new AuditField.Text("request", order.RequestId), .. fields] });

    private sealed record Row
    {
        public required string RequestId { get; init; }

        public required byte[] Application { get; init; }

        public required byte[] Message { get; init; }

        public required byte[] RecipientId { get; init; }

        public byte[]? DeliveryId { get; init; }
    }
}
