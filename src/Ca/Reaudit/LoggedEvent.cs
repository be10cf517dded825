using ZwCa.Asn1.Audit;
using ZwCa.Audit.Tree;
using ZwCa.Data;

namespace ZwCa.Ca.Reaudit;

/// <summary>An event and its place in the log, each as it lies there.</summary>
internal sealed record LoggedEvent
{
    public required byte[] EventId { get; init; }

    /// <summary>Null: the log has it, and it is gone.</summary>
    public byte[]? Leaf { get; init; }

    /// <summary>Null, as the next: it has no place.</summary>
    public long? LogIndex { get; init; }

    public byte[]? LeafHash { get; init; }

    /// <summary>It waits for its place.</summary>
    public bool IsPending { get; init; }

    /// <summary>Whether the log has these bytes. Whether the log is whole, its own check says.</summary>
    public bool IsInLog => Leaf is not null && LeafHash is not null && MerkleHash.Leaf(Leaf).AsSpan().SequenceEqual(LeafHash);

    /// <summary>Those about an object that have their entry for finding, which they get together with their place; in the order of their ids.</summary>
    public static Task<IReadOnlyList<LoggedEvent>> FindAsync(Transaction transaction, AuditObject about) => transaction.QueryAsync<LoggedEvent>(
        """
        SELECT s.event_id, e.leaf, l.log_index, l.leaf_hash
        FROM audit_search s JOIN audit_event e ON e.event_id = s.event_id LEFT JOIN log_leaf l ON l.event_id = s.event_id
        WHERE s.object_kind = @Kind AND s.object_id = @Id ORDER BY s.event_id
        """,
        new { about.Kind, about.Id });

    /// <summary>Those that wait for their place. Many only where the log is behind.</summary>
    /// <param name="before">An id that is higher than all that are wanted.</param>
    public static Task<IReadOnlyList<LoggedEvent>> ListPendingAsync(Transaction transaction, byte[] before) => transaction.QueryAsync<LoggedEvent>(
        "SELECT p.event_id, e.leaf, 1 AS is_pending FROM log_pending p JOIN audit_event e ON e.event_id = p.event_id WHERE p.event_id < @Before ORDER BY p.event_id",
        new { Before = before });

    /// <summary>A page of the log itself, whatever the entries for finding say.</summary>
    /// <param name="after">The last place of the page before; -1 for the first page.</param>
    public static Task<IReadOnlyList<LoggedEvent>> ListAsync(Transaction transaction, long after, int rows) => transaction.QueryAsync<LoggedEvent>(
        $"""
         SELECT l.event_id, e.leaf, l.log_index, l.leaf_hash FROM log_leaf l LEFT JOIN audit_event e ON e.event_id = l.event_id
         WHERE l.log_index > @After ORDER BY l.log_index {transaction.Dialect.Limit(rows)}
         """,
        new { After = after });
}
