using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Certificates;
using ZwCa.OfficersApi;
using ZwCa.Ca.Messages;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Pairs;

/// <summary>Pairs as a resource. What is done to their status is done to their certificates.</summary>
internal static class PairsApi
{
    public static void MapPairs(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/pairs").RequireClient(ClientKind.Ra);
        group.MapPost("", IssueAsync).RequireSignedMessage();
        group.MapGet("{id}", ShowAsync).RequireSignedMessage();
        group.MapPost("{id}/receipt", ReceiveAsync).RequireSignedMessage();
        group.MapPost("{id}/recovery", RecoverAsync).RequireSignedMessage();
    }

    private static async Task<Ok<PairAnswer>> IssueAsync(
        MessageContext message, DecidedRequest request, RaRequests requests, IssueCertificate issuance, PairAnswers answers, Database database, CancellationToken cancellationToken, string? forms = null)
    {
        PairForms asked = PairAnswers.ReadForms(forms);
        byte[] id = message.Rows is { } rows
            ? Convert.FromHexString(rows)
            : (await issuance.RunAsync(
                await requests.ReadOrderAsync(message, request, cancellationToken, isPair: true) with
                {
                    Stored = (transaction, row) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(row.CertificateId)),
                },
                cancellationToken)).CertificateId;
        return await AnswerAsync(database, answers, id, asked, cancellationToken);
    }

    private static async Task<Ok<PairAnswer>> ShowAsync(
        MessageContext message, string id, PairAnswers answers, Database database, CancellationToken cancellationToken, string? forms = null)
    {
        PairForms asked = PairAnswers.ReadForms(forms);
        PairRow pair = await FindAsync(database, message, id, cancellationToken);

        // Kept as the rows that it is made from, like the answers of the others: what is erased after the receipt must not lie among stored answers.
        if (message.Rows is null)
        {
            await database.WriteAsync(transaction => message.AnswerWithRowsAsync(transaction, id), cancellationToken);
        }

        return await AnswerAsync(database, answers, pair.PairId, asked, cancellationToken);
    }

    private static async Task<Ok<PairAnswer>> ReceiveAsync(
        MessageContext message, string id, PairReceipt receipt, PairReceipts receipts, PairAnswers answers, Database database, CancellationToken cancellationToken)
    {
        PairRow pair = await FindAsync(database, message, id, cancellationToken);
        if (message.Rows is null)
        {
            await receipts.RunAsync(pair, receipt.Receipt, ((CaSender)message.Sender).Actor, transaction => message.AnswerWithRowsAsync(transaction, id), cancellationToken);
        }

        return await AnswerAsync(database, answers, pair.PairId, PairForms.None, cancellationToken);
    }

    private static async Task<Ok<PairAnswer>> RecoverAsync(
        MessageContext message, string id, DecidedRequest request, RaRequests requests, RecoverKey recovery, PairAnswers answers, Database database, CancellationToken cancellationToken, string? forms = null)
    {
        PairForms asked = PairAnswers.ReadForms(forms);
        PairRow pair = await FindAsync(database, message, id, cancellationToken);
        if (message.Rows is null)
        {
            (Approvals approvals, RecoveryBody body) = await requests.ReadRecoveryAsync(message, request, cancellationToken);
            await recovery.RunAsync(
                new RecoveryOrder(
                    approvals.Application.RaName, message.RequestId.ToString(), ((CaSender)message.Sender).Actor, approvals, body, pair, transaction => message.AnswerWithRowsAsync(transaction, id)),
                cancellationToken);
        }

        return await AnswerAsync(database, answers, pair.PairId, asked, cancellationToken);
    }

    private static async Task<Ok<PairAnswer>> AnswerAsync(Database database, PairAnswers answers, byte[] id, PairForms forms, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.ReadAsync(async transaction => await answers.ShowAsync(transaction, (await PairStore.FindAsync(transaction, id))!, forms), cancellationToken));

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: none of the RA's.</exception>
    private static Task<PairRow> FindAsync(Database database, MessageContext message, string id, CancellationToken cancellationToken) => database.ReadAsync(
        async transaction =>
        {
            PairRow? pair = await PairStore.FindAsync(transaction, Page.Id(id));
            CertificateRow? signing = pair is null ? null : await CertificateStore.FindAsync(transaction, pair.PairId);
            return signing is not null && signing.RaName == CaSender.RequireRa(message).RaName ? pair! : throw new RefusalException(Refusal.NotFound, "没有该双证书。");
        },
        cancellationToken);
}
