using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts.Ca;
using ZwCa.Data;

namespace ZwCa.Ca.Commands;

/// <summary>Shows what became of the certificate that a command has ordered.</summary>
internal sealed class OrderAnswers(Database database, CertificateAnswers certificates)
{
    /// <returns>The answer with the order, where the command is one.</returns>
    public async Task<CommandAnswer> CompleteAsync(CommandAnswer command, CancellationToken cancellationToken) =>
        command with { Order = await database.ReadAsync(transaction => FindOrderAsync(transaction, Convert.FromHexString(command.Id)), cancellationToken) };

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
            State = order.State.ToString().ToLowerInvariant(),
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
