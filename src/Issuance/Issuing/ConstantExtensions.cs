using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>The extensions that are the same in all certificates of one issuer and profile, encoded once. Safe for concurrent use.</summary>
internal sealed class ConstantExtensions
{
    private readonly Issuer _issuer;
    private readonly Profile _profile;
    private readonly ConcurrentDictionary<string, Extension?> _distributionPoints = [];

    public ConstantExtensions(Issuer issuer, Profile profile)
    {
        _issuer = issuer;
        _profile = profile;
        ProfileOptions options = profile.Options;
        AuthorityKeyIdentifier = Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false);
        KeyUsage = Extension.Create(profile.KeyUsage, options.KeyUsage.Critical);
        Policies = options.Policies.Count == 0
            ? null
            : Extension.Create(new CertificatePolicies([.. options.Policies.Select(policy => new PolicyInformation(issuer.Policy(policy)))]), critical: false);
        BasicConstraints = options.BasicConstraints is { } constraints
            ? Extension.Create(constraints.Authority ? Asn1.Pkix.BasicConstraints.Ca(constraints.PathLength) : Asn1.Pkix.BasicConstraints.EndEntity, constraints.Critical)
            : null;
        ExtendedKeyUsage = profile.Purposes.Count == 0 ? null : Extension.Create(new ExtendedKeyUsage(profile.Purposes), options.ExtendedKeyUsage!.Critical);
        InfoAccess = options.CaIssuers.Count + options.Ocsp.Count == 0 ? null : Extension.Create(BuildInfoAccess(issuer, options), critical: false);
        NoCheck = options.OcspNoCheck ? Extension.Create(new OcspNoCheck(), critical: false) : null;
    }

    public Extension AuthorityKeyIdentifier { get; }

    public Extension KeyUsage { get; }

    /// <summary>Null, as the others below: the profile has no such extension.</summary>
    public Extension? Policies { get; }

    public Extension? BasicConstraints { get; }

    public Extension? ExtendedKeyUsage { get; }

    public Extension? InfoAccess { get; }

    public Extension? NoCheck { get; }

    /// <param name="shard">See <see cref="UrlTemplate.ShardName"/>.</param>
    public Extension? DistributionPoints(string shard) => _distributionPoints.GetOrAdd(shard, BuildDistributionPoints);

    private Extension? BuildDistributionPoints(string shard) =>
        CrlDistribution.NameOf(_issuer, _profile, shard) is { } crl ? Extension.Create(new CrlDistributionPoints(new DistributionPoint(crl)), critical: false) : null;

    private static AuthorityInfoAccess BuildInfoAccess(Issuer issuer, ProfileOptions options) => new(
    [
        .. options.Ocsp.Select(template => new AccessDescription(Oids.OcspAccess, new UniformResourceIdentifier(issuer.Url(template)))),
        .. options.CaIssuers.Select(template => new AccessDescription(Oids.CaIssuersAccess, new UniformResourceIdentifier(issuer.Url(template)))),
    ]);
}
