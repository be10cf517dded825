using ZwCa.Ca.Authorities;
using ZwCa.Contracts.Ca;
using ZwCa.Asn1.Pkix;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ca.Certificates;

/// <summary>Which certificates. What is null does not matter.</summary>
internal sealed record CertificateFilter
{
    public string? RaName { get; init; }

    public string? Owner { get; init; }

    /// <summary>As <see cref="Name.HashCanonical"/> has it.</summary>
    public byte[]? SubjectHash { get; init; }

    /// <summary>SM3 of the SubjectPublicKeyInfo's DER.</summary>
    public byte[]? KeyHash { get; init; }

    /// <summary>GB/T 2260; the regions below belong to it.</summary>
    public RegionCode? Region { get; init; }

    public CertificateState? State { get; init; }

    /// <summary>Reserved then or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Reserved before.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>A certificate that was found, without its bytes.</summary>
internal sealed record FoundCertificate
{
    public required byte[] CertificateId { get; init; }

    public required short AuthorityId { get; init; }

    public required string Serial { get; init; }

    public required CertificateState State { get; init; }

    public required string Owner { get; init; }

    public required string Region { get; init; }

    public string? RaName { get; init; }

    public required byte[] ProfileHash { get; init; }

    public byte[]? SubjectHash { get; init; }

    public byte[]? KeyHash { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    public RevocationReason? Reason { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }
}

/// <param name="Next">Null: there are no more.</param>
internal sealed record FoundPage(IReadOnlyList<FoundCertificate> Rows, byte[]? Next);

/// <summary>
/// Finds certificates in the order of their ids. One index leads: a key and a subject lead to their owner, then an owner, a county, an RA; else the primary key, which is a time. What else
/// is asked is compared with what that index gives, at most so many rows a page: no question costs more than that.
/// </summary>
internal sealed class CertificateSearch(AuthorityList authorities, ProfileStore profiles)
{
    public const int MaxRows = 500;

    /// <summary>Certificates that one page looks at.</summary>
    public const int MaxLooked = 10_000;

    private const int Batch = 1000;

    private static readonly byte[] First = new byte[Ulid.Length];
    private static readonly byte[] Last = [.. Enumerable.Repeat((byte)0xFF, Ulid.Length)];

    /// <param name="after">Id of the last one that was looked at; null at the beginning.</param>
    /// <param name="rows">At least one.</param>
    public static async Task<FoundPage> FindAsync(Transaction transaction, CertificateFilter filter, byte[]? after, int rows)
    {
        // Step 1: whose key and whose subject it is.
        string? owner = filter.Owner;
        foreach ((string? byHash, byte[]? hash) in new[]
        {
            ("SELECT owner FROM subject_owner WHERE subject_hash = @Hash", filter.SubjectHash), ("SELECT owner FROM key_owner WHERE key_hash = @Hash", filter.KeyHash),
        })
        {
            if (hash is not null)
            {
                string? found = await transaction.FindAsync<string>(byHash, new { Hash = hash });
                if (found is null || (owner is not null && owner != found))
                {
                    return new FoundPage([], null);
                }

                owner = found;
            }
        }

        // Step 2: the index that leads.
        string leading = owner is not null ? "c.owner = @Owner AND"
            : filter.Region?.Level == RegionLevel.County ? "c.region = @Region AND"
            : filter.RaName is not null ? "c.ra_name = @RaName AND"
            : "";
        string query =
            $"""
             SELECT c.certificate_id, c.authority_id, c.serial, c.state, c.owner, c.region, c.ra_name, c.profile_hash, c.subject_hash, c.key_hash, c.not_before, c.not_after,
                 r.reason, r.revoked_at
             FROM certificate c LEFT JOIN revocation r ON r.authority_id = c.authority_id AND r.shard = c.shard AND r.serial = c.serial
             WHERE {leading} c.certificate_id > @After AND c.certificate_id < @Before
             ORDER BY c.certificate_id {transaction.Dialect.Limit(Batch)}
             """;

        // Step 3: what it gives, compared with the rest.
        byte[] from = filter.From is { } begin ? Lower(begin) : First;
        byte[] reached = after is not null && after.AsSpan().SequenceCompareTo(from) > 0 ? after : from;
        byte[] before = filter.Until is { } end ? Ulid.FirstOf(Later(end, DateTimeOffset.UnixEpoch)) : Last;
        var page = new List<FoundCertificate>();
        for (int looked = 0; looked < MaxLooked; looked += Batch)
        {
            IReadOnlyList<FoundCertificate> batch = await transaction.QueryAsync<FoundCertificate>(
                query, new { Owner = owner, Region = filter.Region?.Value, filter.RaName, After = reached, Before = before });
            foreach (FoundCertificate row in batch)
            {
                reached = row.CertificateId;
                if (!Matches(filter, owner, row))
                {
                    continue;
                }

                page.Add(row);
                if (page.Count == rows)
                {
                    return new FoundPage(page, reached);
                }
            }

            if (batch.Count < Batch)
            {
                return new FoundPage(page, null);
            }
        }

        return new FoundPage(page, reached);
    }

