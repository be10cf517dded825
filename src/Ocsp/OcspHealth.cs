using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1.Pkix;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Listening;

namespace ZwCa.Ocsp;

/// <summary>Whether the feed is heard and believed: who withholds it is seen here.</summary>
internal sealed class FeedHealth(FeedState state, OcspOptions options) : IHealthCheck
{
    public const string Name = "feed";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        state.Served is null ? HealthCheckResult.Unhealthy(state.Fault is { } damage ? $"The copy of the feed is not complete: {damage}" : "The copy of the feed is not complete yet.")
        : state.Fault is { } fault ? HealthCheckResult.Unhealthy($"The feed is not believed: {fault} What was verified before is served.")
        : state.Age > options.Feed.StaleAfter ? HealthCheckResult.Unhealthy($"Nothing was heard of the feed for {(int)state.Age.TotalSeconds} s.")
        : state.CompleteAt is null ? HealthCheckResult.Degraded("Nothing was heard of the feed since the start; the copy is served.")
        : state.Age > options.Feed.LateAfter ? HealthCheckResult.Degraded($"Nothing was heard of the feed for {(int)state.Age.TotalSeconds} s.")
        : state.FileFault is { } file ? HealthCheckResult.Degraded($"A file cannot be had: {file}")
        : HealthCheckResult.Healthy());
}

/// <summary>Whether the node answers, and what it can sign.</summary>
internal sealed class AnswersHealth(FeedState state, WarmUp warmUp, Drain drain, IReadOnlyList<LiveSigner> signers, OcspOptions options, TimeProvider time) : IHealthCheck
{
    public const string Name = "answers";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        drain.HasBegun ? HealthCheckResult.Unhealthy("The node is being stopped.")
        : !warmUp.IsDone ? HealthCheckResult.Unhealthy("The node is warming up.")
        : Unsigned() is { } reason ? HealthCheckResult.Degraded(reason)
        : HealthCheckResult.Healthy());

    /// <returns>What cannot be signed here, though it is configured; null: nothing.</returns>
    private string? Unsigned()
    {
        if (options.Live.Count == 0 || state.Served is not { } feed)
        {
            return null;
        }

        DateTimeOffset now = time.GetUtcNow();
        foreach ((LiveSigner signer, LiveOptions live) in signers.Zip(options.Live))
        {
            Validity? validity = signer.Certificate?.Tbs.Validity;
            if (validity is null || now >= validity.NotAfter.Value || !feed.Authorities.All.Any(each => signer.Find(each) is not null))
            {
                return $"Nothing is signed with {live.CertificateFile}: it is missing, has expired, or is of no CA that the feed names.";
            }
        }

        return null;
    }
}
