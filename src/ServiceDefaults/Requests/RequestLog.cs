using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Requests;

/// <summary>Gives each request its id and writes one line about it: the route's template, never the path, the query, a header or the body.</summary>
internal sealed partial class RequestLog(RequestDelegate next, TimeProvider time, ILogger<RequestLog> logger)
{
    public const string Header = "X-Request-Id";

    /// <summary>A method is the client's text as well.</summary>
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    public async Task InvokeAsync(HttpContext context)
    {
        long start = time.GetTimestamp();
        var record = new RequestRecord(Convert.ToHexStringLower(Ulid.Create(time.GetUtcNow())));
        context.TraceIdentifier = record.Id;
        context.Features.Set(record);
        context.Response.Headers[Header] = record.Id;
        using IDisposable? scope = logger.BeginScope(record);
        await next(context);
        LogRequest(
            logger,
            Methods.Contains(context.Request.Method) ? context.Request.Method : "OTHER",
            (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "",
            context.Response.StatusCode,
            Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 1),
            context.Features.Get<RegisteredClient>()?.Name ?? "",
            record.Refusal ?? "",
            Activity.Current?.TraceId.ToString() ?? "");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Route} {Status} {Milliseconds} ms {Client} {Refusal} {TraceId}")]
    private static partial void LogRequest(
        ILogger logger, string method, string route, int status, double milliseconds, string client, string refusal, string traceId);
}
