using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Commands;

/// <summary>What the log proves to those who keep its checkpoints: docs/AUDIT-FORMAT.md says what they do with it.</summary>
internal static class LogApi
{
    public static void MapLog(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/log").RequireClient(ClientKind.Ra, ClientKind.Officer);
        group.MapGet("consistency", ProveConsistencyAsync).RequireSignedReading();
        group.MapGet("epochs/{epoch:long}", ShowEpochAsync).RequireSignedReading();
    }

    private static async Task<Ok<ConsistencyAnswer>> ProveConsistencyAsync(LogProofs proofs, long first, long second, CancellationToken cancellationToken)
    {
        if (first < 0 || second < first)
        {
            throw new RefusalException(Refusal.Malformed, "日志大小有误：第一个不得大于第二个。");
        }

        try
        {
            return TypedResults.Ok(new ConsistencyAnswer { Proof = Der.Encode(await proofs.ProveConsistencyAsync(first, second, cancellationToken)) });
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new RefusalException(Refusal.NotFound, "日志没有这么多记录。", inner: e);
        }
    }

    private static async Task<Ok<EpochAnswer>> ShowEpochAsync(LogProofs proofs, long epoch, CancellationToken cancellationToken) =>
        await proofs.FindFirstCheckpointAsync(epoch, cancellationToken) is { } checkpoint
            ? TypedResults.Ok(new EpochAnswer { Checkpoint = Der.Encode<Checkpoint>(checkpoint) })
            : throw new RefusalException(Refusal.NotFound, "日志没有这一纪元。");
}
