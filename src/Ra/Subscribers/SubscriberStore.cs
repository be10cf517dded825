using System.Security.Cryptography;
using System.Text;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Subscribers;

/// <summary>Which subscribers. What is null does not matter.</summary>
internal sealed record SubscriberFilter
{
    /// <summary>The regions below belong to it.</summary>
    public required RegionCode Region { get; init; }

    public SubscriberKind? Kind { get; init; }

    /// <summary>Where they work, whose they are.</summary>
    public byte[]? Organization { get; init; }

    /// <summary>What the names of organisations and devices begin with; persons' are sealed.</summary>
    public string? NamePrefix { get; init; }
}

/// <summary>Subscribers and their rows. Within a unit of work there are rows, which open outside: that may ask the device for a key. Safe for concurrent use.</summary>
internal sealed class SubscriberStore(Database database, PersonRegistry persons)
{
    /// <summary>Rows that one page looks at: what else is asked is compared with what the leading index gives.</summary>
    private const int MaxLooked = 10_000;

    private const int Batch = 500;
    private const string NumberField = "number";
    private const string NameField = "name";

    private const string Select =
        """
        SELECT s.subscriber_id, s.kind, s.region, s.person_index, s.number_sealed, s.name_sealed, s.data_key_id, s.number, s.name, s.organization_id, o.name AS organization_name,
            s.version, s.registered_at, s.changed_at
        FROM subscriber s LEFT JOIN subscriber o ON o.subscriber_id = s.organization_id
        """;

    /// <param name="id">16 bytes.</param>
    public static Task<SubscriberRow?> FindRowAsync(Transaction transaction, byte[] id) => transaction.FindAsync<SubscriberRow>(Select + " WHERE s.subscriber_id = @Id", new { Id = id });

    /// <param name="index">Of a person; null: it is none.</param>
    public static Task<SubscriberRow?> FindRowAsync(Transaction transaction, SubscriberNumber number, byte[]? index) => index is not null
        ? transaction.FindAsync<SubscriberRow>(Select + " WHERE s.person_index = @Index", new { Index = index })
        : transaction.FindAsync<SubscriberRow>(Select + " WHERE s.kind = @Kind AND s.number = @Number", new { number.Kind, Number = number.Reveal() });

    /// <returns>Those persons that are registered, in no order.</returns>
    public static async Task<IReadOnlyList<SubscriberRow>> ListRowsAsync(Transaction transaction, IReadOnlyCollection<byte[]> indexes)
    {
        var rows = new List<SubscriberRow>();
        foreach (Dictionary<string, object> some in InList.Of(indexes))
        {
            rows.AddRange(await transaction.QueryAsync<SubscriberRow>($"{Select} WHERE s.person_index IN ({InList.Names})", some));
        }

        return rows;
    }

    /// <param name="numbers">As <see cref="SubscriberNumber.Reveal"/> gives them.</param>
    /// <returns>Those organisations, or devices, that are registered, in no order.</returns>
    public static async Task<IReadOnlyList<SubscriberRow>> ListRowsAsync(Transaction transaction, SubscriberKind kind, IReadOnlyCollection<string> numbers)
    {
        var rows = new List<SubscriberRow>();
        foreach (Dictionary<string, object> some in InList.Of(numbers, ("Kind", kind)))
        {
            rows.AddRange(await transaction.QueryAsync<SubscriberRow>($"{Select} WHERE s.kind = @Kind AND s.number IN ({InList.Names})", some));
        }

        return rows;
    }

    /// <summary>Keeps others from changing them until the unit ends, where the database lets several write at once.</summary>
    public static async Task HoldAsync(Transaction transaction, IReadOnlyCollection<byte[]> ids)
    {
        foreach (Dictionary<string, object> some in InList.Of(ids))
        {
            await transaction.ExecuteAsync($"UPDATE subscriber SET version = version WHERE subscriber_id IN ({InList.Names})", some);
        }
    }

    /// <summary>New ones, none of which is registered: those of the same unit may be the organisations of others.</summary>
    public static Task InsertAllAsync(Transaction transaction, IEnumerable<SubscriberRow> rows) => transaction.BulkInsertAsync(
        "subscriber",
        [
            "subscriber_id", "kind", "region", "person_index", "number_sealed", "name_sealed", "data_key_id", "number", "name", "organization_id", "organization_kind", "version", "registered_at",
            "changed_at",
        ],
        [
            .. rows.OrderBy(row => row.Kind == SubscriberKind.Organization ? 0 : 1).Select(row => (object?[])
            [
                row.SubscriberId, row.Kind, row.Region, row.PersonIndex, row.NumberSealed, row.NameSealed, row.DataKeyId, row.Number, row.Name, row.OrganizationId, row.OrganizationKind, row.Version,
                row.RegisteredAt, row.ChangedAt,
            ]),
        ]);

