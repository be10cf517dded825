namespace ZwCa.Audit.Tree;

/// <summary>A node that is stored: the root of 16^Level leaves, the Index-th of its level. Level 0 are the leaves.</summary>
public readonly record struct TreeNode(int Level, long Index, byte[] Hash);

/// <summary>
/// Appends leaves to a tree of which only the right edge is in memory: of each level the nodes that no stored node of the next level covers yet,
/// up to 15. Not safe for use by several threads at once.
/// </summary>
public sealed class TreeBuilder
{
    /// <summary>Bits of the index that one stored level takes: 16 nodes make one of the next.</summary>
    public const int LevelBits = 4;

    public const int Width = 1 << LevelBits;

    /// <summary>Levels of the largest tree, 2^63 leaves: 0 to 15.</summary>
    public const int Levels = 16;

    private readonly List<byte[]>[] _edge = [.. Enumerable.Range(0, Levels).Select(_ => new List<byte[]>(Width))];

    /// <param name="size">Leaves there are.</param>
    /// <param name="edge">Of each level the nodes of <see cref="Edge"/>, in their order.</param>
    /// <exception cref="ArgumentException">Other nodes than those.</exception>
    public TreeBuilder(long size, IReadOnlyList<IReadOnlyList<byte[]>> edge)
    {
        ArgumentNullException.ThrowIfNull(edge);
        Size = size;
        for (int level = 0; level < Levels; level++)
        {
            if (edge[level].Count != Edge(size, level).Count)
            {
                throw new ArgumentException($"Level {level} of a tree of {size} leaves has an edge of {Edge(size, level).Count} nodes, not {edge[level].Count}.", nameof(edge));
            }

            _edge[level].AddRange(edge[level]);
        }
    }

    /// <summary>An empty tree.</summary>
    public TreeBuilder()
    {
    }

    public long Size { get; private set; }

    /// <returns>Which nodes of a level are the right edge.</returns>
    public static LeafRange Edge(long size, int level)
    {
        long end = size >> (LevelBits * level);
        return new LeafRange(end & ~(Width - 1L), end);
    }

    /// <summary>Appends a leaf.</summary>
    /// <param name="completed">Takes the nodes of level 1 and up that it completes.</param>
    public void Append(byte[] leafHash, ICollection<TreeNode> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        _edge[0].Add(leafHash);
        Size++;
        for (int level = 0; _edge[level].Count == Width; level++)
        {
            byte[] hash = MerkleTree.FoldEqual(_edge[level].ToArray());
            _edge[level].Clear();
            _edge[level + 1].Add(hash);
            completed.Add(new TreeNode(level + 1, (Size >> (LevelBits * (level + 1))) - 1, hash));
        }
    }

    /// <summary>The root of the tree so far.</summary>
    public byte[] Root()
    {
        if (Size == 0)
        {
            return MerkleHash.Empty();
        }

        // The largest subtrees lie on the highest levels; within a level the bits of the count say which.
        var hashes = new List<byte[]>();
        for (int level = Levels - 1; level >= 0; level--)
        {
            ReadOnlySpan<byte[]> nodes = _edge[level].ToArray();
            for (int part = Width / 2; part > 0; part /= 2)
            {
                if ((nodes.Length & part) != 0)
                {
                    hashes.Add(MerkleTree.FoldEqual(nodes[..part]));
                    nodes = nodes[part..];
                }
            }
        }

        return MerkleTree.Fold(hashes);
    }
}
