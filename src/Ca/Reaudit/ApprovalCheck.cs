using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;

namespace ZwCa.Ca.Reaudit;

/// <summary>
/// Whether approvals held when they were acted on: signatures, officers' certificates, duties (of a command what its action's rules say), regions, age, and two persons. Whether the officers
/// were in office then, no table knows any more; the transaction that acted on them did. Safe for concurrent use.
/// </summary>
/// <param name="serviceName">What a command has to name as caName and as raName.</param>
/// <param name="actions">The service's actions by their names; null: none.</param>
internal sealed class ApprovalCheck(OfficerIssuers issuers, RoleCatalogue roles, string serviceName, Func<string, CommandAction?> actions)
{
    /// <summary>Of an RA's decision: its row, and the approvals that it names by their hashes.</summary>
    /// <returns>What does not hold; null: all does.</returns>
    public string? Judge(Application application, Certificates.DecisionRow row, IReadOnlyDictionary<string, byte[]> approvals)
    {
        if (row.EntryHash is null || row.ReviewHash is null || row.EntryPerson is null || row.ReviewPerson is null)
        {
            return "the row names no approvals";
        }

        if (!approvals.TryGetValue(Convert.ToHexStringLower(row.EntryHash), out byte[]? entry) || !approvals.TryGetValue(Convert.ToHexStringLower(row.ReviewHash), out byte[]? review))
        {
            return "an approval is missing";
        }

        if (!Sm3.HashData(entry).AsSpan().SequenceEqual(row.EntryHash) || !Sm3.HashData(review).AsSpan().SequenceEqual(row.ReviewHash))
        {
            return "an approval is another than its hash says";
        }

        return application.Kind == DecisionKind.Command ? "a command is no decision of an RA" : Reading(() => JudgeTwo(
            Verify(application, entry, ApprovalStep.Entry, row.DecidedAt, static role => role.Duties.Contains(Duty.Entry)),
            row.EntryPerson,
            Verify(application, review, ApprovalStep.Review, row.DecidedAt, static role => role.Duties.Contains(Duty.Review)),
            row.ReviewPerson));
    }

    /// <summary>Of a command: by officers whose roles may order this, and as many as its action asks for.</summary>
    /// <returns>What does not hold; null: all does.</returns>
    public string? Judge(Application application, CommandRow command) => Reading(() =>
    {
        if (application.Kind != DecisionKind.Command || application.CaName != serviceName || application.RaName != serviceName
            || actions(Der.Decode<CommandBody>(application.Body).Action) is not { } action)
        {
            return "it is no command to this service";
        }

        DateTimeOffset at = command.ReviewedAt ?? command.ProposedAt;
        SignedApproval proposal = Verify(application, command.Proposal, ApprovalStep.Entry, at, role => action.FindRule(role) is not null);
        IReadOnlyList<string> approvers = action.FindRule(proposal.Role)!.Approvers;
        if (approvers.Count == 0)
        {
            return proposal.Officer.IsOfPerson(command.ProposerPersonId) ? null : "the row names another person than the proposal";
        }

        return command is { Review: { } review, ApproverPersonId: { } approver }
            ? JudgeTwo(proposal, command.ProposerPersonId, Verify(application, review, ApprovalStep.Review, at, role => approvers.Contains(role.Name)), approver)
            : "no second officer has approved the command";
    });

    private static string? JudgeTwo(SignedApproval first, ReadOnlySpan<byte> firstPerson, SignedApproval second, ReadOnlySpan<byte> secondPerson) =>
        !first.Officer.IsOfPerson(firstPerson) || !second.Officer.IsOfPerson(secondPerson) ? "the row names other persons than the approvals"
        : first.Officer.IsOfPerson(second.Officer.Identity.Person.Span) ? "both approvals are one person's"
        : first.Officer.Certificate.Tbs.SubjectPublicKeyInfo == second.Officer.Certificate.Tbs.SubjectPublicKeyInfo ? "both approvals are of one key"
        : null;

    private static string? Reading(Func<string?> judge)
    {
        try
        {
            return judge();
        }
        catch (Exception e) when (e is RefusalException or DerException)
        {
            return e is RefusalException refusal ? $"{refusal.Kind}: {refusal.Message}" : $"an approval cannot be read: {e.Message}";
        }
    }

    /// <param name="at">When it was acted on.</param>
    private SignedApproval Verify(Application application, byte[] bytes, ApprovalStep step, DateTimeOffset at, Func<Role, bool> mayDecide)
    {
        Approval approval = Der.Decode<Approval>(bytes);
        return approval.Tbs.Step == step
            ? new ApprovalVerifier(issuers, roles, new Then(at)).Verify(approval, application, mayDecide)
            : throw new RefusalException(Refusal.NotApproved, "须有一份录入意见和一份审核意见。");
    }

    /// <summary>A clock that stands where it stood.</summary>
    private sealed class Then(DateTimeOffset at) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => at;
    }
}