    /// <returns>False: the number is registered.</returns>
    public static Task<bool> TryInsertAsync(Transaction transaction, SubscriberRow row) => transaction.TryInsertAsync(
        """
        INSERT INTO subscriber (
            subscriber_id, kind, region, person_index, number_sealed, name_sealed, data_key_id, number, name, organization_id, organization_kind, version, registered_at, changed_at)
        VALUES (@SubscriberId, @Kind, @Region, @PersonIndex, @NumberSealed, @NameSealed, @DataKeyId, @Number, @Name, @OrganizationId, @OrganizationKind, @Version, @RegisteredAt, @ChangedAt)
        """,
        row);

    /// <param name="row">With the version that is left.</param>
    /// <returns>False: somebody else was faster.</returns>
    public static async Task<bool> TryChangeAsync(Transaction transaction, SubscriberRow row) => await transaction.ExecuteAsync(
        """
        UPDATE subscriber
        SET region = @Region, number_sealed = @NumberSealed, name_sealed = @NameSealed, data_key_id = @DataKeyId, name = @Name, organization_id = @OrganizationId,
            organization_kind = @OrganizationKind, version = version + 1, changed_at = @ChangedAt
        WHERE subscriber_id = @SubscriberId AND version = @Version
        """,
        row) == 1;

    /// <returns>Null where there is none.</returns>
    public async Task<Subscriber?> FindAsync(byte[] id, CancellationToken cancellationToken) =>
        await database.ReadAsync(transaction => FindRowAsync(transaction, id), cancellationToken) is { } row ? await OpenAsync(row, cancellationToken) : null;

    /// <inheritdoc cref="FindAsync(byte[], CancellationToken)"/>
    /// <exception cref="Hsm.HsmException">The device is away.</exception>
    public async Task<Subscriber?> FindAsync(SubscriberNumber number, CancellationToken cancellationToken)
    {
        byte[]? index = number.Person is { } person ? await persons.IndexAsync(person, cancellationToken) : null;
        return await database.ReadAsync(transaction => FindRowAsync(transaction, number, index), cancellationToken) is { } row ? await OpenAsync(row, cancellationToken) : null;
    }

    /// <exception cref="PersonKeysException">The row has been changed outside this program.</exception>
    public async Task<Subscriber> OpenAsync(SubscriberRow row, CancellationToken cancellationToken) => new()
    {
        Id = row.SubscriberId,
        Kind = row.Kind,
        Region = RegionCode.Parse(row.Region),
        Name = SubscriberName.Parse(row.Kind, row.Name ?? await OpenAsync(row, NameField, row.NameSealed!, cancellationToken)),
        Number = SubscriberNumber.Parse(row.Kind, row.Number ?? await OpenAsync(row, NumberField, row.NumberSealed!, cancellationToken)),
        PersonIndex = row.PersonIndex,
        OrganizationId = row.OrganizationId,
        OrganizationName = row.OrganizationName,
        Version = row.Version,
        RegisteredAt = row.RegisteredAt,
        ChangedAt = row.ChangedAt,
    };

    /// <returns>The row with number and name as they are stored: a person's sealed.</returns>
    public SubscriberRow Write(SubscriberRow row, SubscriberNumber number, SubscriberName name)
    {
        if (row.Kind != SubscriberKind.Person)
        {
            return row with { Number = number.Reveal(), Name = name.Reveal() };
        }

        (byte[] keyId, byte[][] values) = persons.Seal(row.SubscriberId, (NumberField, Encoding.UTF8.GetBytes(number.Reveal())), (NameField, Encoding.UTF8.GetBytes(name.Reveal())));
        return row with { NumberSealed = values[0], NameSealed = values[1], DataKeyId = keyId };
    }

    /// <summary>By name where a name is asked for, by id where an organisation is, by region otherwise.</summary>
    /// <param name="after">Id of the last one that was looked at; empty at the beginning.</param>
    /// <param name="rows">At least one; where few fit, a page has fewer and goes on nevertheless.</param>
    /// <returns>Next: null where that was all.</returns>
    public async Task<(IReadOnlyList<Subscriber> Subscribers, byte[]? Next)> ListAsync(SubscriberFilter filter, byte[] after, int rows, CancellationToken cancellationToken)
    {
        (List<SubscriberRow> page, byte[]? next) = await database.ReadAsync(transaction => FindPageAsync(transaction, filter, after, rows), cancellationToken);
        var subscribers = new List<Subscriber>(page.Count);
        foreach (SubscriberRow row in page)
        {
            subscribers.Add(await OpenAsync(row, cancellationToken));
        }

        return (subscribers, next);
    }

