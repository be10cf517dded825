using System.Text;
using Microsoft.Extensions.Logging;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.Ca.Commands;

/// <summary>
/// Who is, or was, in office in an RA's region, as its RA is told; the highest two are the nation's and of no RA. A digest of the rows says whether anything has changed, and nothing is opened
/// for it. Safe for concurrent use.
/// </summary>
internal sealed partial class RaDirectory(Database database, PersonRegistry persons, ILogger<RaDirectory> logger)
{
    /// <summary>Of one statement's list: a short one is filled up with its last, so that the text stays the same.</summary>
    private const int ListLength = 50;

    private static readonly string List = string.Join(", ", Enumerable.Range(0, ListLength).Select(i => $"@I{i}"));

    /// <param name="raName">As its link is registered.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: no RA of the name is registered and enabled.</exception>
    public Task<byte[]> DigestAsync(string raName, CancellationToken cancellationToken) => database.ReadAsync(
        async transaction => await RaStore.FindAsync(transaction, raName) is { Enabled: true } ra
            ? (await LoadAsync(transaction, RegionCode.Parse(ra.Region))).Digest
            : throw new RefusalException(Refusal.NotAllowed, "该RA未登记或已被停用。"),
        cancellationToken);

    /// <param name="after">The last id of the page before; empty for the first page.</param>
    public async Task<DirectoryPage> ListAsync(RegistrationAuthority ra, byte[] after, int rows, CancellationToken cancellationToken)
    {
        (Staff staff, IReadOnlyList<Row> page, IReadOnlyDictionary<string, byte[]> certificates) = await database.ReadAsync(
            async transaction =>
            {
                Staff staff = await LoadAsync(transaction, RegionCode.Parse(ra.Region));
                IReadOnlyList<Row> page = [.. staff.Officers.SkipWhile(each => each.OfficerId.AsSpan().SequenceCompareTo(after) <= 0).Take(rows)];
                return (staff, page, await CertificatesAsync(transaction, page));
            },
            cancellationToken);
        var officers = new List<DirectoryOfficer>(page.Count);
        foreach (Row row in page)
        {
            Person? person = await FindPersonAsync(row, cancellationToken);
            officers.Add(new DirectoryOfficer
            {
                Id = Convert.ToHexStringLower(row.OfficerId),
                Person = row.PersonName,
                Name = person?.Name.Reveal(),
                IdNumber = person?.IdNumber.Reveal(),
                Certificate = certificates[row.CertificateSerial],
                Enabled = row.IsEnabled,
                CertifiedUntil = row.CertifiedUntil,
                Links = staff.LinksOf(row),
            });
        }

        return new DirectoryPage { Digest = staff.Digest, Officers = officers, Next = page.Count == rows ? Convert.ToHexStringLower(page[^1].OfficerId) : null };
    }

    private static async Task<Staff> LoadAsync(Transaction transaction, RegionCode region)
    {
        string prefix = region.Level == RegionLevel.County ? region.Value : region.Value[..((int)region.Level * 2)];
        IReadOnlyList<Row> officers = await transaction.QueryAsync<Row>(
            """
            SELECT o.officer_id, o.person_id, o.certificate_serial, o.enabled, o.certified_until,
                (SELECT COUNT(*) FROM officer_disabling d WHERE d.officer_id = o.officer_id) AS disablings,
                (SELECT COUNT(*) FROM ended_certificate e WHERE e.certificate_serial = o.certificate_serial) AS endings
            FROM officer o WHERE o.is_top = 0 AND o.region LIKE @Pattern ORDER BY o.officer_id
            """,
            new { Pattern = prefix + "%" });
        var links = new List<LinkRow>();
        foreach (string[] names in officers.Where(each => each.IsEnabled).Select(each => each.PersonName).Chunk(ListLength))
        {
            var parameters = new Dictionary<string, object> { ["Kind"] = ClientKind.Officer };
            for (int i = 0; i < ListLength; i++)
            {
                parameters[$"I{i}"] = names[Math.Min(i, names.Length - 1)];
            }

            links.AddRange(await transaction.QueryAsync<LinkRow>($"SELECT name, thumbprint FROM registered_client WHERE kind = @Kind AND enabled = 1 AND name IN ({List})", parameters));
        }

        RegionRow[] regions =
        [
            .. (await transaction.QueryAsync<RegionRow>("SELECT code, parent, name FROM region ORDER BY code"))
                .Where(each => each.Code == RegionCode.Nation.Value || region.Covers(RegionCode.Parse(each.Code))),
        ];
        return new Staff(officers, links.ToLookup(each => each.Name, each => each.Thumbprint), regions);
    }

