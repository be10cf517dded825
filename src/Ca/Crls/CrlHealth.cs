using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Data;
using ZwCa.Jobs;

namespace ZwCa.Ca.Crls;

/// <summary>
/// Whether every CRL that there has to be is out, and young (incident 4). Amber before half of a CRL's validity has passed without a successor; red at 80 %, and from the moment that one
/// was refused until one passes. It asks the rows, so that it tells of a job that stands still on whatever node.
/// </summary>
internal sealed class CrlHealth(Database database, CrlScopes scopes, PublishCrls publication, PublicationFolders folders, CeremonyPublication ceremony, ClockWatch clock,
    CrlOptions options, TimeProvider time) : IHealthCheck
{
    public const string Name = "crls";

    private const double Amber = 0.45;
    private const double Red = 0.8;

    /// <summary>Reasons that are told one by one.</summary>
    private const int Most = 5;

    private const int MostBrokenOff = 3;

    /// <summary>For what takes seconds.</summary>
    private static readonly TimeSpan TooLong = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan LongAgo = TimeSpan.FromMinutes(15);

    /// <summary>In due_at: ordered, or begun.</summary>
    private static readonly DateTimeOffset Begun = DateTimeOffset.FromUnixTimeMilliseconds(1);

    private readonly ConcurrentDictionary<(short Authority, string Shard), DateTimeOffset> _waiting = [];

    private TimeSpan Overdue => LongAgo > 2 * options.Look ? LongAgo : 2 * options.Look;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var found = new List<(HealthStatus Status, string Reason)>();
            if (clock.FindFault() is { } fault)
            {
                found.Add((HealthStatus.Unhealthy, fault));
            }

            foreach (Series series in await database.ReadAsync(ReadAsync, cancellationToken))
            {
                if (Judge(series) is { } judged)
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

    private async Task<IReadOnlyList<Series>> ReadAsync(Transaction transaction)
    {
        var rows = (await transaction.QueryAsync<ScopeRow>("SELECT authority_id, shard, due_at, added_at FROM crl_scope")).ToDictionary(row => (row.AuthorityId, row.Shard));
        var all = new List<Series>();
        foreach (CrlScope scope in (await scopes.GetAllAsync(transaction)).Where(scope => !scope.HasEnded(time.GetUtcNow())))
        {
            all.Add(new Series(scope, rows[(scope.Authority.Id, scope.Shard)])
            {
                Published = await CrlStore.FindPublishedAsync(transaction, scope),
                LastEnded = await CrlStore.FindLastEndedAsync(transaction, scope),
                Judged = await CrlStore.FindLastAsync(transaction, scope, CrlState.Judged),
                Failed = await CrlStore.CountFailedAsync(transaction, scope),
            });
        }

        return all;
    }

    private (HealthStatus Status, string Reason)? Judge(Series series)
    {
        (CrlScope scope, ScopeRow row) = series;
        CrlRow? published = series.Published;
        DateTimeOffset addedAt = row.AddedAt;
        if (series.LastEnded is { State: CrlState.Refused or CrlState.GivenUp, Detail: { } detail } last)
        {
            return (HealthStatus.Unhealthy, $"CRL {scope} number {last.CrlNumber} did not leave: {detail}");
        }

        DateTimeOffset now = time.GetUtcNow();
        if (published is null)
        {
            // The first is due at once. Nothing else tells of a job that stands still before it: there is no age that could grow. And certificates may name it already.
            return now < addedAt + options.Interval
                ? (HealthStatus.Degraded, $"CRL {scope} has not been published yet.")
                : (HealthStatus.Unhealthy, $"CRL {scope} has never been published, and was to be made {(addedAt == DateTimeOffset.UnixEpoch ? "at once" : $"from {addedAt:u} on")}.");
        }

        (HealthStatus Status, string Reason)? waiting = FindWaiting(series, now);
        if (waiting is { Status: HealthStatus.Unhealthy })
        {
            return waiting;
        }

        // The service may have been started with a wrong clock: until then none passes.
        if (now < published.ThisUpdate!.Value - ClockWatch.Tolerance)
        {
            return (HealthStatus.Unhealthy, $"It is {now:u}, and CRL {scope} number {published.CrlNumber} is of {published.ThisUpdate:u}: the clock is wrong, or was when that was made.");
        }

        double passed = (now - published.ThisUpdate.Value) / (published.NextUpdate!.Value - published.ThisUpdate.Value);
        return passed < Amber ? waiting
            : (passed < Red ? HealthStatus.Degraded : HealthStatus.Unhealthy,
                $"CRL {scope} number {published.CrlNumber} is of {published.ThisUpdate:u}, ends at {published.NextUpdate:u}, and has no successor.");
    }

    /// <summary>A job that hangs, or dies each time, ends nothing: that what should have been done was not, tells of it.</summary>
    private (HealthStatus Status, string Reason)? FindWaiting(Series series, DateTimeOffset now)
    {
        (CrlScope scope, ScopeRow row) = series;
        if (series.Judged is { } judged && folders.All.Count > 0 && now > judged.ChangedAt + TooLong)
        {
            return (HealthStatus.Unhealthy, $"CRL {scope} number {judged.CrlNumber} has waited since {judged.ChangedAt:u} to be published.");
        }

        if (series.Failed >= MostBrokenOff)
        {
            return (HealthStatus.Unhealthy, $"CRL {scope} was begun {series.Failed} times and broken off each time.");
        }

        if (row.DueAt > Begun)
        {
            _waiting.TryRemove((row.AuthorityId, row.Shard), out _);
            return now > row.DueAt + Overdue
                ? (HealthStatus.Degraded, $"CRL {scope} was due at {row.DueAt:u} and has not been begun.")
                : null;
        }

        // Since when it is ordered, or made, nobody has written down.
        DateTimeOffset since = _waiting.GetOrAdd((row.AuthorityId, row.Shard), now);
        return now > since + options.LeaseFor + TooLong ? (HealthStatus.Unhealthy, $"CRL {scope} was to be made at once, and waits since {since:u} or longer.") : null;
    }

    private sealed record Series(CrlScope Scope, ScopeRow Row)
    {
        public CrlRow? Published { get; init; }

        public CrlRow? LastEnded { get; init; }

        public CrlRow? Judged { get; init; }

        /// <summary>In a row, until now.</summary>
        public long Failed { get; init; }
    }

    private sealed record ScopeRow
    {
        public required short AuthorityId { get; init; }

        public required string Shard { get; init; }

        public required DateTimeOffset DueAt { get; init; }

        /// <summary>The epoch: before there were CRLs.</summary>
        public required DateTimeOffset AddedAt { get; init; }
    }
}
