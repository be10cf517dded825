using ZwCa.Issuance;
using ZwCa.Jobs;

namespace ZwCa.Ca.Ocsp;

/// <summary>How OCSP responses are signed ahead of time, and told: section <c>Ca:Ocsp</c>.</summary>
public sealed record OcspOptions
{
    private static readonly IReadOnlyList<CertIdHash> Usual = [CertIdHash.Sha1];

    /// <summary>Label of an SM2 key in the device that signs the feed, and nothing else.</summary>
    public required string FeedKey { get; init; }

    /// <summary>Label of the key that is to follow it: docs/PUBLICATION.md. Null: none is.</summary>
    public string? NextFeedKey { get; init; }

    /// <summary>The feed's name: <c>zwca/ca</c>. It stands in every statement.</summary>
    public required string Origin { get; init; }

    /// <summary>Who signs responses for which CA. A CA that is not here signs by itself.</summary>
    public IReadOnlyList<OcspSignerOptions> Signers { get; init; } = [];

    /// <summary>Of the CertIDs that are signed ahead for; none: SHA-1 alone, which is what clients ask with.</summary>
    public IReadOnlyList<CertIdHash> Hashes { get; init; } = [];

    /// <summary>From thisUpdate to nextUpdate.</summary>
    public TimeSpan Validity { get; init; } = TimeSpan.FromDays(4);

    /// <summary>From one response of a certificate to the next; up to a quarter less, so that not all come at once. At most 38 % of the validity: health turns amber at 40 %.</summary>
    public TimeSpan RenewAfter { get; init; } = TimeSpan.FromHours(36);

    /// <summary>How often each node looks for changes that another one made.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often is looked for responses that are due.</summary>
    public TimeSpan LookForDue { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For how long snapshots have a certificate that has ended. Responders keep what they have for as long, by an option of their own.</summary>
    public TimeSpan KeepExpired { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Quartz cron expression, in the time zone of the machine.</summary>
    public string SnapshotSchedule { get; init; } = "0 10 3 * * ?";

    internal IReadOnlyList<CertIdHash> SignedHashes => Hashes.Count == 0 ? Usual : Hashes;

    /// <param name="authorities">Names of CAs.</param>
    /// <returns>What is wrong with it.</returns>
    internal IEnumerable<string> Faults(IEnumerable<string> authorities)
    {
        if (string.IsNullOrEmpty(FeedKey))
        {
            yield return "Ca:Ocsp:FeedKey must be a key's label.";
        }

        if (NextFeedKey is not null && (NextFeedKey.Length == 0 || NextFeedKey == FeedKey))
        {
            yield return "Ca:Ocsp:NextFeedKey must be another key's label, or not be there.";
        }

        if (Origin is not { Length: > 0 and <= 256 })
        {
            yield return "Ca:Ocsp:Origin must be the feed's name, up to 256 characters.";
        }

        if (Signers.Any(each => each is not { Authority.Length: > 0, KeyLabel.Length: > 0, CertificateFile.Length: > 0 } || !authorities.Contains(each.Authority))
            || Signers.DistinctBy(each => each.Authority).Count() != Signers.Count)
        {
            yield return "Ca:Ocsp:Signers must be Authority (the name of one of Ca:Authorities), KeyLabel and CertificateFile of each, one for an authority.";
        }

        if (Hashes.Any(each => !Enum.IsDefined(each)) || Hashes.Distinct().Count() != Hashes.Count)
        {
            yield return "Ca:Ocsp:Hashes must be of Sha1, Sha256 and Sm3, each once.";
        }

        if (Validity < TimeSpan.FromMinutes(1) || Validity > TimeSpan.FromDays(10) || Validity.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            yield return "Ca:Ocsp:Validity must be whole seconds, from one minute to ten days.";
        }

        if (RenewAfter < TimeSpan.FromSeconds(1) || RenewAfter > 0.38 * Validity)
        {
            yield return "Ca:Ocsp:RenewAfter must be at least a second, and at most 38 % of Validity.";
        }

        if (Look < TimeSpan.FromMilliseconds(50) || Look > TimeSpan.FromHours(1))
        {
            yield return "Ca:Ocsp:Look must be 50 ms to an hour.";
        }

        if (LookForDue < TimeSpan.FromSeconds(1) || LookForDue > TimeSpan.FromHours(1))
        {
            yield return "Ca:Ocsp:LookForDue must be a second to an hour.";
        }

        if (KeepExpired < TimeSpan.Zero)
        {
            yield return "Ca:Ocsp:KeepExpired must not be negative.";
        }

        if (!JobSchedule.Cron.IsRight(SnapshotSchedule))
        {
            yield return "Ca:Ocsp:SnapshotSchedule must be a Quartz cron expression.";
        }
    }
}

/// <summary>A delegated key of this CA's device: profile <c>ocsp-responder</c>.</summary>
public sealed record OcspSignerOptions
{
    /// <summary>Name of the CA that it answers for, and that has certified it.</summary>
    public required string Authority { get; init; }

    public required string KeyLabel { get; init; }

    /// <summary>PEM.</summary>
    public required string CertificateFile { get; init; }
}
