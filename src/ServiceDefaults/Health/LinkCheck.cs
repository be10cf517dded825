using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>The service's link certificate lasts for a while, and a renewal that was begun is complete.</summary>
internal sealed class LinkCheck(LinkCertificate link, ServiceOptions options, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        TimeSpan left = link.Current.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime;
        HealthCheckResult result = left <= TimeSpan.Zero ? HealthCheckResult.Unhealthy("The link certificate has expired.")
            : link.RenewalFailure is { } failure ? HealthCheckResult.Degraded($"The renewed link certificate is not used: {failure}")
            : left.TotalDays < options.Link.DegradedDays ? HealthCheckResult.Degraded($"The link certificate is valid for {(int)left.TotalDays} more days.")
            : HealthCheckResult.Healthy($"The link certificate is valid until {link.Current.NotAfter.ToUniversalTime():u}.");
        return Task.FromResult(result);
    }
}
