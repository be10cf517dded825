using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Where the CRL of a certificate is: the same name in the certificate's CRLDistributionPoints and in the partition's IssuingDistributionPoint, byte for byte.</summary>
public static class CrlDistribution
{
    /// <param name="shard">See <see cref="UrlTemplate.ShardName"/>.</param>
    /// <returns>All places of one CRL (RFC 5280 §4.2.1.13); null: certificates of the profile name none.</returns>
    public static DistributionPointName? NameOf(Issuer issuer, Profile profile, string shard)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(shard);
        return profile.Options.CrlDistributionPoints.Count == 0
            ? null
            : new FullName([.. profile.Options.CrlDistributionPoints.Select(template => new UniformResourceIdentifier(issuer.Url(template, shard)))]);
    }

    /// <summary>Every partition that serial numbers of the profile fall into, in order; none where the profile's certificates are on the complete CRL.</summary>
    public static IEnumerable<string> ShardsOf(Profile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        int count = profile.Options.CrlShards;
        return count == 1 ? [] : Enumerable.Range(0, count).Select(number => UrlTemplate.NameOfShard(number, count));
    }
}
