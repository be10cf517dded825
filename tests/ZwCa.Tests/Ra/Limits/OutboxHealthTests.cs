using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;
using ZwCa.Ra.Outbox;
using ZwCa.Tests.Ra.Constraints;

namespace ZwCa.Tests.Ra.Limits;

/// <summary>What readiness says of the outbox.</summary>
public sealed class OutboxHealthTests
{
    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatWaits_IsCounted_AndWhatWaitsTooLongIsAmber_AlsoWhereNobodySendsIt(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        await ConstraintTests.PrepareAsync(records);
        var health = new OutboxHealth(records.Database, records.Story.Clock);
        long now = records.Story.Clock.GetUtcNow().ToUnixTimeMilliseconds();

        // Just added, and not tried yet.
        await SetAsync(state: 0, added: now - 5_000, due: now - 5_000);
        await IsAsync(HealthStatus.Healthy, $"1 requests wait for the CA, the oldest since {DateTimeOffset.FromUnixTimeMilliseconds(now - 5_000):u}.");

        // Held back for weeks, and its turn has come just now.
        await SetAsync(state: 0, added: now - 1_000_000_000, due: now);
        await IsAsync(HealthStatus.Healthy, "1 requests wait");

        // Due for three minutes, and nobody has taken it.
        await SetAsync(state: 0, added: now - 180_000, due: now - 180_000);
        await IsAsync(HealthStatus.Degraded, "and nobody sends them");

        // Tried, and put off.
        await SetAsync(state: 0, added: now - 180_000, due: now + 60_000, tries: 7, refusal: "QuotaExhausted");
        await IsAsync(HealthStatus.Degraded, "the last ones for QuotaExhausted");

        // Answered.
        await SetAsync(state: 2, added: now - 180_000, due: now - 180_000, tries: 7);
        await IsAsync(HealthStatus.Healthy, "Nothing waits for the CA.");

        Task SetAsync(short state, long added, long due, long tries = 0, string? refusal = null) => records.Story.RawAsync(
            "UPDATE outbox SET state = @State, added_at = @Added, try_after = @Due, tries = @Tries, refusal = @Refusal", new { State = state, Added = added, Due = due, Tries = tries, Refusal = refusal });

        async Task IsAsync(HealthStatus status, string words)
        {
            HealthCheckResult result = await health.CheckHealthAsync(new HealthCheckContext(), Token);
            Assert.Equal(status, result.Status);
            Assert.Contains(words, result.Description, StringComparison.Ordinal);
        }
    }
}
