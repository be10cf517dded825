using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;

namespace ZwCa.Kmc.Recoveries;

/// <summary>
/// User recovery up to the device's call, and what is kept of it: docs/KEY-RECOVERY.md, in the same steps. The rest is the way of every message, in <see cref="AnswerRequests"/>. Safe for
/// concurrent use, also on several nodes.
/// </summary>
internal sealed class PlanRecovery(Database database, AuditLog log, ApprovalVerifier verifier, TimeProvider time)
{
    public const string IntendAction = "recovery.intend";
    public const string DeliverAction = "recovery.deliver";
    public const string RefuseAction = "recovery.refuse";

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    /// <summary>The papers are about this message, and by two persons in office. An attempt with others is an event.</summary>
    /// <exception cref="RefusalException">
    /// As <see cref="RecoveryPapers.RequireAbout"/>, <see cref="ApprovalVerifier"/>, <see cref="OfficerCrl"/>, <see cref="SignedApproval.WithCrl"/> and <see cref="ApprovedApplication.Create"/> have them.
    /// </exception>
    public async Task<ApprovedRecovery> VerifyAsync(ServedCa ca, KsRequest message, RecoveryPapers papers, CancellationToken cancellationToken)
    {
        try
        {
            // Step 3: for this CA, this key and this recipient.
            papers.RequireAbout(ca, message);

            // Step 4: each approval by itself, then who gave it: in office by a list no older than any that was seen, and two persons. A list counts as seen whatever becomes of the papers.
            OfficerCrl crl = await SeeAsync(papers.Crl, cancellationToken);
            SignedApproval entry = verifier.Verify(papers.Entry, papers.Application);
            SignedApproval review = verifier.Verify(papers.Review, papers.Application);
            return new ApprovedRecovery(papers, ApprovedApplication.Create(papers.Application, entry.WithCrl(crl), review.WithCrl(crl)), crl);
        }
        catch (RefusalException e)
        {
            await RefuseAsync(ca, papers, e);
            throw;
        }
    }

    /// <summary>Step 5: spends the application, and says what will be done before the device does it.</summary>
    /// <param name="row">In use or in history.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotApproved"/>: the application is spent, or its number is another one's; <see cref="Refusal.Expired"/>, <see cref="Refusal.InProgress"/>: as <see cref="OfficerCrlStore.RaiseAsync"/> has them.
    /// </exception>
    public async Task<Answer> IntendAsync(ServedCa ca, TaskRow task, EscrowedKey row, ApprovedRecovery recovery, CancellationToken cancellationToken)
    {
        (RecoveryPapers papers, ApprovedApplication approved, OfficerCrl crl) = recovery;
        DateTimeOffset earlier = papers.Entry.Tbs.Time < papers.Review.Tbs.Time ? papers.Entry.Tbs.Time.Value : papers.Review.Tbs.Time.Value;
        var intention = new KeyRecoveryRow
        {
            CaId = ca.CaId,
            RaName = papers.Application.RaName,
            EnrollmentId = papers.Application.EnrollmentId,
            ApplicationDigest = approved.Digest.ToArray(),
            KeyId = row.KeyId,
            Recipient = Sm3.HashData(Der.Encode(papers.Body.Recipient)),
            TaskNo = task.TaskNo,
            State = KeyRecoveryState.Intended,
            Application = Der.Encode(papers.Application),
            EntryApproval = Der.Encode(papers.Entry),
            ReviewApproval = Der.Encode(papers.Review),
            EntryPerson = approved.Entry.Officer.Identity.Person.ToArray(),
            ReviewPerson = approved.Review.Officer.Identity.Person.ToArray(),
            ApprovedUntil = earlier + ApprovalVerifier.MaxAge,
            IntendedAt = time.GetUtcNow(),
        };
        try
        {
            await database.WriteAsync(
                async transaction =>
                {
                    await OfficerCrlStore.RaiseAsync(transaction, crl, intention.IntendedAt);
                    await SpendAsync(transaction, intention);
                    await log.AppendAsync(transaction, EventOf(
                        ca,
                        IntendAction,
                        row,
                        intention,
                        AuditOutcome.Intended,
                        new AuditField.Octets("issuer", papers.Body.Issuer),
                        new AuditField.Text("crl", crl.Number.ToString(System.Globalization.CultureInfo.InvariantCulture))));
                },
                cancellationToken);
        }
        catch (RefusalException e) when (e.RetryAfter is null)
        {
            await RefuseAsync(ca, papers, e);
            throw;
        }

        FaultPoint.Reach("recovery-intended");
        return new Answer { Kind = AnswerKind.Recover, Row = row, Recipient = papers.Body.Recipient, Recovery = intention };
    }

