using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Audit.Tree;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Audit;

/// <param name="Leaves">Looked at.</param>
/// <param name="Pending">Events that have no place yet.</param>
/// <param name="Checkpoints">Looked at.</param>
/// <param name="Findings">What does not fit, the first 100; empty where the log is sound.</param>
public sealed record LogCheckReport(long Leaves, long Pending, long Checkpoints, IReadOnlyList<string> Findings);

/// <summary>
/// Looks at every row of the log and computes everything anew: what an auditor runs at night. Reads page by page beside the running service; what comes while it runs is
/// left for the next time. Safe for concurrent use.
/// </summary>
public sealed class LogCheck(Database database, LogOptions options)
{
    private const int PageRows = 1000;
    private const int MaxFindings = 100;

    private readonly AuditVerifier _verifier = new(options.Origin, [options.Key, .. options.EarlierKeys]);

    public async Task<LogCheckReport> RunAsync(CancellationToken cancellationToken = default)
    {
        var findings = new List<string>();
        IReadOnlyList<NumberedCheckpoint> checkpoints = await ReadCheckpointsAsync(findings, cancellationToken);
        long size = await database.ReadAsync(TreeReader.GetSizeAsync, cancellationToken);
        await CheckLeavesAsync(size, checkpoints, findings, cancellationToken);

        // An event is in the log or waits for it, never both, never neither.
        long pending = await database.FindAsync<long>("SELECT COUNT(*) FROM log_pending", cancellationToken: cancellationToken);
        IReadOnlyList<byte[]> lost = await database.QueryAsync<byte[]>(
            $"""
             SELECT event_id FROM audit_event
             WHERE NOT EXISTS (SELECT 1 FROM log_leaf WHERE log_leaf.event_id = audit_event.event_id)
               AND NOT EXISTS (SELECT 1 FROM log_pending WHERE log_pending.event_id = audit_event.event_id)
             ORDER BY event_id {database.Dialect.Limit(MaxFindings)}
             """,
            cancellationToken: cancellationToken);
        findings.AddRange(lost.Select(id => $"The event {Convert.ToHexStringLower(id)} is neither in the log nor waiting for it."));
        IReadOnlyList<byte[]> twice = await database.QueryAsync<byte[]>(
            $"""
             SELECT log_pending.event_id FROM log_pending JOIN log_leaf ON log_leaf.event_id = log_pending.event_id
             ORDER BY log_pending.event_id {database.Dialect.Limit(MaxFindings)}
             """,
            cancellationToken: cancellationToken);
        findings.AddRange(twice.Select(id => $"The event {Convert.ToHexStringLower(id)} is in the log and waits for it."));
        IReadOnlyList<byte[]> nothing = await database.QueryAsync<byte[]>(
            $"""
             SELECT event_id FROM log_pending
             WHERE NOT EXISTS (SELECT 1 FROM audit_event WHERE audit_event.event_id = log_pending.event_id)
             ORDER BY event_id {database.Dialect.Limit(MaxFindings)}
             """,
            cancellationToken: cancellationToken);
        findings.AddRange(nothing.Select(id => $"What waits as {Convert.ToHexStringLower(id)} is no event."));
        return new LogCheckReport(size, pending, checkpoints.Count, [.. findings.Take(MaxFindings)]);
    }

    /// <summary>
    /// Compares what the device counts with what the log shows: more checkpoints than signatures cannot be. More signatures can: crashes, and nodes that signed at the
    /// same time, leave some that nobody stored; many of them are a question to the operators.
    /// </summary>
    /// <returns>Signatures of the current key, and checkpoints by it.</returns>
    /// <exception cref="LogDamagedException">More checkpoints than signatures.</exception>
    public async Task<(long Signatures, long Checkpoints)> CompareSignaturesAsync(IHsm hsm, HsmKey key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(hsm);

        // First the checkpoints: those that come in between have been counted by the device.
        byte[] keyId = Checkpoint.KeyIdOf(options.Key);
        long signed = (await ReadCheckpointsAsync([], cancellationToken)).LongCount(each => each.Checkpoint.Tbs.KeyId.Span.SequenceEqual(keyId));
        long signatures = await hsm.GetSignatureCountAsync(key, cancellationToken);
        return signed <= signatures
            ? (signatures, signed)
            : throw new LogDamagedException($"The log has {signed} checkpoints by a key that has signed {signatures} times.");
    }

    private async Task<IReadOnlyList<NumberedCheckpoint>> ReadCheckpointsAsync(List<string> findings, CancellationToken cancellationToken)
    {
        var all = new List<NumberedCheckpoint>();
        while (true)
        {
            long after = all.Count > 0 ? all[^1].Number : 0;
            IReadOnlyList<NumberedCheckpoint> page =
                await database.ReadAsync(transaction => CheckpointStore.ListAsync(transaction, after, PageRows), cancellationToken);
            foreach (NumberedCheckpoint checkpoint in page)
            {
                CheckCheckpoint(checkpoint, all.Count > 0 ? all[^1] : null, findings);
                all.Add(checkpoint);
            }

            if (page.Count < PageRows)
            {
                return all;
            }
        }
    }

