using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Ca.Messages;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Reaudit;

/// <summary>Re-audits as a resource: for auditors and administrators.</summary>
internal static class ReauditApi
{
    private const int Runs = 30;
    private const int Page = 500;

    public static void MapReaudits(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/reaudits").RequireClient(ClientKind.Officer);
        group.MapGet("", ListAsync).RequireSignedMessage();
        group.MapGet("{id}/findings", ListFindingsAsync).RequireSignedMessage();
    }

    private static async Task<Ok<IReadOnlyList<ReauditAnswer>>> ListAsync(MessageContext message, Database database, CancellationToken cancellationToken)
    {
        RequireKind(message);
        IReadOnlyList<ReauditRun> runs = await database.ReadAsync(transaction => ReauditStore.ListAsync(transaction, Runs), cancellationToken);
        return TypedResults.Ok<IReadOnlyList<ReauditAnswer>>([.. runs.Select(Show)]);
    }

    private static async Task<Ok<FindingPage>> ListFindingsAsync(MessageContext message, string id, string? after, Database database, CancellationToken cancellationToken)
    {
        RequireKind(message);
        byte[] run = ReadId(id) ?? throw NotFound();
        byte[] from = after is null ? new byte[Ulid.Length] : ReadId(after) ?? throw new RefusalException(Refusal.Malformed, "查询参数after应为32位小写十六进制数。");
        IReadOnlyList<FindingRow> rows = await database.ReadAsync(
            async transaction => await ReauditStore.FindAsync(transaction, run) is null ? throw NotFound() : await ReauditStore.ListFindingsAsync(transaction, run, from, Page), cancellationToken);
        return TypedResults.Ok(new FindingPage
        {
            Findings = [.. rows.Select(row => new ReauditFinding { Certificate = row.ObjectId, Kind = row.Kind, Detail = row.Detail, FoundAt = row.FoundAt })],
            Next = rows.Count < Page ? null : Convert.ToHexStringLower(rows[^1].FindingId),
        });
    }

    private static void RequireKind(MessageContext message)
    {
        if (CaSender.RequireOfficer(message).Kind == OfficerKind.Operator)
        {
            throw new RefusalException(Refusal.NotAllowed, "复核结果仅供审计员和管理员查看。");
        }
    }

    private static byte[]? ReadId(string text) => text.Length == 2 * Ulid.Length && text.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(text) : null;

    private static RefusalException NotFound() => new(Refusal.NotFound, "没有该次复核。");

    private static ReauditAnswer Show(ReauditRun run) => new()
    {
        Id = Convert.ToHexStringLower(run.RunId),
        StartedAt = run.StartedAt,
        EndedAt = run.EndedAt,
        Certificates = run.Certificates,
        Events = run.Events,
        Findings = run.Findings,
    };
}
