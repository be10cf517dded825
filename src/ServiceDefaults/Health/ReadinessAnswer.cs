using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>
/// The answer of <c>/health/ready</c>: <c>{"status":"degraded","checks":[{"name":"link","status":"degraded","reason":"…"}]}</c>, status 503 where a check is
/// unhealthy, otherwise 200. Exceptions are in the log.
/// </summary>
internal static class ReadinessAnswer
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
    };

    public static async Task WriteAsync(HttpContext context)
    {
        HealthReport report =
            await context.RequestServices.GetRequiredService<HealthCheckService>().CheckHealthAsync(context.RequestAborted);
        context.Response.StatusCode = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        await context.Response.WriteAsJsonAsync(
            new
            {
                Status = Word(report.Status),
                Checks = report.Entries.Select(each => new { Name = each.Key, Status = Word(each.Value.Status), Reason = each.Value.Description }),
            },
            Json,
            context.RequestAborted);
    }

    private static string Word(HealthStatus status) => status.ToString().ToLowerInvariant();
}
