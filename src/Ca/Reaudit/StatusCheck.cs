using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Pairs;
using ZwCa.Cryptography;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Whether a certificate's status is what the log says, and whether each change of it was decided by those who may: an RA's two officers, officers of the CA, or a token that has found another key.
/// Safe for concurrent use.
/// </summary>
internal sealed class StatusCheck(ApprovalCheck approvals, StatusCommandCheck commands, CaOptions options)
{
    /// <summary>state_version of a row that was intended, once it is, and of a valid one.</summary>
    private const int IntendedVersion = 2;

    /// <summary>state_version of a row that was imported.</summary>
    private const int ImportedVersion = 1;

    /// <param name="found">What does not agree is added to it.</param>
    public void Judge(List<Discrepancy> found, CertificateRecords records, bool isImported)
    {
        CertificateRow row = records.Row;
        ListedEvent[] changes = [.. records.Events
            .Where(each => each.Leaf.Action is CertificateStatus.RevokeAction or CertificateStatus.SuspendAction or CertificateStatus.ResumeAction or FinishIssuance.AbandonAction)
            .OrderBy(each => CertificateRecords.NumberOf(each.Leaf, CertificateStatus.VersionField))];
        (CertificateState state, long version) = isImported ? (CertificateState.Valid, ImportedVersion) : row.Signature is null ? (CertificateState.Intended, IntendedVersion) : (CertificateState.Valid, IntendedVersion + 1);
        (string Reason, long? At, long? InvalidFrom, string? RaName)? entry = null;
        foreach (AuditLeaf leaf in changes.Select(each => each.Leaf))
        {
            version++;
            string reason = leaf.Fields.OfType<AuditField.Text>().FirstOrDefault(field => field.Name == CertificateStatus.ReasonField)?.Value ?? "";
            long? at = CertificateRecords.NumberOf(leaf, CertificateStatus.RevokedAtField);
            long? invalidFrom = CertificateRecords.NumberOf(leaf, CertificateStatus.InvalidFromField);

            // Who has put it on hold, stays in the entry when it is revoked: he alone may have ended the hold.
            string? ra = leaf.Action == CertificateStatus.SuspendAction && CertificateRecords.OctetsOf(leaf, "application") is not null ? row.RaName : entry?.RaName;
            (state, entry) = leaf.Action switch
            {
                CertificateStatus.ResumeAction => (CertificateState.Valid, null),
                CertificateStatus.SuspendAction => (CertificateState.Held, (reason, at, invalidFrom, ra)),
                CertificateStatus.RevokeAction => (CertificateState.Revoked, (reason, at, invalidFrom, ra)),
                _ => (CertificateState.Revoked, ((string, long?, long?, string?)?)(CertificateStatus.NameOf(RevocationReason.CessationOfOperation), null, null, null)),
            };
        }

        Discrepancy.Require(found, row.State == state && row.StateVersion == version, "state", $"the row is {row.State} of version {row.StateVersion}, the log says {state} of version {version}");
        RevocationRow? revocation = records.Revocation;
        bool agrees = entry is not { } expected
            ? revocation is null
            : revocation is not null && CertificateStatus.NameOf(revocation.Reason) == expected.Reason && revocation.NotAfter == row.NotAfter
                && (expected.At is null || revocation.RevokedAt.ToUnixTimeMilliseconds() == expected.At)
                && revocation.InvalidFrom?.ToUnixTimeMilliseconds() == expected.InvalidFrom && revocation.RaName == expected.RaName;
        Discrepancy.Require(found, agrees, "status", "its CRL entry is not what the log says");

        // What nobody of the RA decided, officers of the CA have ordered; or the token has found another key than the certificate's.
        foreach (AuditLeaf leaf in changes.Select(each => each.Leaf).Where(leaf => leaf.Action != FinishIssuance.AbandonAction && CertificateRecords.OctetsOf(leaf, "application") is null))
        {
            string? wrong = CertificateRecords.OctetsOf(leaf, PairReceipts.ReceiptField) is { } receipt ? JudgeReceipt(records, leaf, receipt) : commands.Judge(records, records.Authority!, leaf);
            Discrepancy.Require(found, wrong is null, "status", wrong ?? "");
        }

        // What the RA's officers decided, and what was done by it: one for the other.
        var decided = new HashSet<string>();
        foreach (DecisionRow decision in records.StatusDecisions)
        {
            decided.Add(Convert.ToHexStringLower(Sm3.HashData(decision.Application)));
            JudgeStatusDecision(found, records, row, decision);
        }

        // What they decided about the other half was done to this one too, if its state let it.
        var decidedOther = new HashSet<string>();
        foreach (DecisionRow decision in records.PartnerDecisions)
        {
            decidedOther.Add(Convert.ToHexStringLower(Sm3.HashData(decision.Application)));
            JudgeStatusDecision(found, records, records.Partner!, decision);
        }

        HashSet<string> done = [.. changes.Select(each => CertificateRecords.OctetsOf(each.Leaf, "application")).OfType<ReadOnlyMemory<byte>>().Select(each => Convert.ToHexStringLower(each.Span))];
        Discrepancy.Require(found, decided.IsSubsetOf(done) && done.All(each => decided.Contains(each) || decidedOther.Contains(each)), "status", "the decisions about its status and the changes in the log are not the same");
    }

