using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>
/// Commands of officers to one service: one proposes, another approves, and with that it is done. What counts is what both signed; the rows are only where
/// it waits. Safe for concurrent use.
/// </summary>
public sealed class OfficerCommands
{
    private const int MaxPage = 500;
    private const int IdLength = 16;

    private readonly string _serviceName;
    private readonly Database _database;
    private readonly AuditLog _log;
    private readonly OfficerStore _officers;
    private readonly ApprovalVerifier _verifier;
    private readonly RefusalLog _refusals;
    private readonly Dictionary<string, CommandAction> _actions;
    private readonly TimeProvider _time;

    /// <param name="serviceName">What a command has to name as caName and as raName: one for another service is none here.</param>
    /// <exception cref="ArgumentException">Two actions of one name, a rule that lets one person do what two have to, or one for a role that there is not.</exception>
    public OfficerCommands(
        string serviceName, Database database, AuditLog log, OfficerDirectory directory, IReadOnlyList<CommandAction> actions, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrEmpty(serviceName);
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentNullException.ThrowIfNull(actions);
        _serviceName = serviceName;
        _database = database;
        _log = log;
        _officers = directory.Store;
        _verifier = new ApprovalVerifier(directory.Store.Issuers, directory.Store.Roles, time);
        _refusals = new RefusalLog(database, log);
        _actions = actions.ToDictionary(action => action.Name, StringComparer.Ordinal);
        _time = time;
        if (actions.FirstOrDefault(action => !action.TakesAwayOnly && action.Rules.Any(rule => rule.Approvers.Count == 0)) is { } single)
        {
            throw new ArgumentException($"{single.Name} needs two persons.", nameof(actions));
        }

        if (actions.SelectMany(action => action.Rules).SelectMany(rule => rule.Approvers.Append(rule.Proposer))
            .FirstOrDefault(name => directory.Store.Roles.Find(name) is null) is { } unknown)
        {
            throw new ArgumentException($"There is no role {unknown}.", nameof(actions));
        }
    }

    /// <summary>How long a command waits for the second person.</summary>
    public static TimeSpan Lifetime => ApprovalVerifier.MaxAge;

    /// <summary>By what rules a command was decided about, for who looks at it later.</summary>
    /// <returns>Null: this service has no such action.</returns>
    public CommandAction? FindAction(string name) => _actions.GetValueOrDefault(name);

    /// <returns>The application of a command, with a new id: what the proposer signs.</returns>
    /// <param name="parameters">DER of what the action takes.</param>
    public Application Draft(string action, RegionCode region, ReadOnlyMemory<byte> parameters)
    {
        ArgumentNullException.ThrowIfNull(region);
        return new Application(
            DecisionKind.Command,
            _serviceName,
            _serviceName,
            region.Value,
            Convert.ToHexStringLower(Ulid.Create(_time.GetUtcNow())),
            Der.Encode(new CommandBody(action, parameters)));
    }

    /// <summary>Takes a proposal in. Where the action asks nobody else it is done at once.</summary>
    /// <param name="proposal">Step entry, over the application.</param>
    /// <exception cref="RefusalException">
    /// As <see cref="ApprovalVerifier"/> has them, and <see cref="Refusal.Malformed"/>, <see cref="Refusal.NotFound"/> (no such action), <see cref="Refusal.OutOfScope"/>
    /// (another service), <see cref="Refusal.Duplicate"/> (the id is spent), and what the action refuses.
    /// </exception>
    public Task ProposeAsync(Application application, Approval proposal, CancellationToken cancellationToken = default) =>
        ProposeAsync(application, proposal, NothingElse, cancellationToken);

