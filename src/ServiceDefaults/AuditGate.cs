using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Audit;
using ZwCa.Contracts;

namespace ZwCa.ServiceDefaults;

/// <summary>What an issuing procedure asks first: no audit, no issuance.</summary>
/// <param name="readiness">Asks the log whether it keeps up and the clock is right. Null: so it is; otherwise the reason, for the operator.</param>
public sealed class AuditGate(Func<CancellationToken, Task<string?>> readiness) : IHealthCheck
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    /// <exception cref="RefusalException"><see cref="Refusal.AuditUnavailable"/>: nothing may be issued now.</exception>
    public async Task RequireAsync(CancellationToken cancellationToken = default)
    {
        if (await readiness(cancellationToken) is not null)
        {
            throw new RefusalException(Refusal.AuditUnavailable, "审计日志暂时不可用，已暂停签发，请稍后再试。", RetryAfter);
        }
    }

    async Task<HealthCheckResult> IHealthCheck.CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await readiness(cancellationToken) is { } reason ? HealthCheckResult.Unhealthy(reason) : HealthCheckResult.Healthy();
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }
}

/// <summary>For services that issue.</summary>
public static class AuditGateServices
{
    /// <summary>Registers the gate over the service's own log, and its state as the check <c>audit</c> of readiness.</summary>
    public static void AddAuditGate(this IServiceCollection services) => services.AddAuditGate(provider =>
    {
        AuditReadiness log = ActivatorUtilities.CreateInstance<AuditReadiness>(provider);
        return async cancellationToken => WhyNot(await log.CheckAsync(cancellationToken));
    });

    /// <summary>As <see cref="AddAuditGate(IServiceCollection)"/>, asking something else.</summary>
    public static void AddAuditGate(this IServiceCollection services, Func<IServiceProvider, Func<CancellationToken, Task<string?>>> readiness)
    {
        services.AddSingleton(provider => new AuditGate(readiness(provider)));
        services.AddHealthChecks().Add(new HealthCheckRegistration("audit", provider => provider.GetRequiredService<AuditGate>(), null, null));
    }

    private static string? WhyNot(AuditState state) => state switch
    {
        AuditState.Ready => null,
        AuditState.Behind => "An event waits for its place in the log, or for a checkpoint over it.",
        AuditState.ClockSetBack => "The clock stands before the last checkpoint of the log.",
        _ => state.ToString(),
    };
}
