using ZwCa.Ca.Crls;

namespace ZwCa.Tests.Ca.Crls;

/// <summary>A CRL that was never there has no age that could grow.</summary>
public sealed class NeverPublishedTests
{
    [Fact]
    public async Task ACrlThatWasNeverPublished_TurnsReadinessAmber_AndRedAfterAnInterval()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CrlScope scope = story.Stage.ScopeOf(story.Revoked);
        await LeaveOnlyAsync(story, scope);
        await story.ReadyAsync("degraded", $"CRL {scope} has not been published yet.");

        story.Clock.Pass(TimeSpan.FromHours(11));
        await story.ReadyAsync("degraded", $"CRL {scope} has not been published yet.");

        story.Clock.Pass(TimeSpan.FromHours(1.1));
        await story.ReadyAsync("unhealthy", $"CRL {scope} has never been published, and was to be made from ");

        await story.GoOnAsync(scope);
        Assert.Equal(("healthy", ""), await story.ReadinessAsync());
    }

    /// <summary>Of certificates that were there before CRLs were.</summary>
    [Fact]
    public async Task OneOfWhichNobodyKnowsSinceWhen_IsRedAtOnce()
    {
        await using CrlStory story = await CrlStory.StartAsync();
        CrlScope scope = story.Stage.ScopeOf(story.Revoked);
        await LeaveOnlyAsync(story, scope);
        await story.Stage.RawAsync("UPDATE crl_scope SET added_at = 0");

        await story.ReadyAsync("unhealthy", $"CRL {scope} has never been published, and was to be made at once.");
    }

    /// <summary>Besides the complete one, which is published; nobody has a certificate of the other partitions and CAs.</summary>
    private static async Task LeaveOnlyAsync(CrlStory story, CrlScope scope)
    {
        await story.Stage.RawAsync(
            "DELETE FROM crl_scope WHERE NOT (authority_id = @Id AND shard IN ('all', @Shard))", new { scope.Authority.Id, scope.Shard });
        Assert.Equal(2, await story.Stage.Database.FindAsync<long>("SELECT COUNT(*) FROM crl_scope", cancellationToken: TestContext.Current.CancellationToken));
    }
}
