using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;

namespace ZwCa.Ra.Outbox;

/// <summary>Amber while something waits for the CA for longer than a clerk would: it is away, or has no quota left, or does not know this RA; or nobody here sends it.</summary>
internal sealed class OutboxHealth(Database database, TimeProvider time) : IHealthCheck
{
    public const string Name = "outbox";

    private static readonly TimeSpan Late = TimeSpan.FromMinutes(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        Row late = await database.FindAsync<Row>(
            "SELECT COUNT(*) AS waiting, MAX(refusal) AS refusal FROM outbox WHERE state = 0 AND ((tries > 0 AND added_at < @Before) OR try_after < @Before)",
            new { Before = time.GetUtcNow() - Late },
            cancellationToken)
            ?? new Row { Waiting = 0 };
        return late.Waiting == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(
            $"{late.Waiting} requests wait for the CA for more than two minutes, the last ones for {late.Refusal ?? "nothing that it has said"}.");
    }

    private sealed record Row
    {
        public required long Waiting { get; init; }

        public string? Refusal { get; init; }
    }
}
