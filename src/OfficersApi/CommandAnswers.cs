using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;

namespace ZwCa.OfficersApi;

/// <summary>Shows commands to those who may see them: within their region.</summary>
public sealed class CommandAnswers(OfficerCommands commands, CommandFollowUp followUp)
{
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: none, or none of the sender's region.</exception>
    public async Task<CommandAnswer> ShowAsync(RegionalSender sender, byte[] id, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sender);
        CommandEntry? entry = await commands.FindAsync(id, cancellationToken);
        return entry is not null && IsVisible(sender, entry)
            ? await followUp.CompleteAsync(Show(entry), cancellationToken)
            : throw new RefusalException(Refusal.NotFound, "没有该命令。");
    }

    /// <param name="state">As <see cref="CommandAnswer.State"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: no such state.</exception>
    public async Task<CommandPage> ListAsync(RegionalSender sender, string? state, byte[] after, int rows, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sender);
        CommandState which = Enum.GetValues<CommandState>().Where(each => NameOf(each) == (state ?? NameOf(CommandState.Proposed))).Select(each => (CommandState?)each).FirstOrDefault()
            ?? throw new RefusalException(Refusal.Malformed, "状态有误：应为proposed、done、rejected或withdrawn。");
        IReadOnlyList<CommandEntry> page = await commands.ListAsync(which, after, rows, cancellationToken);
        return new CommandPage
        {
            Commands = [.. page.Where(entry => IsVisible(sender, entry)).Select(Show)],
            Next = page.Count == rows ? Convert.ToHexStringLower(page[^1].CommandId) : null,
        };
    }

    private static bool IsVisible(RegionalSender sender, CommandEntry entry) =>
        sender.Region.Covers(RegionCode.Parse(Der.Decode<Application>(entry.Application).Region));

    private static string NameOf(CommandState state) => state.ToString().ToLowerInvariant();

    private static CommandAnswer Show(CommandEntry entry) => new()
    {
        Id = Convert.ToHexStringLower(entry.CommandId),
        Action = entry.Action,
        State = NameOf(entry.State),
        Application = entry.Application,
        Proposal = entry.Proposal,
        Proposer = entry.ProposerSerial,
        ProposedAt = entry.ProposedAt,
        ExpiresAt = entry.ExpiresAt,
    };
}
