using ZwCa.Asn1.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Audit.Tree;
using ZwCa.Data;

namespace ZwCa.Audit;

/// <summary>An event, its place in the log, and the checkpoint that it is proven against.</summary>
/// <param name="Leaf">DER of the <see cref="AuditLeaf"/>.</param>
public sealed record ProvenEvent(ReadOnlyMemory<byte> Leaf, InclusionProof Proof, Checkpoint Checkpoint);

/// <summary>What the log proves to others. Proofs cost a few dozen rows, however long the log is. Safe for concurrent use.</summary>
public sealed class LogProofs(Database database)
{
    /// <returns>Null before the first one.</returns>
    public async Task<Checkpoint?> FindLatestCheckpointAsync(CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(CheckpointStore.FindLatestAsync, cancellationToken))?.Checkpoint;

    /// <returns>The checkpoint that an epoch began with and, after the first epoch, its override; null where there is no such epoch.</returns>
    public async Task<Checkpoint?> FindFirstCheckpointAsync(long epoch, CancellationToken cancellationToken = default) =>
        (await database.ReadAsync(transaction => CheckpointStore.FindFirstAsync(transaction, epoch), cancellationToken))?.Checkpoint;

    /// <summary>Proves an event against the latest checkpoint.</summary>
    /// <param name="eventId">16 bytes.</param>
    /// <returns>Null where there is no such event, or no checkpoint over it yet.</returns>
    public Task<ProvenEvent?> FindAsync(byte[] eventId, CancellationToken cancellationToken = default) => database.ReadAsync(
        async transaction =>
        {
            Checkpoint? checkpoint = (await CheckpointStore.FindLatestAsync(transaction))?.Checkpoint;
            Place? place = await FindPlaceAsync(transaction, eventId);
            return checkpoint is null || place is null || place.LogIndex >= checkpoint.Tbs.TreeSize
                ? null
                : new ProvenEvent(place.Leaf, await TreeReader.ProveInclusionAsync(transaction, place.LogIndex, checkpoint.Tbs.TreeSize), checkpoint);
        },
        cancellationToken);

    /// <summary>Proves an event against the checkpoint that somebody has.</summary>
    /// <param name="treeSize">Of that checkpoint.</param>
    /// <returns>Null where the log of that size has no such event.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The log is not that large.</exception>
    public Task<InclusionProof?> ProveInclusionAsync(byte[] eventId, long treeSize, CancellationToken cancellationToken = default) => database.ReadAsync(
        async transaction =>
        {
            await RequireSizeAsync(transaction, treeSize);
            Place? place = await FindPlaceAsync(transaction, eventId);
            return place is null || place.LogIndex >= treeSize ? null : await TreeReader.ProveInclusionAsync(transaction, place.LogIndex, treeSize);
        },
        cancellationToken);

    /// <exception cref="ArgumentOutOfRangeException">The first size is the larger one, or the log is not that large.</exception>
    public Task<ConsistencyProof> ProveConsistencyAsync(long firstSize, long secondSize, CancellationToken cancellationToken = default) => database.ReadAsync(
        async transaction =>
        {
            await RequireSizeAsync(transaction, secondSize);
            return await TreeReader.ProveConsistencyAsync(transaction, firstSize, secondSize);
        },
        cancellationToken);

    private static async Task RequireSizeAsync(Transaction transaction, long treeSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(treeSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(treeSize, await TreeReader.GetSizeAsync(transaction));
    }

    private static Task<Place?> FindPlaceAsync(Transaction transaction, byte[] eventId) => transaction.FindAsync<Place>(
        """
        SELECT audit_event.leaf, log_leaf.log_index
        FROM log_leaf JOIN audit_event ON audit_event.event_id = log_leaf.event_id
        WHERE log_leaf.event_id = @EventId
        """,
        new { EventId = eventId });

    private sealed record Place
    {
        public required byte[] Leaf { get; init; }

        public required long LogIndex { get; init; }
    }
}