    private static async Task<IReadOnlyDictionary<string, byte[]>> CertificatesAsync(Transaction transaction, IReadOnlyList<Row> page)
    {
        var certificates = new Dictionary<string, byte[]>(page.Count);
        foreach (Row row in page)
        {
            certificates[row.CertificateSerial] = await transaction.GetAsync<byte[]>("SELECT certificate FROM officer WHERE officer_id = @OfficerId", row);
        }

        return certificates;
    }

    /// <returns>Null: what is sealed does not open. One such row takes nobody else out of the RA's directory.</returns>
    private async Task<Person?> FindPersonAsync(Row row, CancellationToken cancellationToken)
    {
        try
        {
            return await persons.FindAsync((ReadOnlyMemory<byte>)row.PersonId, cancellationToken);
        }
        catch (Exception e) when (e is PersonKeysException or RefusalException)
        {
            LogNotOpened(logger, row.PersonName, e.GetType().Name);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of person {Person} does not open ({Reason}): his RA cannot let him in")]
    private static partial void LogNotOpened(ILogger logger, string person, string reason);

    /// <summary>One state of an RA's directory.</summary>
    private sealed class Staff(IReadOnlyList<Row> officers, ILookup<string, string> links, IReadOnlyList<RegionRow> regions)
    {
        public IReadOnlyList<Row> Officers { get; } = officers;

        /// <summary>Over texts with their lengths and numbers of a fixed length: two states never have the same bytes.</summary>
        public byte[] Digest
        {
            get
            {
                using var bytes = new MemoryStream();
                using var writer = new BinaryWriter(bytes, Encoding.UTF8);
                writer.Write(regions.Count);
                foreach (RegionRow region in regions)
                {
                    writer.Write(region.Code);
                    writer.Write(region.Parent ?? "");
                    writer.Write(region.Name);
                }

                writer.Write(Officers.Count);
                foreach (Row officer in Officers)
                {
                    writer.Write(officer.OfficerId);
                    writer.Write(officer.PersonId);
                    writer.Write(officer.CertificateSerial);
                    writer.Write(officer.IsEnabled);
                    writer.Write(officer.CertifiedUntil.ToUnixTimeMilliseconds());
                    IReadOnlyList<string> thumbprints = LinksOf(officer);
                    writer.Write(thumbprints.Count);
                    foreach (string thumbprint in thumbprints)
                    {
                        writer.Write(thumbprint);
                    }
                }

                writer.Flush();
                return Sm3.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
            }
        }

        public IReadOnlyList<string> LinksOf(Row officer) => officer.IsEnabled ? [.. links[officer.PersonName].Distinct().Order(StringComparer.Ordinal)] : [];
    }

    private sealed record Row
    {
        public required byte[] OfficerId { get; init; }

        public required byte[] PersonId { get; init; }

        public required string CertificateSerial { get; init; }

        public required short Enabled { get; init; }

        public required DateTimeOffset CertifiedUntil { get; init; }

        public required long Disablings { get; init; }

        public required long Endings { get; init; }

        /// <summary>As the directory of officers has it.</summary>
        public bool IsEnabled => Enabled == 1 && Disablings == 0 && Endings == 0;

        /// <summary>As links are named.</summary>
        public string PersonName => Convert.ToHexStringLower(PersonId);
    }

    private sealed record LinkRow
    {
        public required string Name { get; init; }

        public required string Thumbprint { get; init; }
    }

    private sealed record RegionRow
    {
        public required string Code { get; init; }

        public string? Parent { get; init; }

        public required string Name { get; init; }
    }
}
