using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Data;

namespace ZwCa.Ca.Ocsp;

/// <summary>CAs of which there may be certificates: those of the configuration, and those that it had once. A feed that spoke of one that it has not named would be believed by nobody.</summary>
internal static class KnownAuthorities
{
    /// <returns>With the certificate that is configured, or else was.</returns>
    public static async Task<IReadOnlyList<(short Id, Certificate Certificate)>> ListKnownAsync(this AuthorityList authorities, Database database, CancellationToken cancellationToken)
    {
        var configured = authorities.All.ToDictionary(each => each.Id, each => each.Certificate);
        return [.. (await database.QueryAsync<Row>("SELECT authority_id, certificate FROM authority ORDER BY authority_id", cancellationToken: cancellationToken))
            .Select(row => (row.AuthorityId, configured.GetValueOrDefault(row.AuthorityId) ?? Der.Decode<Certificate>(row.Certificate)))];
    }

    private sealed record Row
    {
        public required short AuthorityId { get; init; }

        public required byte[] Certificate { get; init; }
    }
}
