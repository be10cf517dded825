using System.Net;

namespace ZwCa.Ca.Crls;

/// <summary>How CRLs are made and published: section <c>Ca:Crls</c>.</summary>
public sealed record CrlOptions
{
    /// <summary>From one CRL to the next, of each CA and partition.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(12);

    /// <summary>From thisUpdate to nextUpdate. At least four intervals: readiness turns amber before half of it has passed.</summary>
    public TimeSpan Validity { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How often is looked for what is due, ordered, or to be published.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a node that has died while it made a CRL keeps others from it.</summary>
    public TimeSpan LeaseFor { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For files that are being made, in a folder of each process' own. Null: the temporary folder of the machine.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>Where relying parties' servers take CRLs and CA certificates from: <c>crl/SKI/SHARD.crl</c>, <c>ca/SKI.cer</c>. None: nothing is published, and readiness says so.</summary>
    public IReadOnlyList<string> PublicationFolders { get; init; } = [];

    /// <summary>ARLs and CA certificates of the ceremony, as files, which are published as they are.</summary>
    public IReadOnlyList<string> CeremonyFiles { get; init; } = [];

    /// <summary>Address and port where the first publication folder is served over plain http, read only. Null: not by this service.</summary>
    public string? Listen { get; init; }

    /// <returns>What is wrong with it.</returns>
    internal IEnumerable<string> Faults()
    {
        if (Interval < TimeSpan.FromSeconds(1))
        {
            yield return "Ca:Crls:Interval must be at least a second.";
        }

        if (Validity < 4 * Interval || Validity > TimeSpan.FromDays(183))
        {
            yield return "Ca:Crls:Validity must be at least four intervals, and 183 days at most.";
        }

        if (Validity.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            yield return "Ca:Crls:Validity must be whole seconds, as dates in CRLs are.";
        }

        if (Look < TimeSpan.FromMilliseconds(100) || Look > TimeSpan.FromHours(1))
        {
            yield return "Ca:Crls:Look must be 100 ms to an hour.";
        }

        if (LeaseFor < TimeSpan.FromSeconds(1) || LeaseFor > TimeSpan.FromHours(1))
        {
            yield return "Ca:Crls:LeaseFor must be a second to an hour.";
        }

        if (Listen is not null && !IPEndPoint.TryParse(Listen, out _))
        {
            yield return "Ca:Crls:Listen must be ADDRESS:PORT.";
        }

        if (Listen is not null && PublicationFolders.Count == 0)
        {
            yield return "Ca:Crls:Listen serves the first of PublicationFolders, and there is none.";
        }
    }
}