    /// <summary>With the answer: the application is spent for good.</summary>
    /// <param name="after">The key as it is stored from now on.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.InProgress"/>: another message has taken it over.</exception>
    public async Task DeliverAsync(Transaction transaction, ServedCa ca, EscrowedKey after, KeyRecoveryRow recovery)
    {
        if (!await KeyRecoveryStore.DeliverAsync(transaction, recovery, time.GetUtcNow()))
        {
            throw new RefusalException(Refusal.InProgress, "该恢复申请正由另一报文办理。", RetryAfter);
        }

        // Nobody asks for the envelope to the lost key again. Others whose answer it was in ask for a restoration.
        if (after.State == KeyState.InUse)
        {
            await DeliveredKeyStore.EraseOthersAsync(transaction, after.KeyId, recovery.TaskNo);
        }

        await log.AppendAsync(transaction, EventOf(
            ca,
            DeliverAction,
            after,
            recovery,
            AuditOutcome.Done,
            new AuditField.Number("stateVersion", after.StateVersion),
            new AuditField.Octets("mac", after.Mac)));
    }

    /// <summary>An attempt at somebody's key that came to nothing is for the auditor.</summary>
    public Task RefuseAsync(ServedCa ca, RecoveryPapers papers, RefusalException refusal) => database.WriteAsync(
        transaction => log.AppendAsync(
            transaction,
            new AuditEvent(ca.Actor, RefuseAction, new AuditObject("certificate", $"{ca.Name}/{papers.Body.SerialNumber}"), AuditOutcome.Refused)
            {
                Fields = [new AuditField.Octets("application", papers.Application.Digest), new AuditField.Text("refusal", refusal.Kind.ToString())],
            }),
        CancellationToken.None);

    private async Task<OfficerCrl> SeeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, BigInteger> seen = await database.ReadAsync(OfficerCrlStore.ListAsync, cancellationToken);
        OfficerCrl crl = OfficerCrl.Verify(bytes, verifier.Issuers, time.GetUtcNow(), issuer => seen.GetValueOrDefault(Convert.ToHexStringLower(issuer.Span)));
        await database.WriteAsync(transaction => OfficerCrlStore.RaiseAsync(transaction, crl, time.GetUtcNow()), cancellationToken);
        return crl;
    }

    private static async Task SpendAsync(Transaction transaction, KeyRecoveryRow intention)
    {
        if (await KeyRecoveryStore.TryAddAsync(transaction, intention) || await KeyRecoveryStore.TakeOverAsync(transaction, intention))
        {
            return;
        }

        KeyRecoveryRow? known = await KeyRecoveryStore.FindAsync(transaction, intention.CaId, intention.RaName, intention.EnrollmentId);
        throw new RefusalException(
            Refusal.NotApproved,
            known?.ApplicationDigest.AsSpan().SequenceEqual(intention.ApplicationDigest) == true ? "该恢复申请已经办理，不能再次使用。" : "该业务编号已用于另一恢复申请。");
    }

    private static AuditEvent EventOf(ServedCa ca, string action, EscrowedKey row, KeyRecoveryRow recovery, AuditOutcome outcome, params IReadOnlyList<AuditField> more) =>
        new(ca.Actor, action, new AuditObject("key", Convert.ToHexStringLower(row.KeyId)), outcome)
        {
            Fields =
            [
                new AuditField.Text("ca", ca.Name), new AuditField.Text("serial", row.Serial!), new AuditField.Octets("recipient", recovery.Recipient),
                new AuditField.Octets("application", recovery.ApplicationDigest),
                new AuditField.Octets("entry", Sm3.HashData(recovery.EntryApproval)), new AuditField.Octets("entryPerson", recovery.EntryPerson),
                new AuditField.Octets("review", Sm3.HashData(recovery.ReviewApproval)), new AuditField.Octets("reviewPerson", recovery.ReviewPerson),
                .. more,
            ],
        };
}