    /// <inheritdoc cref="ProposeAsync(Application, Approval, CancellationToken)"/>
    /// <param name="also">What else belongs into the transaction, as the answer to the message does; as for an action.</param>
    public async Task ProposeAsync(Application application, Approval proposal, Func<Transaction, Task> also, CancellationToken cancellationToken)
    {
        (byte[] id, CommandBody body, CommandAction action) = Read(application);
        ArgumentNullException.ThrowIfNull(proposal);
        SignedApproval signed = await VerifyAsync(
            proposal, application, ApprovalStep.Entry, role => action.FindRule(role) is not null, "command.propose", id, cancellationToken);
        bool single = action.FindRule(signed.Role)!.Approvers.Count == 0;
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset expiresAt = proposal.Tbs.Time.Value + Lifetime;
        Require(expiresAt > now, Refusal.NotApproved, "审批意见已超过30天。");
        await _refusals.RunAsync<object?>(
            OfficerStore.ActorOf(signed.Officer.SerialNumber),
            "command.propose",
            ObjectOf(id),
            async transaction =>
            {
                Officer proposer = (await _officers.VerifyAsync(transaction, signed, now)).Officer;
                var context = new CommandContext
                {
                    Transaction = transaction,
                    Log = _log,
                    Now = now,
                    CommandId = id,
                    Application = application,
                    Parameters = body.Parameters,
                    Proposer = proposer,
                };
                await action.CheckAsync(context);
                bool isNew = await transaction.TryInsertAsync(
                    """
                    INSERT INTO officer_command (command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at)
                    VALUES (@Id, @Action, @State, @Application, @Proposal, @Person, @Serial, @Now, @ExpiresAt)
                    """,
                    new
                    {
                        Id = id,
                        Action = action.Name,
                        State = (short)(single ? CommandState.Done : CommandState.Proposed),
                        Application = Der.Encode(application),
                        Proposal = Der.Encode(proposal),
                        Person = proposer.PersonId.ToArray(),
                        Serial = proposer.SerialNumber.ToString(),
                        Now = now,
                        ExpiresAt = expiresAt,
                    });
                if (!isNew)
                {
                    throw new RefusalException(Refusal.Duplicate, "该命令编号已使用。");
                }

                await RecordAsync(transaction, "command.propose", proposer, id, action, application, proposal);
                if (single)
                {
                    await SpendAsync(transaction, id, CommandState.Done, now);
                    await action.DoAsync(context);
                }

                await also(transaction);
                return null;
            },
            cancellationToken);
    }

    /// <summary>Does what was proposed: state, review, effect and events are one transaction. Of two who approve at once, one is refused.</summary>
    /// <param name="review">Step review, over the application.</param>
    /// <exception cref="RefusalException">
    /// As for <see cref="ProposeAsync(Application, Approval, CancellationToken)"/>, and <see cref="Refusal.SecondOfficerRequired"/> (the proposer himself), <see cref="Refusal.WrongState"/> (done, rejected,
    /// withdrawn or expired), <see cref="Refusal.NotApproved"/>, <see cref="Refusal.NotAllowed"/> (the proposer is in office no more).
    /// </exception>
    public Task<ApprovedApplication> ApproveAsync(ReadOnlyMemory<byte> commandId, Approval review, CancellationToken cancellationToken = default) =>
        ApproveAsync(commandId, review, NothingElse, cancellationToken);

    /// <inheritdoc cref="ApproveAsync(ReadOnlyMemory{byte}, Approval, CancellationToken)"/>
    /// <param name="also">What else belongs into the transaction, as the answer to the message does; as for an action.</param>
    public async Task<ApprovedApplication> ApproveAsync(
        ReadOnlyMemory<byte> commandId, Approval review, Func<Transaction, Task> also, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(review);
        byte[] id = commandId.ToArray();
        CommandEntry entry = await FindAsync(id, cancellationToken) ?? throw new RefusalException(Refusal.NotFound, "没有该命令。");

        // Step 1: both decisions hold by themselves, the first one still. The row is only where they lay.
        (Application application, CommandBody body, CommandAction action, SignedApproval entrySigned, SignedApproval reviewSigned) =
            await VerifyAsync(entry, review, "command.approve", cancellationToken);
        DateTimeOffset now = _time.GetUtcNow();
        return await _refusals.RunAsync(
            OfficerStore.ActorOf(reviewSigned.Officer.SerialNumber),
            "command.approve",
            ObjectOf(id),
            async transaction =>
            {
                // Step 2: both are in office, and two.
                (VerifiedApproval reviewVerified, Officer approver) = await _officers.VerifyAsync(transaction, reviewSigned, now);
                (VerifiedApproval entryVerified, Officer proposer) = await _officers.VerifyAsync(transaction, entrySigned, now);
                ApprovedApplication approved = ApprovedApplication.Create(application, entryVerified, reviewVerified);

                // Step 3: whoever changes the state first has it; the review's primary key spends it for ever.
                await MoveAsync(transaction, id, CommandState.Done, now);
                bool isFirst = await transaction.TryInsertAsync(
                    """
                    INSERT INTO command_review (command_id, proposer_person_id, approver_person_id, approver_serial, review, reviewed_at)
                    VALUES (@Id, @Proposer, @Approver, @Serial, @Review, @Now)
                    """,
                    new
                    {
                        Id = id,
                        Proposer = proposer.PersonId.ToArray(),
                        Approver = approver.PersonId.ToArray(),
                        Serial = approver.SerialNumber.ToString(),
                        Review = Der.Encode(review),
                        Now = now,
                    });
                if (!isFirst)
                {
                    throw new RefusalException(Refusal.WrongState, "该命令已执行。");
                }

                // Step 4: the effect, and the events.
                var context = new CommandContext
                {
                    Transaction = transaction,
                    Log = _log,
                    Now = now,
                    CommandId = id,
                    Application = application,
                    Parameters = body.Parameters,
                    Proposer = proposer,
                    Approver = approver,
                };
                await action.CheckAsync(context);
                await RecordAsync(transaction, "command.approve", approver, id, action, application, review);
                await action.DoAsync(context);
                await also(transaction);
                return approved;
            },
            cancellationToken);
    }

