using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using ZwCa.ServiceDefaults.Health;
using ZwCa.ServiceDefaults.Telemetry;

namespace ZwCa.ServiceDefaults.Requests;

/// <summary>
/// Health and metrics, on a listener of their own: plain http on loopback. What belongs to it is told by the connection, for a Host header is the
/// client's text: nothing else is there, and on the links there is nothing of it.
/// </summary>
internal static class ManagementListener
{
    public static void UseManagement(this ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection =>
        {
            connection.Features.Set(new Mark());
            return next(connection);
        });
    }

    /// <summary>Whether the request came in there.</summary>
    public static bool IsManagement(this HttpContext context) => context.Features.Get<Mark>() is not null;

    public static Task AnswerAsync(HttpContext context)
    {
        switch (HttpMethods.IsGet(context.Request.Method) ? context.Request.Path.Value : null)
        {
            case "/health/live":
                return context.Response.WriteAsync("live", context.RequestAborted);
            case "/health/ready":
                return ReadinessAnswer.WriteAsync(context);
            case "/metrics":
                return PrometheusExporter.WriteAsync(context);
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    private sealed class Mark;
}