    private void CheckCheckpoint(NumberedCheckpoint checkpoint, NumberedCheckpoint? before, List<string> findings)
    {
        (long number, TbsCheckpoint tbs) = (checkpoint.Number, checkpoint.Checkpoint.Tbs);
        try
        {
            _verifier.VerifyCheckpoint(checkpoint.Checkpoint);
        }
        catch (LogNotProvenException e)
        {
            findings.Add($"Checkpoint {number}: {e.Message}");
        }

        if (number != (before?.Number ?? 0) + 1)
        {
            findings.Add($"Before checkpoint {number} there is none.");
        }

        if (before?.Checkpoint.Tbs is { } last && (tbs.Time < last.Time || tbs.TreeSize < last.TreeSize || tbs.Epoch < last.Epoch))
        {
            findings.Add($"Checkpoint {number} goes back behind the one before it.");
        }

        if ((tbs.Override is not null) != (tbs.Epoch > (before?.Checkpoint.Tbs.Epoch ?? 0)))
        {
            findings.Add($"Checkpoint {number} begins an epoch without a decision, or carries one without beginning an epoch.");
        }
    }

    /// <summary>Walks through all leaves; at each checkpoint's size the root is compared.</summary>
    private async Task CheckLeavesAsync(long size, IReadOnlyList<NumberedCheckpoint> checkpoints, List<string> findings, CancellationToken cancellationToken)
    {
        var tree = new TreeBuilder();
        var nodes = new List<TreeNode>();
        ILookup<long, NumberedCheckpoint> bySize = checkpoints.ToLookup(each => each.Checkpoint.Tbs.TreeSize);
        findings.AddRange(bySize.Where(each => each.Key > size).SelectMany(each => each).Select(each => $"Checkpoint {each.Number} tells of more events than the log has."));
        CheckRoots(tree, bySize, findings);
        while (tree.Size < size && findings.Count < MaxFindings)
        {
            IReadOnlyList<Row> page = await database.QueryAsync<Row>(
                """
                SELECT log_leaf.log_index, log_leaf.event_id, log_leaf.leaf_hash,
                       audit_search.action, audit_search.actor, audit_search.object_kind, audit_search.object_id, audit_event.leaf
                FROM log_leaf JOIN audit_event ON audit_event.event_id = log_leaf.event_id
                JOIN audit_search ON audit_search.event_id = log_leaf.event_id
                WHERE log_leaf.log_index >= @Begin AND log_leaf.log_index < @End
                ORDER BY log_leaf.log_index
                """,
                new { Begin = tree.Size, End = Math.Min(size, tree.Size + PageRows) },
                cancellationToken);
            foreach (Row row in page)
            {
                if (row.LogIndex != tree.Size)
                {
                    findings.Add($"Place {tree.Size} of the log is empty, or its event is gone.");
                    return;
                }

                CheckLeaf(row, findings);
                tree.Append(row.LeafHash, nodes);
                CheckRoots(tree, bySize, findings);
            }

            if (page.Count == 0)
            {
                findings.Add($"Place {tree.Size} of the log is empty, or its event is gone.");
                return;
            }

            await CheckNodesAsync(nodes, findings, cancellationToken);
            nodes.Clear();
        }
    }

    private static void CheckRoots(TreeBuilder tree, ILookup<long, NumberedCheckpoint> bySize, List<string> findings)
    {
        if (bySize[tree.Size].Any())
        {
            byte[] root = tree.Root();
            findings.AddRange(bySize[tree.Size]
                .Where(each => !each.Checkpoint.Tbs.RootHash.Span.SequenceEqual(root))
                .Select(each => $"Checkpoint {each.Number} has another root than the log of {tree.Size} events."));
        }
    }

    private static void CheckLeaf(Row row, List<string> findings)
    {
        string id = Convert.ToHexStringLower(row.EventId);
        if (!MerkleHash.Leaf(row.Leaf).AsSpan().SequenceEqual(row.LeafHash))
        {
            findings.Add($"The event {id} at place {row.LogIndex} is not the one that was logged.");
            return;
        }

        try
        {
            AuditLeaf leaf = Der.Decode<AuditLeaf>(row.Leaf);
            if (!leaf.Id.Span.SequenceEqual(row.EventId)
                || leaf.Action != row.Action
                || leaf.Actor.Id != row.Actor
                || leaf.Object.Kind != row.ObjectKind
                || leaf.Object.Id != row.ObjectId)
            {
                findings.Add($"The event {id} at place {row.LogIndex} is listed under another id, action, actor or object than it has.");
            }
        }
        catch (DerException e)
        {
            findings.Add($"The event {id} at place {row.LogIndex} is none: {e.Message}");
        }
    }

    private async Task CheckNodesAsync(IReadOnlyList<TreeNode> nodes, List<string> findings, CancellationToken cancellationToken)
    {
        foreach (IGrouping<int, TreeNode> level in nodes.GroupBy(node => node.Level))
        {
            TreeNode[] expected = [.. level];
            IReadOnlyList<byte[]> stored = await database.QueryAsync<byte[]>(
                "SELECT hash FROM log_node WHERE level = @Level AND node_index >= @First AND node_index <= @Last ORDER BY node_index",
                new { Level = (short)level.Key, First = expected[0].Index, Last = expected[^1].Index },
                cancellationToken);
            if (stored.Count != expected.Length || stored.Zip(expected).Any(pair => !pair.First.AsSpan().SequenceEqual(pair.Second.Hash)))
            {
                findings.Add($"Level {level.Key} of the tree is not that of its leaves between {expected[0].Index} and {expected[^1].Index}.");
            }
        }
    }

    private sealed record Row
    {
        public required long LogIndex { get; init; }

        public required byte[] EventId { get; init; }

        public required byte[] LeafHash { get; init; }

        public required string Action { get; init; }

        public required string Actor { get; init; }

        public required string ObjectKind { get; init; }

        public required string ObjectId { get; init; }

        public required byte[] Leaf { get; init; }
    }
}
