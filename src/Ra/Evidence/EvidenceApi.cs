using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Evidence;

/// <summary>Evidence of an enrollment. Which there is, the enrollment says.</summary>
internal static class EvidenceApi
{
    private const int HashLength = 64;

    public static void MapEvidence(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/enrollments/{id}/evidence").RequireClient(ClientKind.Officer);

        // Longer than what other endpoints read: routing sets it, before anybody reads the body.
        group.MapPost("", AddAsync).WithMetadata(new RequestSizeLimitAttribute(EvidenceFile.MaxLength)).RequireSignedMessage();
        group.MapGet("{hash}", ReadAsync).RequireSignedReading();
        group.MapDelete("{hash}", RemoveAsync).RequireSignedMessage();
    }

    private static async Task<Ok<EvidenceAnswer>> AddAsync(
        MessageContext message, string id, HttpRequest request, ChangeEvidence evidence, Database database, CancellationToken cancellationToken, string? title = null)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        byte[] enrollment = Page.Id(id);
        byte[] hash = message.Rows is { } rows
            ? Hash(rows)
            : await evidence.AddAsync(
                officer,
                enrollment,
                title,
                await ReadBodyAsync(request, cancellationToken),
                request.ContentType,
                (transaction, made) => message.AnswerWithRowsAsync(transaction, Convert.ToHexStringLower(made)),
                cancellationToken);
        return TypedResults.Ok(await database.ReadAsync(
            async transaction =>
            {
                await EvidenceStore.GetEnrollmentAsync(transaction, officer, enrollment);
                return EvidenceStore.Show(await EvidenceStore.FindAsync(transaction, enrollment, hash) ?? throw EvidenceStore.NotFound());
            },
            cancellationToken));
    }

    /// <summary>Nothing in it is masked: it is for those who decide by it.</summary>
    private static async Task<FileContentHttpResult> ReadAsync(MessageContext message, string id, string hash, EvidenceStore store, HttpResponse response, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        if (officer.Kind != OfficerKind.Operator)
        {
            throw new RefusalException(Refusal.NotAllowed, "证明材料仅供业务操作员查阅。");
        }

        (EvidenceRow row, byte[] file) = await store.ReadAsync(officer, Page.Id(id), Hash(hash), cancellationToken);

        // To be saved and looked at there, by what it is and nothing else; never as a page of this service.
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        return TypedResults.Bytes(file, row.MediaType, $"{hash[..16]}.{row.MediaType[(row.MediaType.IndexOf('/', StringComparison.Ordinal) + 1)..]}");
    }

    private static async Task<NoContent> RemoveAsync(MessageContext message, string id, string hash, ChangeEvidence evidence, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        if (message.Rows is null)
        {
            await evidence.RemoveAsync(officer, Page.Id(id), Hash(hash), transaction => message.AnswerWithRowsAsync(transaction, hash), cancellationToken);
        }

        return TypedResults.NoContent();
    }

    private static async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        return body.ToArray();
    }

    private static byte[] Hash(string text) => text.Length == HashLength && text.All(char.IsAsciiHexDigitLower)
        ? Convert.FromHexString(text)
        : throw new RefusalException(Refusal.Malformed, "证明材料的编号有误：应为64位小写十六进制数。");
}
