using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Certificates;

/// <summary>Certificates as a resource.</summary>
internal static class CertificatesApi
{
    public static void MapCertificates(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/certificates").RequireClient(ClientKind.Ra, ClientKind.Officer);
        group.MapPost("", IssueAsync).RequireSignedMessage();
        group.MapGet("{issuer}/{serial}", ShowAsync).RequireSignedMessage();
    }

    private static async Task<Ok<CertificateAnswer>> IssueAsync(
        MessageContext message, DecidedRequest request, RaRequests requests, IssueCertificate issuance, CertificateAnswers answers, Database database, CancellationToken cancellationToken)
    {
        byte[] id = message.Rows is { } rows
            ? Convert.FromHexString(rows)
            : (await issuance.RunAsync(
                requests.ReadOrder(message, request) with
                {
                    Stored = (transaction, row) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(row.CertificateId)),
                },
                cancellationToken)).CertificateId;
        return TypedResults.Ok(await database.ReadAsync(async transaction => await answers.ShowAsync(transaction, (await CertificateStore.FindAsync(transaction, id))!), cancellationToken));
    }

    private static async Task<Ok<CertificateAnswer>> ShowAsync(
        MessageContext message, string issuer, string serial, AuthorityList authorities, CertificateAnswers answers, Database database, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.ReadAsync(
            async transaction => await answers.ShowAsync(transaction, await FindVisibleAsync(transaction, message, authorities.Get(issuer), serial)), cancellationToken));

    /// <summary>An RA sees what it asked for; officers see all. What was never intended is nobody's.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    internal static async Task<CertificateRow> FindVisibleAsync(Transaction transaction, MessageContext message, Authority authority, string serial)
    {
        CertificateRow? row = await CertificateStore.FindAsync(transaction, authority.Id, serial);
        RegistrationAuthority? ra = ((CaSender)message.Sender).Ra;
        bool visible = row?.Tbs is not null && (ra is null || row.RaName == ra.RaName);
        return visible ? row! : throw new RefusalException(Refusal.NotFound, "没有该证书。");
    }
}
