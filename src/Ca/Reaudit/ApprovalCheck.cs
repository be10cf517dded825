using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Whether two approvals held when they were acted on: signatures, officers' certificates, duties, regions, age, and two persons. Whether the officers were in office then, no table
/// knows any more; the transaction that acted on them did. Safe for concurrent use.
/// </summary>
internal sealed class ApprovalCheck(OfficerIssuers issuers, RoleCatalogue roles)
{
    /// <param name="at">When they were acted on.</param>
    /// <returns>What does not hold; null: all does.</returns>
    public string? Judge(Application application, byte[] entry, ReadOnlySpan<byte> entryPerson, byte[] review, ReadOnlySpan<byte> reviewPerson, DateTimeOffset at)
    {
        try
        {
            SignedApproval first = Verify(application, entry, ApprovalStep.Entry, at);
            SignedApproval second = Verify(application, review, ApprovalStep.Review, at);
            return !first.Officer.IsOfPerson(entryPerson) || !second.Officer.IsOfPerson(reviewPerson) ? "the row names other persons than the approvals"
                : first.Officer.IsOfPerson(second.Officer.Identity.Person.Span) ? "both approvals are one person's"
                : first.Officer.Certificate.Tbs.SubjectPublicKeyInfo == second.Officer.Certificate.Tbs.SubjectPublicKeyInfo ? "both approvals are of one key"
                : null;
        }
        catch (Exception e) when (e is RefusalException or DerException)
        {
            return e is RefusalException refusal ? $"{refusal.Kind}: {refusal.Message}" : $"an approval cannot be read: {e.Message}";
        }
    }

    /// <summary>As <see cref="Judge(Application, byte[], ReadOnlySpan{byte}, byte[], ReadOnlySpan{byte}, DateTimeOffset)"/>, of a row and the approvals that it names by their hashes.</summary>
    public string? Judge(Application application, Certificates.DecisionRow row, IReadOnlyDictionary<string, byte[]> approvals)
    {
        if (row.EntryHash is null || row.ReviewHash is null || row.EntryPerson is null || row.ReviewPerson is null)
        {
            return "the row names no approvals";
        }

        return !approvals.TryGetValue(Convert.ToHexStringLower(row.EntryHash), out byte[]? entry) || !approvals.TryGetValue(Convert.ToHexStringLower(row.ReviewHash), out byte[]? review)
            ? "an approval is missing"
            : !Sm3.HashData(entry).AsSpan().SequenceEqual(row.EntryHash) || !Sm3.HashData(review).AsSpan().SequenceEqual(row.ReviewHash) ? "an approval is another than its hash says"
            : Judge(application, entry, row.EntryPerson, review, row.ReviewPerson, row.DecidedAt);
    }

    /// <summary>As <see cref="Judge(Application, byte[], ReadOnlySpan{byte}, byte[], ReadOnlySpan{byte}, DateTimeOffset)"/>, of a command.</summary>
    /// <param name="isAlone">One officer may give it, for it only takes power away.</param>
    public string? Judge(Application application, CommandRow command, bool isAlone = false)
    {
        if (!isAlone)
        {
            return command is { Review: { } review, ApproverPersonId: { } approver, ReviewedAt: { } at }
                ? Judge(application, command.Proposal, command.ProposerPersonId, review, approver, at)
                : "no second officer has approved the command";
        }

        try
        {
            return Verify(application, command.Proposal, ApprovalStep.Entry, command.ProposedAt).Officer.IsOfPerson(command.ProposerPersonId) ? null : "the row names another person than the proposal";
        }
        catch (Exception e) when (e is RefusalException or DerException)
        {
            return $"the proposal does not hold: {e.Message}";
        }
    }

    private SignedApproval Verify(Application application, byte[] bytes, ApprovalStep step, DateTimeOffset at)
    {
        Approval approval = Der.Decode<Approval>(bytes);
        if (approval.Tbs.Step != step)
        {
            throw new RefusalException(Refusal.NotApproved, "须有一份录入意见和一份审核意见。");
        }

        var verifier = new ApprovalVerifier(issuers, roles, new Then(at));
        return application.Kind == DecisionKind.Command
            ? verifier.Verify(approval, application, static role => role.Kind != OfficerKind.Operator)
            : verifier.Verify(approval, application);
    }

    /// <summary>A clock that stands where it stood.</summary>
    private sealed class Then(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }
}
