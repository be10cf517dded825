using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ZwCa.Tests.Ca.Ocsp;

/// <summary>What stands still is told before anybody misses it.</summary>
public sealed class OcspHealthTests
{
    [Fact]
    public async Task AChangeThatWaits_IsTold()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.RenewAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
        await story.IssueAsync();
        story.Clock.Pass(TimeSpan.FromSeconds(6));
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, status);
        Assert.Contains("does not tell it yet", reason, StringComparison.Ordinal);
        story.Clock.Pass(TimeSpan.FromSeconds(30));
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);
        await story.TellAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    [Fact]
    public async Task ResponsesThatGrowOld_AreTold_BeforeHalfOfTheirValidity()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, status);
        Assert.Contains("no OCSP responses yet", reason, StringComparison.Ordinal);
        story.Clock.Pass(TimeSpan.FromMinutes(16));
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);
        await story.RenewAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());

        story.Clock.Pass(0.41 * story.Options.Validity);
        (status, reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, status);
        Assert.Contains("have no successors", reason, StringComparison.Ordinal);
        story.Clock.Pass(0.1 * story.Options.Validity);
        Assert.Equal(HealthStatus.Unhealthy, (await story.HealthAsync()).Status);
        await story.RenewAsync();
        Assert.Equal((HealthStatus.Healthy, ""), await story.HealthAsync());
    }

    [Fact]
    public async Task ResponsesOfTheFuture_AreTold()
    {
        await using OcspStory story = await OcspStory.StartAsync();
        await story.TellAsync();
        await story.RenewAsync();
        await story.Stage.RawAsync("UPDATE ocsp_slice SET signed_at = @At", new { At = story.Clock.GetUtcNow().AddHours(1) });
        (HealthStatus status, string reason) = await story.HealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.Contains("the clock is wrong", reason, StringComparison.Ordinal);
    }
}
