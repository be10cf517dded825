using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Whether every CRL that there has to be is out, and young (incident 4). Amber before half of a CRL's validity has passed without a successor; red at 80 %, and from the moment that one
/// was refused until one passes. It asks the rows, so that it tells of a job that stands still on whatever node.
/// </summary>
internal sealed class CrlHealth(Database database, CrlScopes scopes, PublishCrls publication, PublicationFolders folders, CeremonyPublication ceremony, ClockWatch clock,
    TimeProvider time) : IHealthCheck
{
    public const string Name = "crls";

    private const double Amber = 0.45;
    private const double Red = 0.8;

    /// <summary>Reasons that are told one by one.</summary>
    private const int Most = 5;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var found = new List<(HealthStatus Status, string Reason)>();
            if (clock.FindFault() is { } fault)
            {
                found.Add((HealthStatus.Unhealthy, fault));
            }

            foreach ((CrlScope scope, CrlRow? published, CrlRow? last) in await database.ReadAsync(ReadAsync, cancellationToken))
            {
                if (Judge(scope, published, last) is { } judged)
                {
                    found.Add(judged);
                }
            }

            foreach (short id in await database.ReadAsync(scopes.GetForsakenAsync, cancellationToken))
            {
                found.Add((HealthStatus.Unhealthy, $"The database has CRLs of CA number {id}, which the configuration lacks: nobody makes them."));
            }

            found.AddRange(ceremony.FindDue().Select(due => (due.IsRed ? HealthStatus.Unhealthy : HealthStatus.Degraded, due.Reason)));
            found.AddRange(publication.Troubles.Select(trouble => (HealthStatus.Unhealthy, trouble)));
            if (folders.All.Count == 0)
            {
                found.Add((HealthStatus.Degraded, "No publication folder is configured: nobody gets the CRLs."));
            }

            if (found.Count == 0)
            {
                return HealthCheckResult.Healthy();
            }

            // HealthStatus counts up to healthy.
            HealthStatus worst = found.Min(each => each.Status);
            string more = found.Count > Most ? $" And {found.Count - Most} more." : "";
            return new HealthCheckResult(worst, string.Join(" ", found.OrderBy(each => each.Status).Select(each => each.Reason).Take(Most)) + more);
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }

    private async Task<IReadOnlyList<(CrlScope Scope, CrlRow? Published, CrlRow? Last)>> ReadAsync(Transaction transaction)
    {
        var all = new List<(CrlScope, CrlRow?, CrlRow?)>();
        foreach (CrlScope scope in await scopes.GetAllAsync(transaction))
        {
            all.Add((scope, await CrlStore.FindPublishedAsync(transaction, scope), await CrlStore.FindLastEndedAsync(transaction, scope)));
        }

        return all;
    }

    private (HealthStatus Status, string Reason)? Judge(CrlScope scope, CrlRow? published, CrlRow? last)
    {
        if (last is { State: CrlState.Refused or CrlState.GivenUp, Detail: { } detail })
        {
            return (HealthStatus.Unhealthy, $"CRL {scope} number {last.CrlNumber} did not leave: {detail}");
        }

        if (published is null)
        {
            return (HealthStatus.Degraded, $"CRL {scope} has not been published yet.");
        }

        // The service may have been started with a wrong clock: until then none passes.
        DateTimeOffset now = time.GetUtcNow();
        if (now < published.ThisUpdate!.Value - ClockWatch.Tolerance)
        {
            return (HealthStatus.Unhealthy, $"It is {now:u}, and CRL {scope} number {published.CrlNumber} is of {published.ThisUpdate:u}: the clock is wrong, or was when that was made.");
        }

        double passed = (now - published.ThisUpdate.Value) / (published.NextUpdate!.Value - published.ThisUpdate.Value);
        return passed < Amber ? null
            : (passed < Red ? HealthStatus.Degraded : HealthStatus.Unhealthy,
                $"CRL {scope} number {published.CrlNumber} is of {published.ThisUpdate:u}, ends at {published.NextUpdate:u}, and has no successor.");
    }
}
