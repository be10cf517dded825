using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1.Pkix;

namespace ZwCa.ServiceDefaults.Health;

/// <summary>By which a service signs its messages.</summary>
public sealed record OwnMessageCertificate(Certificate Certificate);

/// <summary>Nobody believes a service's messages once its certificate for them has ended.</summary>
public sealed class MessageCertificateHealth(OwnMessageCertificate own, TimeProvider time) : IHealthCheck
{
    public const string Name = "message-certificate";

    private const int DegradedDays = 30;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        TimeSpan left = own.Certificate.Tbs.Validity.NotAfter.Value - time.GetUtcNow();
        return Task.FromResult(
            left <= TimeSpan.Zero ? HealthCheckResult.Unhealthy("The message certificate has ended.")
            : left.TotalDays < DegradedDays ? HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"The message certificate is valid for {(int)left.TotalDays} more days."))
            : HealthCheckResult.Healthy($"The message certificate is valid until {own.Certificate.Tbs.Validity.NotAfter.Value:u}."));
    }
}
