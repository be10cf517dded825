using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ZwCa.Kmc.Requests;

/// <summary>CAs believe no answer once the KMC's message certificate has ended.</summary>
internal sealed class MessageCertificateHealth(KmcSigner signer, TimeProvider time) : IHealthCheck
{
    public const string Name = "message-certificate";

    private const int DegradedDays = 30;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        TimeSpan left = signer.Certificate.Tbs.Validity.NotAfter.Value - time.GetUtcNow();
        return Task.FromResult(
            left <= TimeSpan.Zero ? HealthCheckResult.Unhealthy("The message certificate has ended.")
            : left.TotalDays < DegradedDays ? HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"The message certificate is valid for {(int)left.TotalDays} more days."))
            : HealthCheckResult.Healthy());
    }
}