    private static async Task<(List<SubscriberRow> Rows, byte[]? Next)> FindPageAsync(Transaction transaction, SubscriberFilter filter, byte[] after, int rows)
    {
        // Step 1: the index that leads. What begins with the same text lies together, from that text on; so does what is below a region.
        (string leading, string column, string start) = filter switch
        {
            { NamePrefix: { } prefix } => ("s.name >= @At AND (s.name > @At OR s.subscriber_id > @After)", "name", prefix),
            { Organization: not null } => ("s.organization_id = @Organization AND s.subscriber_id > @After", "", ""),
            _ => (
                $"{(filter.Kind is null ? "" : "s.kind = @Kind AND ")}s.region >= @At AND s.region <= @Last AND (s.region > @At OR s.subscriber_id > @After)", "region", filter.Region.Value),
        };

        // Of a region all fits.
        int most = column == "region" ? rows : Batch;
        string query = $"{Select} WHERE {leading} ORDER BY {(column.Length == 0 ? "" : $"s.{column}, ")}s.subscriber_id {transaction.Dialect.Limit(most)}";
        string at = column.Length == 0 || after.Length == 0
            ? start
            : await transaction.FindAsync<string>($"SELECT {column} FROM subscriber WHERE subscriber_id = @After", new { After = after }) ?? start;
        if (column == "region" && string.CompareOrdinal(at, start) < 0)
        {
            // A page of another region, or of more than this one: what is asked for lies behind it.
            (at, after) = (start, []);
        }

        // Step 2: what it gives, compared with the rest.
        var page = new List<SubscriberRow>();
        byte[] reached = after;
        for (int looked = 0; looked < MaxLooked; looked += Batch)
        {
            IReadOnlyList<SubscriberRow> batch = await transaction.QueryAsync<SubscriberRow>(
                query, new { After = reached, At = at, Last = LastOf(filter.Region), filter.Organization, Kind = filter.Kind ?? SubscriberKind.Person });
            foreach (SubscriberRow row in batch)
            {
                if (filter.NamePrefix is not null && !row.Name!.StartsWith(filter.NamePrefix, StringComparison.Ordinal))
                {
                    return (page, null);
                }

                (reached, at) = (row.SubscriberId, column == "name" ? row.Name! : row.Region);
                bool fits = filter.Region.Covers(RegionCode.Parse(row.Region))
                    && (filter.Kind is null || row.Kind == filter.Kind)
                    && (filter.Organization is null || filter.Organization.AsSpan().SequenceEqual(row.OrganizationId));
                if (fits)
                {
                    page.Add(row);
                    if (page.Count == rows)
                    {
                        return (page, reached);
                    }
                }
            }

            if (batch.Count < most)
            {
                return (page, null);
            }
        }

        return (page, reached);
    }

    /// <summary>The highest code below a region: 350100 ends with 350199.</summary>
    private static string LastOf(RegionCode region) => region.Value[..(2 * (int)region.Level)] + "999999"[(2 * (int)region.Level)..];

    private async Task<string> OpenAsync(SubscriberRow row, string field, byte[] bytes, CancellationToken cancellationToken)
    {
        byte[] plain = await persons.OpenAsync(row.DataKeyId!, row.SubscriberId, field, bytes, cancellationToken);
        string text = Encoding.UTF8.GetString(plain);
        CryptographicOperations.ZeroMemory(plain);
        return text;
    }
}

/// <summary>A row: of a person number and name are sealed, of the others in clear.</summary>
internal sealed record SubscriberRow
{
    public required byte[] SubscriberId { get; init; }

    public required SubscriberKind Kind { get; init; }

    public required string Region { get; init; }

    public byte[]? PersonIndex { get; init; }

    public byte[]? NumberSealed { get; init; }

    public byte[]? NameSealed { get; init; }

    public byte[]? DataKeyId { get; init; }

    public string? Number { get; init; }

    public string? Name { get; init; }

    public byte[]? OrganizationId { get; init; }

    public string? OrganizationName { get; init; }

    /// <summary>Makes the database look that it is one.</summary>
    public SubscriberKind? OrganizationKind => OrganizationId is null ? null : SubscriberKind.Organization;

    public required long Version { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>No person's data in logs.</summary>
    public override string ToString() => Convert.ToHexStringLower(SubscriberId);
}
