using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Commands;

/// <summary>Shows commands to those who may see them: officers and RAs, within their region.</summary>
internal sealed class CommandAnswers(Database database, OfficerCommands commands, CertificateAnswers certificates)
{
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: none, or none of the sender's region.</exception>
    public async Task<CommandAnswer> ShowAsync(CaSender sender, byte[] id, CancellationToken cancellationToken)
    {
        CommandEntry? entry = await commands.FindAsync(id, cancellationToken);
        if (entry is null || !IsVisible(sender, entry))
        {
            throw new RefusalException(Refusal.NotFound, "没有该命令。");
        }

        return Show(entry) with { Order = await database.ReadAsync(transaction => FindOrderAsync(transaction, id), cancellationToken) };
    }

    /// <param name="state">As <see cref="CommandAnswer.State"/>.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: no such state.</exception>
    public async Task<CommandPage> ListAsync(CaSender sender, string? state, byte[] after, int rows, CancellationToken cancellationToken)
    {
        CommandState which = Enum.GetValues<CommandState>().Where(each => NameOf(each) == (state ?? NameOf(CommandState.Proposed))).Select(each => (CommandState?)each).FirstOrDefault()
            ?? throw new RefusalException(Refusal.Malformed, "状态有误：应为proposed、done、rejected或withdrawn。");
        IReadOnlyList<CommandEntry> page = await commands.ListAsync(which, after, rows, cancellationToken);
        return new CommandPage
        {
            Commands = [.. page.Where(entry => IsVisible(sender, entry)).Select(Show)],
            Next = page.Count == rows ? Convert.ToHexStringLower(page[^1].CommandId) : null,
        };
    }

    private static bool IsVisible(CaSender sender, CommandEntry entry) =>
        sender.Region.Covers(RegionCode.Parse(Der.Decode<Application>(entry.Application).Region));

    private static string NameOf<T>(T state)
        where T : struct, Enum => state.ToString().ToLowerInvariant();

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

    private async Task<OrderAnswer?> FindOrderAsync(Transaction transaction, byte[] id)
    {
        Row? order = await transaction.FindAsync<Row>("SELECT state, refusal, detail FROM certificate_order WHERE order_id = @Id", new { Id = id });
        if (order is null)
        {
            return null;
        }

        CertificateRow? certificate = order.State == OrderState.Issued ? await RunOrders.FindCertificateAsync(transaction, id) : null;
        return new OrderAnswer
        {
            State = NameOf(order.State),
            Refusal = order.Refusal,
            Detail = order.Detail,
            Certificate = certificate is null ? null : await certificates.ShowAsync(transaction, certificate),
        };
    }

    private sealed record Row
    {
        public required OrderState State { get; init; }

        public string? Refusal { get; init; }

        public string? Detail { get; init; }
    }
}
