using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Hsm;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>The HSM answers: one random byte, or the search for a key that is not there.</summary>
internal sealed class HsmCheck(IHsm hsm) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly KeyLabel NoKey = new("health-check");

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await ReachAsync(hsm, limit.Token);
            return HealthCheckResult.Healthy();
        }
        catch (HsmException e)
        {
            return HealthCheckResult.Unhealthy($"{e.Failure}: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy($"The HSM did not answer within {Patience.TotalSeconds} s.");
        }
    }

    internal static Task ReachAsync(IHsm hsm, CancellationToken cancellationToken) => hsm.Token.Capabilities.HasFlag(HsmCapabilities.Random)
        ? hsm.GetRandomAsync(1, cancellationToken)
        : hsm.FindKeyAsync(NoKey, cancellationToken);
}
