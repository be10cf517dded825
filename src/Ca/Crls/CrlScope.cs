using System.Collections.Concurrent;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Data;
using ZwCa.Issuance;

namespace ZwCa.Ca.Crls;

/// <summary>One series of CRLs: the complete one of a CA, or one of its partitions.</summary>
internal sealed record CrlScope(Authority Authority, string Shard)
{
    /// <summary>Of certificates that are in no partition; its CRL is complete: it has those of all partitions too (RFC 5280 §5: without a scope a CRL is of all the issuer's certificates).</summary>
    public const string Complete = "all";

    public bool IsComplete => Shard == Complete;

    /// <summary>Below a publication folder, and below the base URL: what profiles write as <c>{base}/crl/{ski}/{shard}.crl</c>.</summary>
    public string Path => $"crl/{Authority.KeyIdentifier}/{Shard}.crl";

    /// <summary>The CA's certificate has expired, and with it all that it has certified: it signs nothing more.</summary>
    public bool HasEnded(DateTimeOffset now) => now > Authority.Certificate.Tbs.Validity.NotAfter.Value;

    /// <summary>Of the job.</summary>
    public string LeaseName => $"crl/{Authority.Id}/{Shard}";

    public override string ToString() => $"{Authority.Name}/{Shard}";
}

/// <summary>Which CRLs there have to be. A partition is there before the first certificate that names it. Safe for concurrent use.</summary>
internal sealed class CrlScopes(Database database, AuthorityList authorities, ProfileStore profiles, CrlOptions options, TimeProvider time)
{
    /// <summary>Due, or due later than anything is put off: by a node whose clock was ahead.</summary>
    private const string IsDue = "(due_at <= @Now OR due_at > @Latest)";

    private readonly ConcurrentDictionary<(short Authority, string Shard), bool> _known = [];

    /// <summary>At start: the catalogue's profiles, the complete CRL of every CA, and of those that certify subscribers the partitions of every profile that is known.</summary>
    /// <exception cref="InvalidOperationException">Two profiles name different places for one partition: the new one is not taken in.</exception>
    public Task InstallAsync(CancellationToken cancellationToken = default) => database.WriteAsync(
        async transaction =>
        {
            await profiles.InstallAsync(transaction);
            IReadOnlyList<Profile> known = await profiles.GetAllAsync(transaction);
            foreach (Authority authority in authorities.All)
            {
                await AddAsync(transaction, authority.Id, CrlScope.Complete);
                foreach (string shard in known.Where(profile => authority.ForSubscribers && !profile.IsAuthority).SelectMany(CrlDistribution.ShardsOf).Distinct())
                {
                    await AddAsync(transaction, authority.Id, shard);
                    _ = PointOf(new CrlScope(authority, shard), known);
                }
            }
        },
        cancellationToken);

    /// <summary>In the transaction of a certificate that will name it.</summary>
    public async Task RequireAsync(Transaction transaction, Authority authority, string shard)
    {
        if (!_known.ContainsKey((authority.Id, shard)))
        {
            await AddAsync(transaction, authority.Id, shard);
        }
    }

    /// <summary>All of the CAs that this service has.</summary>
    public async Task<IReadOnlyList<CrlScope>> GetAllAsync(Transaction transaction) =>
        [.. Known(await transaction.QueryAsync<Row>("SELECT authority_id, shard FROM crl_scope ORDER BY authority_id, shard"))];

    /// <summary>CAs that have CRLs and are not in the configuration: nobody makes theirs.</summary>
    public async Task<IReadOnlyList<short>> GetForsakenAsync(Transaction transaction) =>
        [.. (await transaction.QueryAsync<short>("SELECT DISTINCT authority_id FROM crl_scope")).Where(id => authorities.All.All(each => each.Id != id)).Order()];

    /// <summary>Those of which a CRL is to be made now, the one that has waited longest first.</summary>
    public async Task<IReadOnlyList<CrlScope>> GetDueAsync(CancellationToken cancellationToken) =>
        [.. Known(await database.QueryAsync<Row>(
            $"SELECT authority_id, shard FROM crl_scope WHERE {IsDue} ORDER BY due_at, authority_id, shard", new { Now = time.GetUtcNow(), Latest = Latest(time.GetUtcNow()) }, cancellationToken))
            .Where(scope => !scope.HasEnded(time.GetUtcNow()))];

    /// <summary>Asked again in the transaction that begins it: another node may have been faster.</summary>
    public async Task<bool> IsDueAsync(Transaction transaction, CrlScope scope, DateTimeOffset now) => await transaction.GetAsync<long>(
        $"SELECT COUNT(*) FROM crl_scope WHERE authority_id = @Authority AND shard = @Shard AND {IsDue}",
        new { Authority = scope.Authority.Id, scope.Shard, Now = now, Latest = Latest(now) }) == 1;

    /// <summary>The place that certificates of a partition name, byte for byte.</summary>
    /// <returns>Null: the CRL is complete.</returns>
    /// <exception cref="InvalidOperationException">No profile has such a partition, or two profiles name different places for it.</exception>
    public static DistributionPointName? PointOf(CrlScope scope, IEnumerable<Profile> known)
    {
        if (scope.IsComplete)
        {
            return null;
        }

        Profile[] having = [.. known.Where(profile => CrlDistribution.ShardsOf(profile).Contains(scope.Shard))];
        if (having.Length == 0)
        {
            throw new InvalidOperationException($"No profile is known that has a partition {scope.Shard}.");
        }

        // The same templates give the same names.
        return having.FirstOrDefault(each => !each.Options.CrlDistributionPoints.SequenceEqual(having[0].Options.CrlDistributionPoints)) is { } other
            ? throw new InvalidOperationException($"The profiles {having[0].Name} and {other.Name} name different places for the CRL {scope}: give one of them another number of partitions.")
            : CrlDistribution.NameOf(scope.Authority.Issuer, having[0], scope.Shard);
    }

    private DateTimeOffset Latest(DateTimeOffset now) => now + options.Interval + TimeSpan.FromHours(1);

    /// <summary>One CA that was taken out of the configuration keeps no other from its CRLs; readiness tells of it.</summary>
    private IEnumerable<CrlScope> Known(IEnumerable<Row> rows) =>
        rows.Join(authorities.All, row => row.AuthorityId, authority => authority.Id, (row, authority) => new CrlScope(authority, row.Shard));

    private async Task AddAsync(Transaction transaction, short authority, string shard)
    {
        // A unit that does not commit leaves nothing to remember; so what is new is remembered when it is seen again.
        if (!await transaction.TryInsertAsync(
            "INSERT INTO crl_scope (authority_id, shard, due_at, added_at) VALUES (@Authority, @Shard, 0, @Now)", new { Authority = authority, Shard = shard, Now = time.GetUtcNow() }))
        {
            _known.TryAdd((authority, shard), true);
        }
    }

    private sealed record Row
    {
        public required short AuthorityId { get; init; }

        public required string Shard { get; init; }
    }
}
