using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Net.Mime;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;

namespace ZwCa.Ra.Tracking;

/// <summary>
/// <c>GET /tracking/{number}</c> for everybody, by plain http, on a listener of its own where nothing else is; on the links there is nothing of it. What came in here is told by the connection, for a
/// Host header is the client's text.
/// </summary>
internal sealed partial class TrackingListener(Database database, TrackingBuckets buckets, TrackingVisitors visitors, ILogger<TrackingListener> logger)
{
    private const string Prefix = "/tracking/";

    /// <summary>Nobody groups 17 characters into more.</summary>
    private const int MaxNumberLength = 64;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    public static void Listen(WebApplicationBuilder builder, IPEndPoint address)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address, listen =>
        {
            TrackingVisitors visitors = listen.ApplicationServices.GetRequiredService<TrackingVisitors>();
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => async connection =>
            {
                IPAddress? visitor = (connection.RemoteEndPoint as IPEndPoint)?.Address;
                if (!visitors.TryEnter(visitor))
                {
                    connection.Abort();
                    return;
                }

                try
                {
                    connection.Features.Set(new Mark());
                    await next(connection);
                }
                finally
                {
                    visitors.Leave(visitor);
                }
            });
        }));

        // The limit of the service is of its links and its management: they keep it, whatever everybody does here.
        builder.Services.PostConfigure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxConcurrentConnections += TrackingVisitors.Most);
        builder.Services.AddSingleton<IStartupFilter, First>();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            await SendAsync(http, StatusCodes.Status200OK, MediaTypeNames.Application.Json, JsonSerializer.SerializeToUtf8Bytes(await FindAsync(http), JsonSerializerOptions.Web));
        }
        catch (RefusalException e)
        {
            await RefuseAsync(http, e);
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested)
        {
            bool isAway = e is DbException or TimeoutException;
            LogNotAnswered(logger, e);
            await RefuseAsync(http, isAway ? new RefusalException(Refusal.Unavailable, "服务暂时不可用，请稍后再试。", RetryAfter, e) : null);
        }
    }

    /// <exception cref="RefusalException">There is no such number, or he asks too often.</exception>
    private async Task<TrackingAnswer> FindAsync(HttpContext http)
    {
        // Step 1: whoever asks pays for it, whatever he asks; for what does not lead to anything twice.
        IPAddress visitor = visitors.AddressOf(http);
        if (!buckets.TryTake(visitor))
        {
            throw new RefusalException(Refusal.TooManyRequests, "查询过于频繁，请一分钟后再试。", RetryAfter);
        }

        string path = http.Request.Path.Value ?? "";
        try
        {
            if (!HttpMethods.IsGet(http.Request.Method) || !path.StartsWith(Prefix, StringComparison.Ordinal) || path.Length > Prefix.Length + MaxNumberLength)
            {
                throw new RefusalException(Refusal.NotFound, "没有这个地址。");
            }

            // Step 2: one look by the unique index, whether there is such a number or not.
            var number = TrackingNumber.Parse(path[Prefix.Length..]);
            Row? row = await database.FindAsync<Row>(
                "SELECT kind, state, created_at, changed_at FROM enrollment WHERE tracking_number = @Number", new { Number = number.Value }, http.RequestAborted);
            return row is null ? throw new RefusalException(Refusal.NotFound, "没有该受理编号，请核对后重试。") : Show(number, row);
        }
        catch (RefusalException)
        {
            buckets.TakeForWrong(visitor);
            throw;
        }
    }

    private static TrackingAnswer Show(TrackingNumber number, Row row)
    {
        (string state, string message) = TrackingText.StateOf(row.State);
        return new TrackingAnswer
        {
            TrackingNumber = number.ToString(),
            Kind = TrackingText.KindOf(row.Kind),
            State = state,
            Message = message,
            CreatedAt = row.CreatedAt,
            ChangedAt = row.ChangedAt,
        };
    }

    private static Task RefuseAsync(HttpContext http, RefusalException? refusal)
    {
        Problem problem = refusal is null ? Problem.OfFailure(null) : Problem.Of(refusal, null);
        if (problem.Retry is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return SendAsync(http, problem.Status, Problem.ContentType, problem.ToJson());
    }

    private static async Task SendAsync(HttpContext http, int status, string type, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A tracking number was not looked up")]
    private static partial void LogNotAnswered(ILogger logger, Exception e);

    private sealed class Mark;

    /// <summary>Before everything else of the service.</summary>
    private sealed class First(TrackingListener listener) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.MapWhen(http => http.Features.Get<Mark>() is not null, tracking => tracking.Run(listener.AnswerAsync));
            next(app);
        };
    }

    private sealed record Row
    {
        public required short Kind { get; init; }

        public required short State { get; init; }

        public required DateTimeOffset CreatedAt { get; init; }

        public required DateTimeOffset ChangedAt { get; init; }
    }
}