    /// <summary>A token said, by the signing key, that it found another key: that, and nothing else, revokes a pair without officers.</summary>
    private static string? JudgeReceipt(CertificateRecords records, AuditLeaf leaf, ReadOnlyMemory<byte> hash)
    {
        try
        {
            return leaf.Action == CertificateStatus.RevokeAction
                && records.Receipts.FirstOrDefault(each => Sm3.HashData(each).AsSpan().SequenceEqual(hash.Span)) is { } bytes
                && Der.Decode<SignedReceipt>(bytes) is { Receipt.Outcome: DeliveryOutcome.KeyMismatch } receipt
                && records.SigningHalf?.FindCertificate() is { } signing && receipt.Verify(signing.Tbs.SubjectPublicKeyInfo)
                && receipt.Receipt.Issuer.Span.SequenceEqual(records.Authority!.Issuer.KeyIdentifier.Span)
                && receipt.Receipt.SigningSerial.ToString() == records.SigningHalf.Serial && receipt.Receipt.EncryptionSerial.ToString() == records.EncryptionHalf?.Serial
                    ? null
                    : "the receipt that an event of its status names does not revoke it";
        }
        catch (DerException e)
        {
            return $"the receipt that an event of its status names cannot be read: {e.Message}";
        }
    }

    /// <param name="row">What it is about: the certificate, or the other half of its pair.</param>
    private void JudgeStatusDecision(List<Discrepancy> found, CertificateRecords records, CertificateRow row, DecisionRow decision)
    {
        try
        {
            Application application = Der.Decode<Application>(decision.Application);
            CertificateReference certificate = Der.Decode<StatusBody>(application.Body).Certificate;
            Discrepancy.Require(
                found,
                (short)application.Kind == decision.Kind && application.CaName == options.Name && application.RaName == decision.Requester && application.RaName == row.RaName
                    && application.EnrollmentId == decision.Reference && RegionCode.Parse(application.Region).Covers(RegionCode.Parse(row.Region))
                    && certificate.SerialNumber.ToString() == row.Serial && certificate.Issuer.Span.SequenceEqual(records.Authority!.Issuer.KeyIdentifier.Span),
                "status",
                "a decision about its status is of another kind, CA, RA, region, number or certificate than its row");
            string? wrong = approvals.Judge(application, decision, records.Approvals);
            Discrepancy.Require(found, wrong is null, "approvals", wrong ?? "");
        }
        catch (DerException e)
        {
            found.Add(new Discrepancy("status", $"a decision about its status cannot be read: {e.Message}"));
        }
    }
}