    /// <summary>
    /// A command that was done, both decisions verified once more: for what is carried out after the command's transaction. Rows alone make nothing happen.
    /// </summary>
    /// <returns>The decisions, and the action's parameters.</returns>
    /// <exception cref="RefusalException">
    /// As for <see cref="ApproveAsync(ReadOnlyMemory{byte}, Approval, CancellationToken)"/>; <see cref="Refusal.WrongState"/>: it is not done.
    /// </exception>
    public async Task<(ApprovedApplication Approved, CommandBody Body)> VerifyDoneAsync(ReadOnlyMemory<byte> commandId, CancellationToken cancellationToken = default)
    {
        const string attempt = "command.carry-out";
        byte[] id = commandId.ToArray();
        CommandEntry entry = await FindAsync(id, cancellationToken) ?? throw new RefusalException(Refusal.NotFound, "没有该命令。");
        byte[]? review = await _database.FindAsync<byte[]>("SELECT review FROM command_review WHERE command_id = @Id", new { Id = id }, cancellationToken);
        Require(entry.State == CommandState.Done && review is not null, Refusal.WrongState, "该命令尚未批准。");
        (Application application, CommandBody body, _, SignedApproval entrySigned, SignedApproval reviewSigned) =
            await VerifyAsync(entry, Der.Decode<Approval>(review), attempt, cancellationToken);
        DateTimeOffset now = _time.GetUtcNow();
        return await _database.ReadAsync(
            async transaction => (
                ApprovedApplication.Create(
                    application,
                    (await _officers.VerifyAsync(transaction, entrySigned, now)).Approval,
                    (await _officers.VerifyAsync(transaction, reviewSigned, now)).Approval),
                body),
            cancellationToken);
    }

    /// <summary>The second person says no.</summary>
    /// <param name="actor">Who sent the message.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, <see cref="Refusal.NotAllowed"/>, <see cref="Refusal.WrongState"/>, <see cref="Refusal.SecondOfficerRequired"/>.</exception>
    public Task RejectAsync(Officer actor, ReadOnlyMemory<byte> commandId, CancellationToken cancellationToken = default) =>
        RejectAsync(actor, commandId, NothingElse, cancellationToken);

    /// <inheritdoc cref="RejectAsync(Officer, ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="also">What else belongs into the transaction.</param>
    public Task RejectAsync(Officer actor, ReadOnlyMemory<byte> commandId, Func<Transaction, Task> also, CancellationToken cancellationToken) => EndAsync(
        actor,
        commandId.ToArray(),
        CommandState.Rejected,
        "command.reject",
        (officer, entry) =>
        {
            Application application = Der.Decode<Application>(entry.Application);
            Role? proposer = _officers.Roles.Find(_officers.Issuers.Verify(Der.Decode<Approval>(entry.Proposal).Certificate).Identity.Role);
            bool mayDecide = proposer is not null && _actions.TryGetValue(entry.Action, out CommandAction? action)
                && action.FindRule(proposer)?.Approvers.Contains(officer.Role.Name) == true;
            Require(mayDecide, Refusal.NotAllowed, "该角色无权作此审批。");
            Require(officer.Region.Covers(RegionCode.Parse(application.Region)), Refusal.OutOfScope, "该命令不在审批人的管辖区域内。");
            Require(!officer.Certificate.IsOfPerson(entry.ProposerPersonId), Refusal.SecondOfficerRequired, "提出人请使用撤回。");
        },
        also,
        cancellationToken);

