using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.KeyCentre;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ca.Pairs;

/// <summary>
/// Takes what a subscriber's token says of an envelope: docs/DUAL-CERTIFICATES.md. From then on CA and KMC have it no more. Where the token found another key than the certificate's, the pair is
/// revoked: somebody has a certificate for a key that the subscriber has not. Safe for concurrent use.
/// </summary>
internal sealed partial class PairReceipts(
    Database database, AuditLog log, AuthorityList authorities, CertificateStatus status, KeyCentreClient? centre, TimeProvider time, ILogger<PairReceipts> logger)
{
    public const string ReceiptAction = "pair.receipt";
    public const string MismatchAction = "pair.mismatch";

    /// <summary>Field of the events, and of the revocation: SM3 of the receipt.</summary>
    public const string ReceiptField = "receipt";

    private const string Withdrawn = "该次密钥交付已撤回，不再签收。";

    /// <param name="stored">The answer, in the same transaction. May run twice.</param>
    /// <returns>The pair.</returns>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.Malformed"/>; <see cref="Refusal.NotFound"/>: of another delivery; <see cref="Refusal.BadSignature"/>: not signed with the signing key; <see cref="Refusal.NotApproved"/>: of
    /// another certificate or envelope; <see cref="Refusal.WrongState"/>: another receipt was there before.
    /// </exception>
    public async Task<PairRow> RunAsync(PairRow pair, byte[] bytes, AuditActor actor, Func<Transaction, Task> stored, CancellationToken cancellationToken)
    {
        SignedReceipt signed = Decode<SignedReceipt>(bytes, "签收回执");
        Taken taken = await database.WriteAsync(transaction => RunAsync(transaction, pair, signed, bytes, actor, stored), cancellationToken);
        if (taken is not (Taken.Received or Taken.Known))
        {
            LogMismatch(logger, Convert.ToHexStringLower(pair.PairId), taken);
        }

        return taken == Taken.MismatchTooLate ? throw new RefusalException(Refusal.WrongState, Withdrawn) : pair;
    }

    private async Task<Taken> RunAsync(Transaction transaction, PairRow pair, SignedReceipt signed, byte[] bytes, AuditActor actor, Func<Transaction, Task> stored)
    {
        // Step 1: of this pair, by the key that the envelope is for, about what was sent.
        DeliveryReceipt receipt = signed.Receipt;
        DeliveryRow delivery = await PairStore.FindDeliveryAsync(transaction, pair.PairId, receipt.Pair.ToArray()) ?? throw new RefusalException(Refusal.NotFound, "没有该次密钥交付。");
        CertificateRow recipient = (await CertificateStore.FindAsync(transaction, delivery.RecipientId))!;
        CertificateRow encryption = (await CertificateStore.FindAsync(transaction, pair.EncryptionId))!;
        Require(signed.Verify(recipient.FindCertificate()!.Tbs.SubjectPublicKeyInfo), Refusal.BadSignature, "签收回执不是用签名证书的私钥签署的。");
        Require(
            receipt.Issuer.Span.SequenceEqual(authorities[recipient.AuthorityId].Issuer.KeyIdentifier.Span) && receipt.SigningSerial.ToString() == recipient.Serial
                && receipt.EncryptionSerial.ToString() == encryption.Serial,
            Refusal.NotApproved,
            "签收回执中的证书与所交付的不同。");

        // Step 2: once. The same again changes nothing.
        DateTimeOffset now = time.GetUtcNow();
        if (delivery.Receipt is { } earlier)
        {
            Require(earlier.AsSpan().SequenceEqual(bytes), Refusal.WrongState, "该次密钥交付已有签收回执。");
            await stored(transaction);
            return Taken.Known;
        }

        bool isMismatch = receipt.Outcome == DeliveryOutcome.KeyMismatch;
        if (delivery.State != DeliveryState.Waiting && isMismatch)
        {
            // It changes nothing any more, but what a token says of a wrong key nobody may miss.
            await RecordAsync(transaction, MismatchAction, encryption, delivery, bytes, actor, AuditOutcome.Refused);
            return Taken.MismatchTooLate;
        }

        Require(delivery.State == DeliveryState.Waiting, Refusal.WrongState, Withdrawn);
        EscrowedPair sent = centre?.Read(delivery.Reply!, SerialNumber.Parse(pair.KeySerial)) ?? throw new InvalidOperationException("There is a delivery, and no key centre in the configuration.");
        Require(receipt.Envelope.Span.SequenceEqual(Sm3.HashData(Der.Encode(sent.Envelope))), Refusal.NotApproved, "令牌收到的数字信封与本CA所发的不同：传送中被更改，请重新领取。");

        // Step 3: the envelope goes, here and, when it is told, at the KMC.
        if (!await PairStore.EndDeliveryAsync(transaction, delivery, isMismatch ? DeliveryState.Refused : DeliveryState.Delivered, bytes, now))
        {
            throw new RefusalException(Refusal.InProgress, "该次密钥交付正在签收，请稍后再试。", TimeSpan.FromSeconds(2));
        }

        await KeyTaskStore.AddAsync(transaction, KeyTaskKind.Receipt, pair.EncryptionId, pair.KeySerial, now, delivery.TaskNo);
        await RecordAsync(transaction, isMismatch ? MismatchAction : ReceiptAction, encryption, delivery, bytes, actor, isMismatch ? AuditOutcome.Refused : AuditOutcome.Done);

        // Step 4: a certificate for a key that nobody knows who has: the pair ends. Where a key was recovered to another token, the pair to which it belongs goes on: its first token has had it.
        bool ends = isMismatch && delivery.RecipientId.AsSpan().SequenceEqual(pair.PairId);
        if (ends)
        {
            var change = new StatusChange(RevocationReason.CessationOfOperation, actor, now) { Decision = [new AuditField.Octets(ReceiptField, Sm3.HashData(bytes))] };
            await status.RevokePairAsync(transaction, (await CertificateStore.FindAsync(transaction, pair.PairId))!, encryption, change);
        }

        await stored(transaction);
        return ends ? Taken.PairRevoked : isMismatch ? Taken.RecoveryRefused : Taken.Received;
    }

    private Task RecordAsync(
        Transaction transaction, string action, CertificateRow encryption, DeliveryRow delivery, byte[] receipt, AuditActor actor, AuditOutcome outcome) => log.AppendAsync(
        transaction,
        new AuditEvent(actor, action, encryption.ObjectOf(authorities), outcome)
        {
            Fields = [new AuditField.Octets(ReceiptField, Sm3.HashData(receipt)), new AuditField.Octets("keyReply", delivery.ReplyHash), new AuditField.Octets("delivery", delivery.DeliveryId)],
        });

    [LoggerMessage(Level = LogLevel.Critical, Message = "Pair {Pair}: the token found another key in the envelope than the certificate's ({Taken}). Look at the KMC and at this CA: one of them is not what it should be")]
    private static partial void LogMismatch(ILogger logger, string pair, Taken taken);

    /// <summary>What became of a receipt.</summary>
    private enum Taken
    {
        Received,

        /// <summary>It was there before.</summary>
        Known,

        /// <summary>Another key was found, and the pair is revoked.</summary>
        PairRevoked,

        /// <summary>Another key was found in the envelope of a recovery; the pair goes on.</summary>
        RecoveryRefused,

        /// <summary>Another key was found, and the envelope had been withdrawn by then.</summary>
        MismatchTooLate,
    }
}
