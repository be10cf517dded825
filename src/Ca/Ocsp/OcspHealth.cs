using System.Data.Common;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Data;
using ZwCa.Jobs;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// Whether every certificate has a young response, and every change is told (incident 7): docs/OCSP.md. It asks the rows, so that it tells of a loop or a job that stands still on whatever node.
/// </summary>
internal sealed class OcspHealth(
    Database database, SignersInUse signers, RenewSigners renewal, FeedKeys keys, RollFeedKey rollover, PresignResponses responses, ClockWatch clock, OcspOptions options, TimeProvider time) : IHealthCheck
{
    public const string Name = "ocsp";

    private const double Amber = 0.4;
    private const double Red = 0.5;

    /// <summary>Of a signer's certificate that has passed: it should have been renewed after two thirds.</summary>
    private const double Worn = 5.0 / 6;

    private static readonly TimeSpan Late = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TooLate = TimeSpan.FromSeconds(30);

    /// <summary>Of a CRL that was made, and that the feed does not tell of.</summary>
    private static readonly TimeSpan LateCrl = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan TooLateCrl = TimeSpan.FromMinutes(15);

    /// <summary>For the first signing of what was issued before.</summary>
    private static readonly TimeSpan LongAgo = TimeSpan.FromMinutes(15);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            (byte[]? change, byte[]? crl, FeedPosition feed, Slices slices) = await database.ReadAsync(
                async transaction => (
                    await OcspStore.FindOldestChangeAsync(transaction),
                    await TellCrls.FindOldestAsync(transaction),
                    await FeedStore.FindLastAsync(transaction),
                    await transaction.GetAsync<Slices>(
                        """
                        SELECT COUNT(*) AS total, COALESCE(SUM(CASE WHEN signed_at = 0 THEN 1 ELSE 0 END), 0) AS never, MIN(CASE WHEN signed_at = 0 THEN added_at ELSE NULL END) AS never_since,
                            MIN(CASE WHEN signed_at <> 0 THEN signed_at ELSE NULL END) AS oldest
                        FROM ocsp_slice
                        """)),
                cancellationToken);
            (HealthStatus Status, string Reason)[] found = [.. Judge(change, crl, feed, slices)];

            // HealthStatus counts up to healthy.
            return found.Length == 0
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(found.Min(each => each.Status), string.Join(" ", found.OrderBy(each => each.Status).Select(each => each.Reason)));
        }
        catch (DbException e)
        {
            return HealthCheckResult.Unhealthy("The database does not answer.", e);
        }
    }

    private IEnumerable<(HealthStatus Status, string Reason)> Judge(byte[]? change, byte[]? crl, FeedPosition feed, Slices slices)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (clock.FindFault() is { } fault)
        {
            yield return (HealthStatus.Unhealthy, fault);
        }

        if (keys.FindFault(feed) is { } lacking)
        {
            yield return (HealthStatus.Unhealthy, lacking);
        }

        if (rollover.FindFault() is { } refused)
        {
            yield return (HealthStatus.Degraded, refused);
        }

        foreach (string trouble in responses.Troubles.Take(5))
        {
            yield return (HealthStatus.Unhealthy, trouble);
        }

        if (change is not null && now - Ulid.TimeOf(change) is var waits && waits > Late)
        {
            yield return (waits > TooLate ? HealthStatus.Unhealthy : HealthStatus.Degraded, $"The status of a certificate has changed at {Ulid.TimeOf(change):u}, and OCSP does not tell it yet.");
        }

        if (crl is not null && now - Ulid.TimeOf(crl) is var old && old > LateCrl)
        {
            yield return (old > TooLateCrl ? HealthStatus.Unhealthy : HealthStatus.Degraded, $"Responders are not told of the CRL that was made at {Ulid.TimeOf(crl):u}.");
        }

        if (slices.Total == 0)
        {
            yield return (HealthStatus.Unhealthy, "There are no slices of certificates: no response is ever renewed. Restart the service.");
        }

        if (slices.NeverSince is { } since)
        {
            yield return (now > since + LongAgo ? HealthStatus.Unhealthy : HealthStatus.Degraded, $"{slices.Never} of {slices.Total} slices of certificates have no OCSP responses yet.");
        }

        if (slices.Oldest is { } oldest && (now - oldest) / options.Validity is var age && age >= Amber)
        {
            yield return (age >= Red ? HealthStatus.Unhealthy : HealthStatus.Degraded, $"The oldest OCSP responses are of {oldest:u}, are valid for {options.Validity}, and have no successors.");
        }

        // The service may have been started with a wrong clock: until then it signs what nobody believes.
        if (slices.Oldest > now + ClockWatch.Tolerance)
        {
            yield return (HealthStatus.Unhealthy, $"It is {now:u}, and OCSP responses are of {slices.Oldest:u}: the clock is wrong, or was when they were made.");
        }

        foreach (Authority authority in signers.Vacant)
        {
            yield return (HealthStatus.Unhealthy, $"The OCSP signer of CA {authority.Name} has no certificate that holds: it was revoked, or has ended. No response is signed for that CA. Certify a key at a ceremony.");
        }

        foreach (OcspSigner signer in signers.Current.All)
        {
            string why = renewal.FindFault(signer.Authority) is { } failed ? $" The last try said: {failed}" : "";
            if (now + options.Validity > signer.End)
            {
                yield return (HealthStatus.Unhealthy, $"The OCSP signer {signer} is certified until {signer.End:u}: responses end with it. Certify another one.{why}");
            }
            else if (signer.Certificate is not null && (now - signer.Begin) / (signer.End - signer.Begin) > Worn)
            {
                yield return (
                    HealthStatus.Degraded,
                    $"The OCSP signer {signer} is certified until {signer.End:u}, and was to be renewed after two thirds of that. See to it that the job ocsp runs, that the profile ocsp-responder is active and that the ceremony that has certified it was imported; or certify another one.{why}");
            }
        }
    }

    private sealed record Slices
    {
        public required long Total { get; init; }

        public required long Never { get; init; }

        public DateTimeOffset? NeverSince { get; init; }

        public DateTimeOffset? Oldest { get; init; }
    }
}
