using System.Numerics;

namespace ZwCa.Audit.Tree;

/// <summary>The leaves from <paramref name="Begin"/> up to, not including, <paramref name="End"/>; where one stands for a hash, the hash of their tree.</summary>
public readonly record struct LeafRange(long Begin, long End)
{
    public long Count => End - Begin;
}

/// <summary>A complete subtree of 2^Height leaves, the Index-th of its height.</summary>
public readonly record struct Subtree(int Height, long Index);

/// <summary>
/// Which hashes a proof is made of: RFC 9162 §2.1, without any hash in hand. A path is a list of ranges; each range splits into complete subtrees,
/// whose hashes never change again.
/// </summary>
public static class MerkleTree
{
    /// <summary>RFC 9162 §2.1.3.1: the path of the leaf with that index in the tree of that size, from the leaf upwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The tree has no such leaf.</exception>
    public static IReadOnlyList<LeafRange> InclusionPath(long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var path = new List<LeafRange>();
        var tree = new LeafRange(0, size);
        while (tree.Count > 1)
        {
            (LeafRange left, LeafRange right) = Split(tree);
            bool inLeft = index < left.End;
            path.Add(inLeft ? right : left);
            tree = inLeft ? left : right;
        }

        path.Reverse();
        return path;
    }

    /// <summary>RFC 9162 §2.1.4.1: what the tree of the second size adds to that of the first, from below upwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The first size is negative, or larger than the second.</exception>
    public static IReadOnlyList<LeafRange> ConsistencyPath(long first, long second)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, second);
        var path = new List<LeafRange>();
        if (first == 0)
        {
            return path;
        }

        var tree = new LeafRange(0, second);
        while (tree.End != first)
        {
            (LeafRange left, LeafRange right) = Split(tree);
            bool inLeft = first <= left.End;
            path.Add(inLeft ? right : left);
            tree = inLeft ? left : right;
        }

        // Where the rest is the first tree itself, the verifier has its hash already.
        if (tree.Begin > 0)
        {
            path.Add(tree);
        }

        path.Reverse();
        return path;
    }

    /// <returns>The complete subtrees, the largest first, that a range of the above consists of.</returns>
    public static IReadOnlyList<Subtree> Subtrees(LeafRange range)
    {
        var subtrees = new List<Subtree>();
        for (long begin = range.Begin; begin < range.End;)
        {
            int height = BitOperations.Log2((ulong)(range.End - begin));
            subtrees.Add(new Subtree(height, begin >> height));
            begin += 1L << height;
        }

        return subtrees;
    }

    /// <summary>The hash of the tree over complete subtrees, the largest first.</summary>
    /// <param name="hashes">At least one.</param>
    public static byte[] Fold(IReadOnlyList<byte[]> hashes)
    {
        byte[] root = hashes[^1];
        for (int i = hashes.Count - 2; i >= 0; i--)
        {
            root = MerkleHash.Node(hashes[i], root);
        }

        return root;
    }

    /// <summary>The hash of a complete subtree over those of its equal parts.</summary>
    /// <param name="parts">1, 2, 4, 8 … of them.</param>
    public static byte[] FoldEqual(ReadOnlySpan<byte[]> parts) =>
        parts.Length == 1 ? parts[0] : MerkleHash.Node(FoldEqual(parts[..(parts.Length / 2)]), FoldEqual(parts[(parts.Length / 2)..]));

    /// <summary>At the largest power of two below the number of leaves.</summary>
    private static (LeafRange Left, LeafRange Right) Split(LeafRange tree)
    {
        long middle = tree.Begin + (1L << BitOperations.Log2((ulong)(tree.Count - 1)));
        return (tree with { End = middle }, tree with { Begin = middle });
    }
}
