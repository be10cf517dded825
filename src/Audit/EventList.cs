using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Data;

namespace ZwCa.Audit;

/// <summary>Which events. What is null does not matter.</summary>
public sealed record EventFilter
{
    public string? Action { get; init; }

    /// <summary>Id of the actor.</summary>
    public string? Actor { get; init; }

    public AuditObject? Object { get; init; }

    /// <summary>Recorded then or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Recorded before.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <param name="EventId">16 bytes; pages go on from here.</param>
public sealed record ListedEvent(byte[] EventId, AuditLeaf Leaf);

/// <summary>What was recorded about a person with an event.</summary>
/// <param name="Salt">16 bytes: with it and the value anybody can check the masked field.</param>
public sealed record PersonalValue(string Name, string Value, byte[] Salt);

/// <summary>Events for people to read, once they have their place in the log; in the order of their ids. Safe for concurrent use.</summary>
public sealed class EventList(Database database)
{
    public const int MaxRows = 1000;

    private static readonly byte[] First = new byte[Ulid.Length];
    private static readonly byte[] Last = [.. Enumerable.Repeat((byte)0xFF, Ulid.Length)];

    /// <param name="after">The last event of the page before; null for the first page.</param>
    /// <param name="rows">1 to 1,000.</param>
    /// <param name="newestFirst">Pages go from new to old.</param>
    public async Task<IReadOnlyList<ListedEvent>> ListAsync(
        EventFilter filter, byte[]? after = null, int rows = 100, bool newestFirst = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxRows);

        // An id begins with its time, so that one range of the key serves for times and for pages.
        byte[] lowest = Later(filter.From is { } from ? StartOf(from) : First, newestFirst ? null : after);
        byte[] highest = Earlier(filter.Until is { } until ? StartOf(until) : Last, newestFirst ? after : null);
        IReadOnlyList<Row> found = await database.QueryAsync<Row>(
            $"""
             SELECT audit_search.event_id, audit_event.leaf
             FROM audit_search JOIN audit_event ON audit_event.event_id = audit_search.event_id
             WHERE audit_search.event_id >= @Lowest AND audit_search.event_id <= @Highest AND audit_search.event_id <> @After
             {(filter.Action is null ? "" : "AND action = @Action")}
             {(filter.Actor is null ? "" : "AND actor = @Actor")}
             {(filter.Object is null ? "" : "AND object_kind = @ObjectKind AND object_id = @ObjectId")}
             ORDER BY audit_search.event_id {(newestFirst ? "DESC" : "ASC")} {database.Dialect.Limit(rows)}
             """,
            new
            {
                Lowest = lowest,
                Highest = highest,
                After = after ?? First,
                filter.Action,
                filter.Actor,
                ObjectKind = filter.Object?.Kind,
                ObjectId = filter.Object?.Id,
            },
            cancellationToken);
        return [.. found.Select(row => new ListedEvent(row.EventId, Der.Decode<AuditLeaf>(row.Leaf)))];
    }

    /// <returns>What was recorded about a person with the event and is not erased. Who may see it, the caller decides.</returns>
    public async Task<IReadOnlyList<PersonalValue>> GetPersonalAsync(byte[] eventId, CancellationToken cancellationToken = default) =>
        [.. (await database.QueryAsync<PersonalRow>(
            "SELECT name, salt, content FROM audit_personal WHERE event_id = @EventId ORDER BY name", new { EventId = eventId }, cancellationToken))
            .Select(row => new PersonalValue(row.Name, Encoding.UTF8.GetString(row.Content), row.Salt))];

    /// <summary>No id is from before 1970.</summary>
    private static byte[] StartOf(DateTimeOffset time) => Ulid.FirstOf(time < DateTimeOffset.UnixEpoch ? DateTimeOffset.UnixEpoch : time);

    private static byte[] Later(byte[] one, byte[]? other) => other is not null && other.AsSpan().SequenceCompareTo(one) > 0 ? other : one;

    private static byte[] Earlier(byte[] one, byte[]? other) => other is not null && other.AsSpan().SequenceCompareTo(one) < 0 ? other : one;

    private sealed record Row
    {
        public required byte[] EventId { get; init; }

        public required byte[] Leaf { get; init; }
    }

    private sealed record PersonalRow
    {
        public required string Name { get; init; }

        public required byte[] Salt { get; init; }

        public required byte[] Content { get; init; }
    }
}