    /// <summary>The proposer takes it back.</summary>
    /// <inheritdoc cref="RejectAsync(Officer, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task WithdrawAsync(Officer actor, ReadOnlyMemory<byte> commandId, CancellationToken cancellationToken = default) =>
        WithdrawAsync(actor, commandId, NothingElse, cancellationToken);

    /// <inheritdoc cref="RejectAsync(Officer, ReadOnlyMemory{byte}, Func{Transaction, Task}, CancellationToken)"/>
    public Task WithdrawAsync(Officer actor, ReadOnlyMemory<byte> commandId, Func<Transaction, Task> also, CancellationToken cancellationToken) => EndAsync(
        actor,
        commandId.ToArray(),
        CommandState.Withdrawn,
        "command.withdraw",
        static (officer, entry) => Require(officer.Certificate.IsOfPerson(entry.ProposerPersonId), Refusal.NotAllowed, "只有提出人可以撤回命令。"),
        also,
        cancellationToken);

    /// <returns>Null where there is no such command.</returns>
    public Task<CommandEntry?> FindAsync(ReadOnlyMemory<byte> commandId, CancellationToken cancellationToken = default) => _database.FindAsync<CommandEntry>(
        """
        SELECT command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at
        FROM officer_command WHERE command_id = @Id
        """,
        new { Id = commandId.ToArray() },
        cancellationToken);

