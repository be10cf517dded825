using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Crls;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A job that hangs, or whose process dies each time, writes no reason anywhere: readiness tells of what has not been done.</summary>
public sealed class WaitingTests
{
    [Fact]
    public async Task WhatIsNotDone_IsToldOf()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        story.Clock.Pass(TimeSpan.FromSeconds(2));
        await story.Services.GetRequiredService<MakeCrl>().RunDueAsync(TestContext.Current.CancellationToken);
        await story.Stage.PublishAsync();
        await NothingAsync(story);

        // Due, and nobody begins.
        await DueAsync(story, story.Clock.GetUtcNow().AddMinutes(1));
        await NothingAsync(story);
        story.Clock.Pass(TimeSpan.FromHours(3));
        await story.ReadyAsync("degraded", "has not been begun");

        // Ordered, and nobody begins.
        await DueAsync(story, DateTimeOffset.UnixEpoch);
        await NothingAsync(story);
        story.Clock.Pass(TimeSpan.FromMinutes(8));
        await story.ReadyAsync("unhealthy", "was to be made at once");

        // Made, and not published.
        Assert.Equal(CrlState.Judged, (await story.TryMakeAsync())!.State);
        await NothingAsync(story);
        story.Clock.Pass(TimeSpan.FromMinutes(3));
        await story.ReadyAsync("unhealthy", "to be published");
        await story.Stage.PublishAsync();
        await NothingAsync(story);

        // Begun, and dead each time.
        for (int i = 0; i < 3; i++)
        {
            await story.TryMakeAsync();
            await story.Stage.RawAsync("UPDATE crl SET state = 5, detail = 'broken off' WHERE state = 2");
        }

        await story.ReadyAsync("unhealthy", "broken off each time");
        await story.HealedAsync();
    }

    private static Task DueAsync(CrlStory story, DateTimeOffset at) => story.Stage.RawAsync(
        "UPDATE crl_scope SET due_at = @At WHERE authority_id = @Id AND shard = @Shard", new { At = at.ToUnixTimeMilliseconds(), story.Scope.Authority.Id, story.Scope.Shard });

    private static async Task NothingAsync(CrlStory story) => Assert.Equal(("healthy", ""), await story.ReadinessAsync());
}
