using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ZwCa.Ca.Crls;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance.Feed;
using ZwCa.Jobs;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Ocsp;

/// <summary>The feed as responders fetch it: docs/PUBLICATION.md. What is given out proves itself: no signed messages.</summary>
internal static class FeedApi
{
    public const string ContentType = "application/octet-stream";

    /// <summary>Header of a 404 for segments: number of the oldest that is kept.</summary>
    public const string FirstHeader = "Feed-First";

    /// <summary>Of one answer; bytes. A segment is never divided, and a larger one comes alone.</summary>
    private const long MaxAnswer = FeedFrames.MaxContent;

    private const int MaxSegments = 500;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    public static void MapFeed(this IEndpointRouteBuilder app)
    {
        // Without OCSP there is no feed.
        if (app.ServiceProvider.GetRequiredService<CaOptions>().Ocsp is null)
        {
            return;
        }

        RouteGroupBuilder group = app.MapGroup("/feed").RequireClient(ClientKind.Ocsp);

        // It waits for longer than the operator may allow other requests, and ends by itself.
        group.MapGet("head", GetHeadAsync).Produces<byte[]>(contentType: ContentType).DisableRequestTimeout();
        group.MapGet("segments", GetSegmentsAsync).Produces<byte[]>(contentType: ContentType).DisableRequestTimeout();
        group.MapGet("snapshot", GetSnapshotAsync).Produces<byte[]>(contentType: ContentType);
        group.MapGet("snapshot/{number:long}/{part:long}", GetPartAsync).Produces<byte[]>(contentType: ContentType);
        group.MapGet("crls/{sm3}", GetCrlAsync).Produces<byte[]>(contentType: ContentType).DisableRequestTimeout();
    }

    /// <summary>A heartbeat. Where it waits, a stop of the service ends that with how far the feed is.</summary>
    private static async Task<FileContentHttpResult> GetHeadAsync(
        FeedHead head, WriteFeed feed, ClockWatch clock, IHostApplicationLifetime lifetime, CancellationToken cancellationToken, long? after = null)
    {
        // A heartbeat from the future would be believed until then, whatever the others say.
        if (clock.FindFault() is not null)
        {
            throw new RefusalException(Refusal.Unavailable, "本节点的时钟有误。");
        }

        FeedPosition position;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            position = after is { } number ? await head.WaitAsync(RequireNumber(number), LongestWait, ended.Token) : await head.ReadAsync();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            position = await head.WaitAsync(after ?? 0, TimeSpan.Zero, cancellationToken);
        }

        return TypedResults.Bytes(await feed.BeatAsync(position, cancellationToken), ContentType);
    }

    /// <summary>Whole frames in order; none: there is nothing after that yet. Without <paramref name="after"/> from the oldest segment on that is kept.</summary>
    private static async Task<PushStreamHttpResult> GetSegmentsAsync(HttpResponse response, Database database, CancellationToken cancellationToken, long? after = null)
    {
        IReadOnlyList<SegmentRow> rows = await database.ReadAsync(
            transaction => FeedStore.ListAfterAsync(transaction, after is { } number ? RequireNumber(number) : null, MaxSegments), cancellationToken);
        if (after is not null && rows.Count > 0 && rows[0].Number != after + 1)
        {
            // What becomes a problem document is cleared before.
            response.OnStarting(() =>
            {
                response.Headers[FirstHeader] = rows[0].Number.ToString(CultureInfo.InvariantCulture);
                return Task.CompletedTask;
            });
            throw new RefusalException(Refusal.NotFound, "该分段已删除，请从快照开始。");
        }

        long length = 0;
        SegmentRow[] taken = [.. rows.TakeWhile((row, i) => (length += row.Length + row.Statement.Length + (2 * sizeof(int))) <= MaxAnswer || i == 0)];
        return TypedResults.Stream(
            async body =>
            {
                foreach (SegmentRow row in taken)
                {
                    // One at a time: however many ask, each has one in memory. What was deleted meanwhile breaks the answer off.
                    byte[] content = await database.ReadAsync(transaction => FeedStore.FindContentAsync(transaction, row.Number), cancellationToken)
                        ?? throw new IOException($"Segment {row.Number} was deleted while it was sent.");
                    await body.WriteAsync(FeedFrames.Write(row.Statement, content), cancellationToken);
                }
            },
            ContentType);
    }

    private static async Task<FileContentHttpResult> GetSnapshotAsync(Database database, CancellationToken cancellationToken) =>
        await database.ReadAsync(FeedStore.FindSnapshotAsync, cancellationToken) is { } snapshot
            ? TypedResults.Bytes(snapshot.Statement, ContentType)
            : throw new RefusalException(Refusal.NotFound, "还没有快照，请从第一个分段开始。");

    private static async Task<FileContentHttpResult> GetPartAsync(long number, long part, Database database, CancellationToken cancellationToken) =>
        await database.ReadAsync(transaction => FeedStore.FindPartAsync(transaction, number, part), cancellationToken) is { } content
            ? TypedResults.Bytes(content, ContentType)
            : throw new RefusalException(Refusal.NotFound, "没有该快照或其部分。");

    /// <summary>A CRL that is published, by the hash that the feed has told.</summary>
    private static async Task<PushStreamHttpResult> GetCrlAsync(string sm3, Database database, CancellationToken cancellationToken)
    {
        byte[] hash = sm3.Length == 2 * Sm3.HashSizeInBytes && sm3.All(char.IsAsciiHexDigitLower)
            ? Convert.FromHexString(sm3)
            : throw new RefusalException(Refusal.Malformed, "哈希值应为64位小写十六进制数。");
        (CrlRow? crl, byte[]? first) = await database.ReadAsync(
            async transaction =>
            {
                CrlRow? found = (await transaction.QueryAsync<CrlRow>(
                    $"SELECT {CrlRow.Columns} FROM crl WHERE hash = @Hash AND state = 3 ORDER BY crl_number DESC {transaction.Dialect.Limit(1)}", new { Hash = hash })).FirstOrDefault();
                return (found, found is null ? null : await CrlStore.FindPartAsync(transaction, found.CrlId, 0));
            },
            cancellationToken);
        if (crl is null || first is null)
        {
            throw new RefusalException(Refusal.NotFound, "没有该CRL，或已被更新的CRL取代。");
        }

        return TypedResults.Stream(
            async body =>
            {
                byte[]? content = first;
                long sent = 0;
                for (long part = 1; content is not null; part++)
                {
                    await body.WriteAsync(content, cancellationToken);
                    sent += content.Length;
                    content = await database.ReadAsync(transaction => CrlStore.FindPartAsync(transaction, crl.CrlId, part), cancellationToken);
                }

                if (sent != crl.Length)
                {
                    throw new IOException($"CRL {crl.CrlNumber} was deleted while it was sent.");
                }
            },
            ContentType);
    }

    private static long RequireNumber(long number) => number >= 0 ? number : throw new RefusalException(Refusal.Malformed, "分段编号不能为负数。");
}
