using System.Numerics;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Which certificates of the issuer a CRL speaks of.</summary>
public enum CrlKind
{
    /// <summary>All of them; no IssuingDistributionPoint.</summary>
    Complete,

    /// <summary>Those that name one distribution point.</summary>
    Partition,

    /// <summary>Its CA certificates: an ARL.</summary>
    Authorities,
}

/// <summary>All that goes into one CRL besides its entries and what the issuer says.</summary>
public sealed record CrlRequest
{
    public required CrlKind Kind { get; init; }

    /// <summary>From the database, one series for each scope; a complete CRL and a delta that are issued together share it (RFC 5280 §5.2.3).</summary>
    public required BigInteger Number { get; init; }

    /// <summary>The highest number of an earlier CRL of the scope; null: there was none.</summary>
    public BigInteger? PreviousNumber { get; init; }

    /// <summary>Of the CRL that a delta amends; null: it is no delta.</summary>
    public BigInteger? BaseNumber { get; init; }

    /// <summary>A fraction of a second is dropped.</summary>
    public required DateTimeOffset ThisUpdate { get; init; }

    /// <summary>A fraction of a second is dropped.</summary>
    public required DateTimeOffset NextUpdate { get; init; }

    /// <summary>Of a partition, and of <see cref="CrlKind.Authorities"/> where their certificates name it: <see cref="CrlDistribution.NameOf"/>.</summary>
    public DistributionPointName? DistributionPoint { get; init; }

    /// <summary>Of the only key whose certificates name the distribution point, where that is known: another key's CRL has no place there (incident 6).</summary>
    public ReadOnlyMemory<byte>? IssuerKeyIdentifier { get; init; }

    /// <summary>Of a partition: no CA certificate names the distribution point.</summary>
    public bool OnlyUserCertificates { get; init; }

    /// <summary>Where the deltas of this CRL are; null: there are none.</summary>
    public DistributionPointName? Deltas { get; init; }

    /// <summary>One partition of the profile's certificates.</summary>
    /// <param name="shard">See <see cref="CrlDistribution.ShardsOf"/>.</param>
    /// <exception cref="ArgumentException">The profile's certificates name no CRL, or none of this shard.</exception>
    public static CrlRequest OfPartition(Issuer issuer, Profile profile, string shard, BigInteger number, DateTimeOffset thisUpdate, DateTimeOffset nextUpdate)
    {
        DistributionPointName name = CrlDistribution.NameOf(issuer, profile, shard)
            ?? throw new ArgumentException($"Certificates of the profile {profile.Name} name no CRL.", nameof(profile));
        return CrlDistribution.ShardsOf(profile).Contains(shard)
            ? new CrlRequest
            {
                Kind = CrlKind.Partition,
                Number = number,
                ThisUpdate = thisUpdate,
                NextUpdate = nextUpdate,
                DistributionPoint = name,
                IssuerKeyIdentifier = issuer.KeyIdentifier,
                OnlyUserCertificates = !profile.IsAuthority,
            }
            : throw new ArgumentException($"No certificate of the profile {profile.Name} is on a CRL \"{shard}\".", nameof(shard));
    }

    public override string ToString() => $"{Kind}{(BaseNumber is null ? "" : " delta")} CRL {Number}";
}
