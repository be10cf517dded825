using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;

namespace ZwCa.Ra.Outbox;

/// <summary>Amber while something waits for the CA for longer than a clerk would: it is away, or has no quota left, or does not know this RA; or nobody of this RA sends it.</summary>
internal sealed class OutboxHealth(Database database, TimeProvider time) : IHealthCheck
{
    public const string Name = "outbox";

    private static readonly TimeSpan Late = TimeSpan.FromMinutes(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            DateTimeOffset now = time.GetUtcNow();

            // What was held back is older than its turn: it is late once it was tried, or has waited for its try.
            Row late = (await database.FindAsync<Row>(
                "SELECT COUNT(*) AS waiting, MAX(refusal) AS refusal FROM outbox WHERE state = 0 AND ((added_at < @Before AND tries > 0) OR try_after < @Before)", new { Before = now - Late }, cancellationToken))!;
            Row all = (await database.FindAsync<Row>("SELECT COUNT(*) AS waiting, MIN(added_at) AS oldest FROM outbox WHERE state = 0", cancellationToken: cancellationToken))!;
            string waiting = all.Oldest is { } oldest ? string.Create(CultureInfo.InvariantCulture, $"{all.Waiting} requests wait for the CA, the oldest since {oldest:u}.") : "Nothing waits for the CA.";
            return late.Waiting == 0
                ? HealthCheckResult.Healthy(waiting)
                : HealthCheckResult.Degraded(string.Create(
                    CultureInfo.InvariantCulture, $"{late.Waiting} requests wait for the CA for more than two minutes, {(late.Refusal is null ? "and nobody sends them" : $"the last ones for {late.Refusal}")}. {waiting}"));
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }

    private sealed record Row
    {
        public required long Waiting { get; init; }

        public string? Refusal { get; init; }

        public DateTimeOffset? Oldest { get; init; }
    }
}
