using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>Who may decide about an action: an officer of the first role proposes, one of the others approves.</summary>
/// <param name="Approvers">Empty: nobody else is asked. Only where <see cref="CommandAction.TakesAwayOnly"/>.</param>
public sealed record CommandRule(string Proposer, IReadOnlyList<string> Approvers);

/// <summary>Something that officers can order a service to do.</summary>
/// <param name="Name">As in <see cref="CommandBody.Action"/>, up to 64 characters.</param>
public sealed record CommandAction(string Name, IReadOnlyList<CommandRule> Rules)
{
    /// <summary>Whether it does nothing but take power away: only then one person may do it alone, for it has to be at once.</summary>
    public bool TakesAwayOnly { get; init; }

    /// <summary>Refuses what cannot be done. Run when it is proposed and again when it is approved, in the transaction.</summary>
    public Func<CommandContext, Task> CheckAsync { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Does it, in the transaction of the approval and the event: awaits nothing but that, has no effect outside it, may be run twice.</summary>
    public Func<CommandContext, Task> DoAsync { get; init; } = static _ => Task.CompletedTask;

    /// <returns>Null: officers of the role do not propose it.</returns>
    public CommandRule? FindRule(Role proposer) => Rules.FirstOrDefault(rule => rule.Proposer == proposer.Name);
}

/// <summary>What an action gets to work with.</summary>
public sealed record CommandContext
{
    public required Transaction Transaction { get; init; }

    public required AuditLog Log { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>16 bytes.</summary>
    public required byte[] CommandId { get; init; }

    public required Application Application { get; init; }

    /// <summary>DER of what the action takes.</summary>
    public required ReadOnlyMemory<byte> Parameters { get; init; }

    public required Officer Proposer { get; init; }

    /// <summary>Null while it is only proposed, and where nobody else is asked.</summary>
    public Officer? Approver { get; init; }

    /// <summary>Where the action changes an officer: neither of the two may be that person.</summary>
    /// <exception cref="Contracts.RefusalException"><see cref="Contracts.Refusal.SecondOfficerRequired"/>.</exception>
    public void RequireNotAbout(ReadOnlySpan<byte> personId)
    {
        if (Proposer.Certificate.IsOfPerson(personId) || Approver?.Certificate.IsOfPerson(personId) == true)
        {
            throw new Contracts.RefusalException(Contracts.Refusal.SecondOfficerRequired, "不得办理关于本人的命令。");
        }
    }
}
