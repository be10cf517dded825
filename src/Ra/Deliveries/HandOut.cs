using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Outbox;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Deliveries;

/// <summary>
/// Hands out what was issued (trust.md §9): whoever proves that he has the signing key gets it, until his token has signed the receipt. The encryption key passes through; nothing of it is kept
/// here.
/// </summary>
internal sealed class HandOut(
    Database database, AuditLog log, EnrollmentStore enrollments, CaClient ca, PrepareRequest prepare, OutboxSignal signal, TimeProvider time)
{
    private const int ChallengeLength = 32;
    private const string Domain = "ZWCA-DELIVERY1";
    private const string Forms = "?forms=envelopedKeyBlob,csrResponse";

    private static readonly TimeSpan ValidFor = TimeSpan.FromMinutes(5);

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.WrongState"/>: there is nothing to hand out.</exception>
    public async Task<DeliveryChallenge> ChallengeAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        (Enrollment enrollment, _) = await FindAsync(officer, id, cancellationToken);
        byte[] challenge = RandomNumberGenerator.GetBytes(ChallengeLength);
        DateTimeOffset until = time.GetUtcNow() + ValidFor;
        Require(await database.WriteAsync(transaction => DeliveryStore.ChallengeAsync(transaction, enrollment.EnrollmentId, challenge, until), cancellationToken), Refusal.WrongState, "该业务没有待领取的证书。");
        return new DeliveryChallenge { Challenge = challenge, ValidUntil = until };
    }

    /// <exception cref="RefusalException">
    /// As <see cref="ChallengeAsync"/>; <see cref="Refusal.BadSignature"/>: not the key's, or of another challenge; <see cref="Refusal.Expired"/>: the challenge; <see cref="Refusal.Unavailable"/>: the CA.
    /// </exception>
    public async Task<DeliveryAnswer> FetchAsync(Officer officer, string id, DeliveryRequest request, CancellationToken cancellationToken)
    {
        // Step 1: the key's answer to the last challenge, once.
        (Enrollment enrollment, Delivery delivery) = await FindAsync(officer, id, cancellationToken);
        Require(delivery.Challenge is not null && delivery.ChallengeUntil > time.GetUtcNow(), Refusal.Expired, "领取口令已失效，请重新获取。");
        byte[] signed = [.. Encoding.ASCII.GetBytes(Domain), .. Encoding.ASCII.GetBytes(enrollment.Id), .. delivery.Challenge!];
        Require(
            request.Proof is not null && CsrKeys.Verify(Der.Decode<SubjectPublicKeyInfo>(delivery.Recipient), signed, request.Proof),
            Refusal.BadSignature,
            "领取证明的签名无效：须用申请时所用令牌的签名密钥。");

        // Step 2: from the CA, which has the key's envelope until the receipt; this RA keeps none.
        PairAnswer? pair = delivery.PairId is { } pairId ? await ca.GetAsync<PairAnswer>($"/pairs/{Convert.ToHexStringLower(pairId)}{Forms}", cancellationToken) : null;
        bool isDone = pair is null || pair.Delivery == "kept";
        Require(isDone || pair!.Delivery == "waiting", Refusal.WrongState, "该次密钥交付已签收或已撤回，不能再领取。");
        Require(isDone || pair!.Envelope is not null, Refusal.WrongState, "证书已冻结或已吊销，暂不能领取加密密钥；解冻后可再次领取。");
        await database.WriteAsync(
            async transaction =>
            {
                Require(await DeliveryStore.FetchAsync(transaction, enrollment.EnrollmentId, delivery.Challenge!, time.GetUtcNow()), Refusal.Expired, "领取口令已失效，请重新获取。");
                await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "delivery.fetch", EnrollmentStore.ObjectOf(enrollment.Id), AuditOutcome.Done)
                {
                    Fields = pair?.Envelope is { } envelope ? [new AuditField.Octets("envelope", Sm3.HashData(envelope))] : [],
                });

                // Step 3: where no key comes along, the proof was the receipt.
                if (isDone)
                {
                    await EndAsync(transaction, officer, enrollment);
                }
            },
            cancellationToken);
        if (isDone)
        {
            signal.Raise();
        }

        byte[]? single = pair is null ? (await database.ReadAsync(transaction => IssuedCertificateStore.ListOfEnrollmentAsync(transaction, enrollment.EnrollmentId), cancellationToken))[0].Certificate : null;
        return new DeliveryAnswer { State = isDone ? "received" : "waiting", Pair = pair, Certificate = single };
    }

    /// <summary>What the token says of the key; the CA hears of it through the outbox, and the enrollment is delivered when it has said that it knows.</summary>
    /// <exception cref="RefusalException">As <see cref="ChallengeAsync"/>; <see cref="Refusal.BadSignature"/>; <see cref="Refusal.Malformed"/>.</exception>
    public async Task ReceiveAsync(Officer officer, string id, PairReceipt request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        (Enrollment enrollment, Delivery delivery) = await FindAsync(officer, id, cancellationToken);
        SignedReceipt receipt = Decode<SignedReceipt>(request.Receipt ?? [], "签收回执");
        Require(delivery.PairId is not null, Refusal.WrongState, "该业务没有加密密钥，无须签收。");
        Require(receipt.Verify(Der.Decode<SubjectPublicKeyInfo>(delivery.Recipient)), Refusal.BadSignature, "签收回执不是用申请时所用令牌的签名密钥签署的。");
        short number = await database.ReadAsync(
            transaction => transaction.GetAsync<short>(
                "SELECT MAX(number) FROM review WHERE enrollment_id = @EnrollmentId AND round = @Round", new { enrollment.EnrollmentId, enrollment.Round }),
            cancellationToken);
        OutboxRow row = prepare.OfReceipt(enrollment, number, delivery.PairId!, request.Receipt!);
        await database.WriteAsync(
            async transaction =>
            {
                Require(await DeliveryStore.KeepReceiptAsync(transaction, enrollment.EnrollmentId, request.Receipt!), Refusal.WrongState, "该业务已签收，正在通知CA。");
                await OutboxStore.AddAsync(transaction, row);
                await log.AppendAsync(transaction, new AuditEvent(officer.Actor, "delivery.receipt", EnrollmentStore.ObjectOf(enrollment.Id), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("receipt", Sm3.HashData(request.Receipt))],
                });
                await answer(transaction);
            },
            cancellationToken);
        FaultPoint.Reach("receipt-kept");
        signal.Raise();
    }

    private async Task EndAsync(Transaction transaction, Officer officer, Enrollment enrollment)
    {
        DateTimeOffset now = time.GetUtcNow();
        await DeliveryStore.EndAsync(transaction, enrollment.EnrollmentId, DeliveryState.Received, now);
        await OutboxStore.LetGoAsync(transaction, enrollment.EnrollmentId, OutboxState.Waiting, now);
        await enrollments.MoveAsync(transaction, enrollment, new EnrollmentMove(officer.Actor, "enrollment.deliver", EnrollmentState.Delivered));
    }

    private Task<(Enrollment Enrollment, Delivery Delivery)> FindAsync(Officer officer, string id, CancellationToken cancellationToken) => database.ReadAsync(
        async transaction =>
        {
            Enrollment enrollment = officer.RequireVisible(await EnrollmentStore.FindAsync(transaction, Page.Id(id)));
            Delivery? delivery = await DeliveryStore.FindAsync(transaction, enrollment.EnrollmentId);
            return enrollment.State == EnrollmentState.Issued && delivery is { State: DeliveryState.Waiting }
                ? (enrollment, delivery)
                : throw new RefusalException(Refusal.WrongState, $"该业务的状态是“{EnrollmentNames.Chinese(enrollment.State)}”，没有待领取的证书。");
        },
        cancellationToken);
}
