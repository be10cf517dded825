using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Messages;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
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
        group.MapGet("", SearchAsync).RequireSignedReading();
        group.MapGet("{issuer}/{serial}", ShowAsync).RequireSignedReading();
        group.MapGet("{issuer}/{serial}/history", ShowHistoryAsync).RequireSignedReading();
        group.MapGet("{issuer}/{serial}/history/{eventId}/proof", ProveEventAsync).RequireSignedReading();
        group.MapPost("{issuer}/{serial}/revocation", RevokeAsync).RequireSignedMessage();
        group.MapPost("{issuer}/{serial}/suspension", SuspendAsync).RequireSignedMessage();
        group.MapPost("{issuer}/{serial}/resumption", ResumeAsync).RequireSignedMessage();
    }

    private static async Task<Ok<CertificateAnswer>> IssueAsync(
        MessageContext message, DecidedRequest request, RaRequests requests, IssueCertificate issuance, CertificateAnswers answers, Database database, CancellationToken cancellationToken)
    {
        byte[] id = message.Rows is { } rows
            ? Convert.FromHexString(rows)
            : (await issuance.RunAsync(
                await requests.ReadOrderAsync(message, request, cancellationToken) with
                {
                    Stored = (transaction, row) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(row.CertificateId)),
                },
                cancellationToken)).CertificateId;
        return TypedResults.Ok(await database.ReadAsync(async transaction => await answers.ShowAsync(transaction, (await CertificateStore.FindAsync(transaction, id))!), cancellationToken));
    }

    private static Task<Ok<CertificateAnswer>> RevokeAsync(
        MessageContext message, string issuer, string serial, DecidedRequest request, StatusRequests requests, CancellationToken cancellationToken) =>
        requests.RunAsync(message, DecisionKind.Revoke, issuer, serial, request, cancellationToken);

    private static Task<Ok<CertificateAnswer>> SuspendAsync(
        MessageContext message, string issuer, string serial, DecidedRequest request, StatusRequests requests, CancellationToken cancellationToken) =>
        requests.RunAsync(message, DecisionKind.Suspend, issuer, serial, request, cancellationToken);

    private static Task<Ok<CertificateAnswer>> ResumeAsync(
        MessageContext message, string issuer, string serial, DecidedRequest request, StatusRequests requests, CancellationToken cancellationToken) =>
        requests.RunAsync(message, DecisionKind.Resume, issuer, serial, request, cancellationToken);

    private static async Task<Ok<CertificateAnswer>> ShowAsync(
        MessageContext message, string issuer, string serial, AuthorityList authorities, CertificateAnswers answers, Database database, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.ReadAsync(
            async transaction => await answers.ShowAsync(transaction, await FindVisibleAsync(transaction, message, authorities.Get(issuer), serial)), cancellationToken));

    private static async Task<Ok<CertificatePage>> SearchAsync(
        MessageContext message, [AsParameters] CertificateQuery query, CertificateSearch search, Database database, CancellationToken cancellationToken)
    {
        var sender = (CaSender)message.Sender;
        CertificateFilter filter = query.Read() with { RaName = sender.Ra?.RaName };
        if (sender.Officer is { Region: { Level: not RegionLevel.Nation } own })
        {
            filter = filter.Region is null || own.Covers(filter.Region)
                ? filter with { Region = filter.Region ?? own }
                : throw new RefusalException(Refusal.OutOfScope, "该区域不在您的管辖范围内。");
        }

        return TypedResults.Ok(await database.ReadAsync(
            transaction => search.ShowAsync(transaction, filter, query.ReadSerial(), query.ReadAfter(), query.ReadRows()), cancellationToken));
    }

    private static async Task<Ok<CertificateHistory>> ShowHistoryAsync(
        MessageContext message, string issuer, string serial, AuthorityList authorities, CertificateHistories histories, Database database, CancellationToken cancellationToken)
    {
        CertificateRow row = await database.ReadAsync(transaction => FindVisibleAsync(transaction, message, authorities.Get(issuer), serial), cancellationToken);
        return TypedResults.Ok(await histories.ShowAsync(row, cancellationToken));
    }

    private static async Task<Ok<EventProof>> ProveEventAsync(
        MessageContext message, string issuer, string serial, string eventId, AuthorityList authorities, CertificateHistories histories, Database database,
        CancellationToken cancellationToken)
    {
        CertificateRow row = await database.ReadAsync(transaction => FindVisibleAsync(transaction, message, authorities.Get(issuer), serial), cancellationToken);
        return TypedResults.Ok(await histories.ProveAsync(row, eventId, cancellationToken));
    }

    /// <summary>An RA sees what it asked for; officers what is of their region, for applications name persons. What was never intended is nobody's.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    internal static async Task<CertificateRow> FindVisibleAsync(Transaction transaction, MessageContext message, Authority authority, string serial)
    {
        CertificateRow? row = await CertificateStore.FindAsync(transaction, authority.Id, serial);
        var sender = (CaSender)message.Sender;
        bool visible = row?.Tbs is not null && (sender.Ra is { } ra ? row.RaName == ra.RaName : sender.Region.Covers(RegionCode.Parse(row.Region)));
        return visible ? row! : throw new RefusalException(Refusal.NotFound, "没有该证书。");
    }
}

/// <summary>The three requests of an RA about the status of a certificate: they differ in the kind of decision only.</summary>
internal sealed class StatusRequests(RaRequests requests, ChangeStatus changes, CertificateAnswers answers, AuthorityList authorities, Database database)
{
    public async Task<Ok<CertificateAnswer>> RunAsync(
        MessageContext message, DecisionKind kind, string issuer, string serial, DecidedRequest request, CancellationToken cancellationToken)
    {
        byte[] id = message.Rows is { } rows
            ? Convert.FromHexString(rows)
            : (await changes.RunAsync(
                await requests.ReadStatusOrderAsync(message, request, kind, authorities.Get(issuer), serial, cancellationToken) with
                {
                    Stored = (transaction, row) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(row.CertificateId)),
                },
                cancellationToken)).CertificateId;
        return TypedResults.Ok(await database.ReadAsync(async transaction => await answers.ShowAsync(transaction, (await CertificateStore.FindAsync(transaction, id))!), cancellationToken));
    }
}
