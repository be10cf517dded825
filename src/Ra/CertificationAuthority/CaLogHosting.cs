using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ra.CertificationAuthority;

/// <summary>The log of the CA, as this RA watches it.</summary>
internal static class CaLogHosting
{
    public static void AddCaLog(this IServiceCollection services, CaLinkOptions options)
    {
        services.AddSingleton(_ => new AuditVerifier(options.LogOrigin, ReadKeys(options.LogKeyFile)));
        services.AddSingleton<Checkpoints>();
        services.AddSingleton<KeepCheckpoint>();
        services.AddSingleton<ProveInclusion>();
        services.AddHealthChecks().AddCheck<CaLogHealth>(CaLogHealth.Name).AddCheck<InclusionHealth>(InclusionHealth.Name);
    }

    private static SubjectPublicKeyInfo[] ReadKeys(string file)
    {
        try
        {
            return [.. Pem.DecodeAll(Pem.PublicKey, File.ReadAllText(file)).Select(each => Der.Decode<SubjectPublicKeyInfo>(each))];
        }
        catch (Exception e) when (e is DerException or IOException or UnauthorizedAccessException)
        {
            throw new StartCheckException($"{file} is no public key: {e.Message}");
        }
    }
}

/// <summary>Unhealthy where the CA's log went back or shows something else than before; degraded where nothing is heard of it.</summary>
internal sealed class CaLogHealth(Checkpoints checkpoints, TimeProvider time) : IHealthCheck
{
    public const string Name = "ca-log";

    /// <summary>Base64 of the DER of the highest checkpoint.</summary>
    private const string Data = "checkpoint";

    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(5);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = time.GetUtcNow();
        Checkpoint? highest = checkpoints.Highest;

        // For whoever compares it with what the CA shows others: zwca doctor.
        IReadOnlyDictionary<string, object>? data = highest is null ? null : new Dictionary<string, object> { [Data] = Convert.ToBase64String(Der.Encode(highest)) };
        HealthCheckResult result = checkpoints.FindFault() is { } fault ? HealthCheckResult.Unhealthy(fault, data: data)
            : checkpoints.SeenAt is not { } seen || highest is null ? HealthCheckResult.Degraded("The CA has named no checkpoint of its log yet.")
            : now - seen > Stale ? HealthCheckResult.Degraded($"The CA last named a checkpoint of its log at {seen:u}.", data: data)
            : now - highest.Tbs.Time > Stale ? HealthCheckResult.Degraded($"The latest checkpoint of the CA's log is of {highest.Tbs.Time:u}.", data: data)
            : HealthCheckResult.Healthy(string.Create(CultureInfo.InvariantCulture, $"The CA's log has {highest.Tbs.TreeSize} events, by its checkpoint of {highest.Tbs.Time:u}."), data);
        return Task.FromResult(result);
    }
}

/// <summary>Degraded while certificates that the CA has issued are not proven to be in its log, though they should be.</summary>
internal sealed class InclusionHealth(ProveInclusion inclusion) : IHealthCheck
{
    public const string Name = "inclusion";

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            long missing = await inclusion.CountMissingAsync(cancellationToken);
            return missing == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"{missing} certificates are not proven to be in the CA's log."));
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}