    /// <summary>Commands of one state in the order of their ids, so about of their times; those that wait for somebody may have expired.</summary>
    /// <param name="after">The last id of the page before; empty for the first page.</param>
    /// <param name="rows">1 to 500.</param>
    public Task<IReadOnlyList<CommandEntry>> ListAsync(
        CommandState state, ReadOnlyMemory<byte> after, int rows, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxPage);
        return _database.QueryAsync<CommandEntry>(
            $"""
             SELECT command_id, action, state, application, proposal, proposer_person_id, proposer_serial, proposed_at, expires_at
             FROM officer_command WHERE state = @State AND command_id > @After ORDER BY command_id {_database.Dialect.Limit(rows)}
             """,
            new { State = (short)state, After = after.ToArray() },
            cancellationToken);
    }

    private static Task NothingElse(Transaction transaction) => Task.CompletedTask;

    private static AuditObject ObjectOf(byte[] id) => new("command", Convert.ToHexStringLower(id));

    private static void Require(bool met, Refusal kind, string detail)
    {
        if (!met)
        {
            throw new RefusalException(kind, detail);
        }
    }

    private static async Task MoveAsync(Transaction transaction, byte[] id, CommandState to, DateTimeOffset now)
    {
        int moved = await transaction.ExecuteAsync(
            "UPDATE officer_command SET state = @To WHERE command_id = @Id AND state = 0 AND expires_at > @Now",
            new { Id = id, To = (short)to, Now = now });
        Require(moved == 1 && await SpendAsync(transaction, id, to, now), Refusal.WrongState, "该命令已执行、已拒绝、已撤回或已过期。");
    }

    /// <returns>False: it has ended before, whatever its state says now.</returns>
    private static Task<bool> SpendAsync(Transaction transaction, byte[] id, CommandState to, DateTimeOffset now) => transaction.TryInsertAsync(
        "INSERT INTO ended_command (command_id, state, ended_at) VALUES (@Id, @To, @Now)", new { Id = id, To = (short)to, Now = now });

    private (byte[] Id, CommandBody Body, CommandAction Action) Read(Application application)
    {
        ArgumentNullException.ThrowIfNull(application);
        Require(application.Kind == DecisionKind.Command, Refusal.Malformed, "该申请不是命令。");
        Require(application.CaName == _serviceName && application.RaName == _serviceName, Refusal.OutOfScope, "该命令不是发给本服务的。");
        byte[] id = new byte[IdLength];
        string text = application.EnrollmentId;
        bool isId = text.Length == 2 * IdLength && text.All(char.IsAsciiHexDigitLower)
            && Convert.FromHexString(text, id, out _, out int written) == System.Buffers.OperationStatus.Done && written == IdLength;
        Require(isId, Refusal.Malformed, "命令编号有误：应为32位小写十六进制数。");
        CommandBody body;
        try
        {
            body = Der.Decode<CommandBody>(application.Body);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "命令格式有误。", inner: e);
        }

        return _actions.TryGetValue(body.Action, out CommandAction? action)
            ? (id, body, action)
            : throw new RefusalException(Refusal.NotFound, "本服务没有该命令。");
    }

    /// <summary>Both decisions about a command hold by themselves, and it is the command that they are about.</summary>
    private async Task<(Application Application, CommandBody Body, CommandAction Action, SignedApproval Entry, SignedApproval Review)> VerifyAsync(
        CommandEntry entry, Approval review, string attempt, CancellationToken cancellationToken)
    {
        Application application = Der.Decode<Application>(entry.Application);
        (byte[] id, CommandBody body, CommandAction action) = Read(application);
        Require(id.AsSpan().SequenceEqual(entry.CommandId), Refusal.NotApproved, "命令编号与其内容不一致。");
        SignedApproval entrySigned = await VerifyAsync(
            Der.Decode<Approval>(entry.Proposal), application, ApprovalStep.Entry, role => action.FindRule(role) is not null, attempt, id, cancellationToken);
        CommandRule rule = action.FindRule(entrySigned.Role)!;
        SignedApproval reviewSigned = await VerifyAsync(
            review, application, ApprovalStep.Review, role => rule.Approvers.Contains(role.Name), attempt, id, cancellationToken);
        return (application, body, action, entrySigned, reviewSigned);
    }

    /// <summary>An approval that holds by itself; an officer's attempt at what is not his is an event.</summary>
    private async Task<SignedApproval> VerifyAsync(
        Approval approval, Application application, ApprovalStep step, Func<Role, bool> mayDecide, string attempt, byte[] id, CancellationToken cancellationToken)
    {
        Require(approval.Tbs.Step == step, Refusal.NotApproved, step == ApprovalStep.Entry ? "须有录入意见。" : "须有审核意见。");
        try
        {
            return _verifier.Verify(approval, application, mayDecide);
        }
        catch (RefusalException e) when (e.Kind is Refusal.NotAllowed or Refusal.OutOfScope)
        {
            // The signature held: the verifier looks at that first.
            await _refusals.RecordAsync(
                OfficerStore.ActorOf(approval.Certificate.Tbs.SerialNumber), attempt, ObjectOf(id), e.Kind);
            throw;
        }
    }

    private async Task EndAsync(
        Officer actor, byte[] id, CommandState to, string attempt, Action<Officer, CommandEntry> check, Func<Transaction, Task> also, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(actor);
        CommandEntry entry = await FindAsync(id, cancellationToken) ?? throw new RefusalException(Refusal.NotFound, "没有该命令。");
        DateTimeOffset now = _time.GetUtcNow();
        await _refusals.RunAsync<object?>(
            actor.Actor,
            attempt,
            ObjectOf(id),
            async transaction =>
            {
                Officer officer = await _officers.GetAsync(transaction, actor.SerialNumber);
                officer.RequireStanding(now);
                check(officer, entry);
                await MoveAsync(transaction, id, to, now);
                await _log.AppendAsync(
                    transaction,
                    new AuditEvent(officer.Actor, attempt, ObjectOf(id), AuditOutcome.Done) { Fields = [new AuditField.Text("action", entry.Action)] });
                await also(transaction);
                return null;
            },
            cancellationToken);
    }

    private Task RecordAsync(
        Transaction transaction, string what, Officer officer, byte[] id, CommandAction action, Application application, Approval approval) => _log.AppendAsync(
            transaction,
            new AuditEvent(officer.Actor, what, ObjectOf(id), AuditOutcome.Done)
            {
                Fields =
                [
                    new AuditField.Text("action", action.Name),
                    new AuditField.Octets("application", application.Digest),
                    new AuditField.Octets("approval", Sm3.HashData(Der.Encode(approval))),
                    new AuditField.Octets("person", officer.PersonId),
                    new AuditField.Text("region", application.Region),
                ],
            });
}
