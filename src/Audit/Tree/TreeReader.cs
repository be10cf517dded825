using ZwCa.Asn1.Audit;
using ZwCa.Data;

namespace ZwCa.Audit.Tree;

/// <summary>The stored tree, read: each proof or root takes at most two short ranges of rows per level.</summary>
internal static class TreeReader
{
    /// <returns>How many leaves there are.</returns>
    public static Task<long> GetSizeAsync(Transaction transaction) =>
        transaction.GetAsync<long>("SELECT COALESCE(MAX(log_index), -1) + 1 FROM log_leaf");

    /// <returns>A builder that goes on where the tree of that size ends.</returns>
    /// <exception cref="LogDamagedException">Rows are missing.</exception>
    public static async Task<TreeBuilder> GetBuilderAsync(Transaction transaction, long size)
    {
        var edge = new IReadOnlyList<byte[]>[TreeBuilder.Levels];
        for (int level = 0; level < TreeBuilder.Levels; level++)
        {
            edge[level] = await ReadAsync(transaction, level, TreeBuilder.Edge(size, level));
        }

        return new TreeBuilder(size, edge);
    }

    /// <returns>The root of the first <paramref name="size"/> leaves.</returns>
    /// <exception cref="LogDamagedException">Rows are missing.</exception>
    public static async Task<byte[]> GetRootAsync(Transaction transaction, long size) =>
        size == 0 ? MerkleHash.Empty() : (await GetHashesAsync(transaction, [new LeafRange(0, size)]))[0];

    /// <exception cref="LogDamagedException">Rows are missing.</exception>
    public static async Task<InclusionProof> ProveInclusionAsync(Transaction transaction, long index, long size) =>
        new(index, size, Memory(await GetHashesAsync(transaction, MerkleTree.InclusionPath(index, size))));

    /// <exception cref="LogDamagedException">Rows are missing.</exception>
    public static async Task<ConsistencyProof> ProveConsistencyAsync(Transaction transaction, long first, long second) =>
        new(first, second, Memory(await GetHashesAsync(transaction, MerkleTree.ConsistencyPath(first, second))));

    private static ReadOnlyMemory<byte>[] Memory(IEnumerable<byte[]> hashes) => [.. hashes.Select(hash => (ReadOnlyMemory<byte>)hash)];

    private static async Task<IReadOnlyList<byte[]>> GetHashesAsync(Transaction transaction, IReadOnlyList<LeafRange> ranges)
    {
        Subtree[][] subtrees = [.. ranges.Select(range => MerkleTree.Subtrees(range).ToArray())];

        // First which rows, each level for itself, then as few statements as there are runs of them.
        var wanted = new SortedSet<long>?[TreeBuilder.Levels];
        foreach (Subtree subtree in subtrees.SelectMany(each => each))
        {
            (int level, LeafRange rows) = RowsOf(subtree);
            for (long i = rows.Begin; i < rows.End; i++)
            {
                (wanted[level] ??= []).Add(i);
            }
        }

        var found = new Dictionary<(int Level, long Index), byte[]>();
        for (int level = 0; level < TreeBuilder.Levels; level++)
        {
            foreach (LeafRange run in Runs(wanted[level]))
            {
                IReadOnlyList<byte[]> rows = await ReadAsync(transaction, level, run);
                for (int i = 0; i < rows.Count; i++)
                {
                    found[(level, run.Begin + i)] = rows[i];
                }
            }
        }

        byte[] HashOf(Subtree subtree)
        {
            (int level, LeafRange rows) = RowsOf(subtree);
            byte[][] parts = new byte[rows.Count][];
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = found[(level, rows.Begin + i)];
            }

            return MerkleTree.FoldEqual(parts);
        }

        return [.. subtrees.Select(range => MerkleTree.Fold([.. range.Select(HashOf)]))];
    }

    /// <returns>The rows of a stored level, 1 to 8, that make up a subtree.</returns>
    private static (int Level, LeafRange Rows) RowsOf(Subtree subtree)
    {
        int level = subtree.Height / TreeBuilder.LevelBits;
        int bits = subtree.Height % TreeBuilder.LevelBits;
        return (level, new LeafRange(subtree.Index << bits, (subtree.Index + 1) << bits));
    }

    /// <summary>Neighbours read at once; a gap that is shorter than a node's width costs less than another statement.</summary>
    private static IEnumerable<LeafRange> Runs(SortedSet<long>? indexes)
    {
        if (indexes is null)
        {
            yield break;
        }

        LeafRange run = new(indexes.Min, indexes.Min);
        foreach (long index in indexes)
        {
            if (index - run.End > TreeBuilder.Width)
            {
                yield return run;
                run = new LeafRange(index, index);
            }

            run = run with { End = index + 1 };
        }

        yield return run;
    }

    /// <returns>As many hashes as the range asks for.</returns>
    private static async Task<IReadOnlyList<byte[]>> ReadAsync(Transaction transaction, int level, LeafRange range)
    {
        if (range.Count == 0)
        {
            return [];
        }

        IReadOnlyList<byte[]> hashes = level == 0
            ? await transaction.QueryAsync<byte[]>(
                "SELECT leaf_hash FROM log_leaf WHERE log_index >= @Begin AND log_index < @End ORDER BY log_index", new { range.Begin, range.End })
            : await transaction.QueryAsync<byte[]>(
                "SELECT hash FROM log_node WHERE level = @Level AND node_index >= @Begin AND node_index < @End ORDER BY node_index",
                new { Level = (short)level, range.Begin, range.End });
        return hashes.Count == range.Count && hashes.All(hash => hash.Length == MerkleHash.Length)
            ? hashes
            : throw new LogDamagedException($"Level {level} of the log's tree lacks nodes between {range.Begin} and {range.End}.");
    }
}
