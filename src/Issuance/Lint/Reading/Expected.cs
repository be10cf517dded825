using System.Runtime.CompilerServices;
using System.Text;

namespace ZwCa.Issuance;

/// <summary>What a profile's templates give with one issuer, as it is on the wire: made once for the two, because a CA judges some thousand certificates a second.</summary>
internal sealed class Expected
{
    private static readonly ConditionalWeakTable<Issuer, ConditionalWeakTable<Profile, Expected>> Made = [];

    private readonly byte[][]?[] _points;
    private readonly Issuer _issuer;
    private readonly IReadOnlyList<string> _pointTemplates;

    private Expected(Issuer issuer, Profile profile)
    {
        ProfileOptions options = profile.Options;
        Policies = [.. options.Policies.Select(policy => KnownOid.Content(issuer.Policy(policy)))];
        Ocsp = Fill(options.Ocsp, template => issuer.Url(template));
        CaIssuers = Fill(options.CaIssuers, template => issuer.Url(template));
        KeyIdentifier = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(issuer.KeyIdentifier.Span));
        _points = new byte[][]?[options.CrlShards];
        _issuer = issuer;
        _pointTemplates = options.CrlDistributionPoints;
    }

    /// <summary>Contents of OBJECT IDENTIFIERs.</summary>
    public byte[][] Policies { get; }

    public byte[][] Ocsp { get; }

    public byte[][] CaIssuers { get; }

    /// <summary>Of the issuer, in hexadecimal.</summary>
    public byte[] KeyIdentifier { get; }

    public static Expected Of(Issuer issuer, Profile profile)
    {
        ConditionalWeakTable<Profile, Expected> ofIssuer = Made.GetValue(issuer, static _ => []);
        return ofIssuer.TryGetValue(profile, out Expected? made) ? made : ofIssuer.GetValue(profile, key => new Expected(issuer, key));
    }

    /// <param name="serialNumber">Content of the INTEGER.</param>
    public byte[][] Points(ReadOnlySpan<byte> serialNumber)
    {
        int shard = UrlTemplate.ShardNumber(serialNumber, _points.Length);
        return _points[shard] ??= Fill(_pointTemplates, template => _issuer.Url(template, UrlTemplate.NameOfShard(shard, _points.Length)));
    }

    private static byte[][] Fill(IReadOnlyList<string> templates, Func<string, string> fill) =>
        [.. templates.Select(template => Encoding.ASCII.GetBytes(fill(template)))];
}
