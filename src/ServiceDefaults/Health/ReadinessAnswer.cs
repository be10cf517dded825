using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>
/// The answer of <c>/health/ready</c>: <c>{"status":"degraded","version":"0.1.0","checks":[{"name":"link","status":"degraded","reason":"…"}]}</c>, status 503 where a check is
/// unhealthy, otherwise 200. A check that is well may have a reason too, and one may have <c>data</c> for programs. Exceptions are in the log.
/// </summary>
internal static class ReadinessAnswer
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
    };

    /// <summary>Of the program: all of it is built at once.</summary>
    private static readonly string Version = typeof(ReadinessAnswer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public static async Task WriteAsync(HttpContext context)
    {
        HealthReport report =
            await context.RequestServices.GetRequiredService<HealthCheckService>().CheckHealthAsync(context.RequestAborted);
        context.Response.StatusCode = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        await context.Response.WriteAsJsonAsync(
            new
            {
                Status = Word(report.Status),
                Version,
                Checks = report.Entries.Select(each => new
                {
                    Name = each.Key, Status = Word(each.Value.Status), Reason = each.Value.Description, Data = each.Value.Data.Count == 0 ? null : each.Value.Data,
                }),
            },
            Json,
            context.RequestAborted);
    }

    private static string Word(HealthStatus status) => status.ToString().ToLowerInvariant();
}