    /// <summary>A page for people.</summary>
    /// <param name="serial">Null: any.</param>
    public async Task<CertificatePage> ShowAsync(Transaction transaction, CertificateFilter filter, string? serial, byte[]? after, int rows)
    {
        FoundPage found = serial is null ? await FindAsync(transaction, filter, after, rows) : await FindSerialAsync(transaction, filter, serial);
        var summaries = new List<CertificateSummary>(found.Rows.Count);
        foreach (FoundCertificate row in found.Rows)
        {
            summaries.Add(new CertificateSummary
            {
                Serial = row.Serial,
                Issuer = authorities[row.AuthorityId].KeyIdentifier,
                Profile = (await profiles.GetAsync(transaction, row.ProfileHash)).Name,
                State = row.State.ToString().ToLowerInvariant(),
                Owner = row.Owner,
                Region = row.Region,
                NotBefore = row.NotBefore!.Value,
                NotAfter = row.NotAfter!.Value,
                RevokedAt = row.RevokedAt,
                Reason = row.Reason is { } reason ? CertificateStatus.NameOf(reason) : null,
            });
        }

        return new CertificatePage { Certificates = summaries, Next = found.Next is null ? null : Convert.ToHexStringLower(found.Next) };
    }

    /// <summary>One of each CA at most.</summary>
    private async Task<FoundPage> FindSerialAsync(Transaction transaction, CertificateFilter filter, string serial)
    {
        var rows = new List<FoundCertificate>();
        foreach (Authority authority in authorities.All)
        {
            FoundCertificate? row = await transaction.FindAsync<FoundCertificate>(
                """
                SELECT c.certificate_id, c.authority_id, c.serial, c.state, c.owner, c.region, c.ra_name, c.profile_hash, c.subject_hash, c.key_hash, c.not_before, c.not_after,
                    r.reason, r.revoked_at
                FROM certificate c LEFT JOIN revocation r ON r.authority_id = c.authority_id AND r.shard = c.shard AND r.serial = c.serial
                WHERE c.authority_id = @Id AND c.serial = @Serial
                """,
                new { authority.Id, Serial = serial });
            bool isInTime = row is not null && (filter.From is null || Ulid.TimeOf(row.CertificateId) >= filter.From) && (filter.Until is null || Ulid.TimeOf(row.CertificateId) < filter.Until);
            if (isInTime && Matches(filter, filter.Owner, row!))
            {
                rows.Add(row!);
            }
        }

        return new FoundPage(rows, null);
    }

    private static bool Matches(CertificateFilter filter, string? owner, FoundCertificate row) =>
        row.NotAfter is not null // Nothing was intended: a serial number and no certificate.
        && (owner is null || row.Owner == owner)
        && (filter.RaName is null || row.RaName == filter.RaName)
        && (filter.SubjectHash is null || filter.SubjectHash.AsSpan().SequenceEqual(row.SubjectHash))
        && (filter.KeyHash is null || filter.KeyHash.AsSpan().SequenceEqual(row.KeyHash))
        && (filter.Region is null || (RegionCode.IsCode(row.Region) && filter.Region.Covers(RegionCode.Parse(row.Region))))
        && (filter.State is null || row.State == filter.State);

    /// <returns>The id before the first one of that time.</returns>
    private static byte[] Lower(DateTimeOffset time)
    {
        if (time <= DateTimeOffset.UnixEpoch)
        {
            return First;
        }

        byte[] id = [.. Last];
        Ulid.FirstOf(time.AddMilliseconds(-1)).AsSpan(0, 6).CopyTo(id);
        return id;
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
