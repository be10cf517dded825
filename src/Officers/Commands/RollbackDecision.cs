using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit.Sequencing;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>
/// Lets a log go on that its guard refuses. The service does not run then, so nobody can propose anything to it: both highest officers sign the same
/// application elsewhere, and a verb of the service's program brings it here. Who is in office, the restored database says.
/// </summary>
/// <param name="serviceName">What the application has to name as caName and as raName.</param>
/// <param name="database">The one that was restored.</param>
public sealed class RollbackDecision(string serviceName, Database database, OfficerDirectory directory, TimeProvider time)
{
    /// <summary>In <see cref="CommandBody.Action"/>.</summary>
    public const string Action = "log.accept-rollback";

    /// <summary>Each of the highest two, with the other: an administrator alone could make the log forget him.</summary>
    private static readonly IReadOnlyList<CommandRule> Rules = [OfficerActions.TwoPersons[0], OfficerActions.TwoPersons[1]];

    private readonly ApprovalVerifier _verifier = new(directory.Store.Issuers, directory.Store.Roles, time);

    /// <returns>What both sign.</returns>
    /// <param name="state">As <see cref="Sequencer.FindRollbackAsync"/> gives it.</param>
    /// <param name="reason">1 to 256 characters, for those who sign.</param>
    public Application Draft(RolledBackLog state, string reason)
    {
        ArgumentNullException.ThrowIfNull(state);
        TbsCheckpoint abandoned = state.Abandoned;
        var rollback = new LogRollback(abandoned.Origin, abandoned.TreeSize, abandoned.RootHash, state.KeptSize, reason);
        return new Application(
            DecisionKind.Command,
            serviceName,
            serviceName,
            RegionCode.Nation.Value,
            Convert.ToHexStringLower(Ulid.Create(time.GetUtcNow())),
            Der.Encode(new CommandBody(Action, Der.Encode(rollback))));
    }

    /// <summary>Verifies the decision and carries it out: the event, and the checkpoint that begins a new epoch, name its SM3.</summary>
    /// <exception cref="RefusalException">
    /// As <see cref="ApprovalVerifier"/> and <see cref="ApprovedApplication.Create"/> have them, <see cref="Refusal.Malformed"/>, <see cref="Refusal.OutOfScope"/> (another service),
    /// <see cref="Refusal.WrongState"/> (the log is not behind its anchors), <see cref="Refusal.NotApproved"/> (it is another loss that they decided about).
    /// </exception>
    public async Task<Checkpoint> CarryOutAsync(
        Application application, Approval entry, Approval review, Sequencer sequencer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(sequencer);

        // Step 1: a decision about this service and this loss.
        LogRollback decided = Read(application);
        Require(application.CaName == serviceName && application.RaName == serviceName, Refusal.OutOfScope, "该决定不是针对本服务的。");
        RolledBackLog state = await sequencer.FindRollbackAsync(cancellationToken)
            ?? throw new RefusalException(Refusal.WrongState, "日志没有落后于锚点，无需决定。");
        TbsCheckpoint abandoned = state.Abandoned;
        Require(
            decided.Origin == abandoned.Origin && decided.AbandonedSize == abandoned.TreeSize && decided.AbandonedRoot.Span.SequenceEqual(abandoned.RootHash.Span)
                && decided.KeptSize == state.KeptSize,
            Refusal.NotApproved,
            "该决定所述的日志状态与现状不符。");

        // Step 2: by the two who may, each in office.
        SignedApproval signedEntry = _verifier.Verify(entry, application, static role => Rules.Any(rule => rule.Proposer == role.Name));
        SignedApproval signedReview = _verifier.Verify(
            review, application, role => Rules.Single(rule => rule.Proposer == signedEntry.Role.Name).Approvers.Contains(role.Name));
        ApprovedApplication approved = await database.ReadAsync(
            async transaction => ApprovedApplication.Create(
                application, await directory.VerifyAsync(transaction, signedEntry), await directory.VerifyAsync(transaction, signedReview)),
            cancellationToken);

        // Step 3: the break, for everybody to see.
        return await sequencer.OverrideAsync(approved.Digest, OfficerStore.ActorOf(approved.Review.Officer.SerialNumber), cancellationToken);
    }

    private static LogRollback Read(Application application)
    {
        try
        {
            CommandBody? body = application.Kind == DecisionKind.Command ? Der.Decode<CommandBody>(application.Body) : null;
            return body?.Action == Action
                ? Der.Decode<LogRollback>(body.Parameters)
                : throw new RefusalException(Refusal.Malformed, "该申请不是关于日志的决定。");
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "该决定格式有误。", inner: e);
        }
    }

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }
}
