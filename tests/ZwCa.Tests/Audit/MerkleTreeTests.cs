using ZwCa.Asn1.Audit;
using ZwCa.Audit.Tree;

namespace ZwCa.Tests.Audit;

/// <summary>The tree beside RFC 9162 as it is written there.</summary>
public sealed class MerkleTreeTests
{
    private const int EverySize = 70;

    private static readonly byte[][] Leaves = [.. Enumerable.Range(0, 5000).Select(i => MerkleHash.Leaf(BitConverter.GetBytes(i)))];

    [Fact]
    public void Roots_of_all_sizes_are_those_of_the_definition()
    {
        var random = new TestRandom();
        HashSet<int> sizes = [.. Enumerable.Range(0, 301), .. Enumerable.Range(0, TestRandom.Long ? 200 : 10).Select(_ => random.Next(Leaves.Length + 1)), 4095, 4096, 4097];
        var tree = new TreeBuilder();
        Assert.Equal(NaiveTree.Root([]), tree.Root());
        for (int size = 0; size <= Leaves.Length; size++)
        {
            if (sizes.Contains(size))
            {
                Assert.Equal(NaiveTree.Root(Leaves[..size]), tree.Root());
            }

            if (size < Leaves.Length)
            {
                tree.Append(Leaves[size], new List<TreeNode>());
            }
        }
    }

    [Fact]
    public void Completed_nodes_are_roots_of_their_leaves_and_the_edge_is_enough_to_go_on()
    {
        var tree = new TreeBuilder();
        var nodes = new List<TreeNode>();
        for (int size = 0; size < Leaves.Length; size++)
        {
            if (size % 333 == 0)
            {
                IReadOnlyList<byte[]>[] edge = [.. Enumerable.Range(0, TreeBuilder.Levels).Select(level => Edge(TreeBuilder.Edge(size, level), level, nodes))];
                tree = new TreeBuilder(size, edge);
            }

            tree.Append(Leaves[size], nodes);
        }

        Assert.Equal(NaiveTree.Root(Leaves), tree.Root());
        Assert.Equal((Leaves.Length / 16) + (Leaves.Length / 256) + (Leaves.Length / 4096), nodes.Count);
        Assert.All(nodes, node => Assert.Equal(NaiveTree.Hash(Leaves, new LeafRange(node.Index << (4 * node.Level), (node.Index + 1) << (4 * node.Level))), node.Hash));
    }

    [Fact]
    public void A_builder_refuses_another_edge() =>
        Assert.Throws<ArgumentException>(() => new TreeBuilder(3, [.. Enumerable.Range(0, TreeBuilder.Levels).Select(_ => Array.Empty<byte[]>())]));

    [Fact]
    public void Every_leaf_of_every_size_is_proven_as_the_definition_proves_it()
    {
        for (int size = 1; size <= EverySize; size++)
        {
            byte[] root = NaiveTree.Root(Leaves[..size]);
            for (int index = 0; index < size; index++)
            {
                InclusionProof proof = Include(index, size);
                Assert.Equal(NaiveTree.Path(index, Leaves[..size]), proof.Path.Select(hash => hash.ToArray()));
                Assert.True(MerkleProof.Verify(proof, Leaves[index], root));
                Refuses(proof, Leaves[index], root);
            }
        }
    }

    [Fact]
    public void Every_size_is_consistent_with_every_larger_one_as_the_definition_proves_it()
    {
        for (int second = 1; second <= EverySize; second++)
        {
            byte[] secondRoot = NaiveTree.Root(Leaves[..second]);
            for (int first = 0; first <= second; first++)
            {
                byte[] firstRoot = NaiveTree.Root(Leaves[..first]);
                ConsistencyProof proof = Connect(first, second);
                if (first > 0 && first < second)
                {
                    Assert.Equal(NaiveTree.Proof(first, Leaves[..second]), proof.Path.Select(hash => hash.ToArray()));
                }

                Assert.True(MerkleProof.Verify(proof, firstRoot, secondRoot));
                Refuses(proof, firstRoot, secondRoot);
            }
        }
    }

    [Fact]
    public void Random_large_trees_are_proven_too()
    {
        var random = new TestRandom();
        for (int i = 0; i < (TestRandom.Long ? 300 : 15); i++)
        {
            int size = random.Next(1, Leaves.Length + 1);
            (int index, int first) = (random.Next(size), random.Next(size + 1));
            byte[] root = NaiveTree.Root(Leaves[..size]);
            Assert.True(MerkleProof.Verify(Include(index, size), Leaves[index], root));
            Assert.True(MerkleProof.Verify(Connect(first, size), NaiveTree.Root(Leaves[..first]), root));
        }
    }

    [Fact]
    public void The_largest_trees_have_paths_that_fit_the_format()
    {
        Assert.True(MerkleTree.InclusionPath(0, long.MaxValue).Count <= 64);
        Assert.True(MerkleTree.InclusionPath(long.MaxValue - 1, long.MaxValue).Count <= 64);
        Assert.True(MerkleTree.ConsistencyPath((1L << 62) - 1, long.MaxValue).Count <= 64);
        Assert.True(MerkleTree.ConsistencyPath(long.MaxValue - 1, long.MaxValue).Count <= 64);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(-1, 5)]
    public void A_leaf_that_is_not_there_has_no_path(long index, long size) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.InclusionPath(index, size));

    [Theory]
    [InlineData(3, 2)]
    [InlineData(-1, 2)]
    public void A_larger_tree_is_not_consistent_with_a_smaller_one(long first, long second) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MerkleTree.ConsistencyPath(first, second));

    private static InclusionProof Include(int index, int size) => new(index, size, Hashes(MerkleTree.InclusionPath(index, size)));

    private static ConsistencyProof Connect(int first, int second) => new(first, second, Hashes(MerkleTree.ConsistencyPath(first, second)));

    private static ReadOnlyMemory<byte>[] Hashes(IEnumerable<LeafRange> path) => [.. path.Select(range => (ReadOnlyMemory<byte>)NaiveTree.Hash(Leaves, range))];

    private static IReadOnlyList<byte[]> Edge(LeafRange range, int level, IEnumerable<TreeNode> nodes) => level == 0
        ? Leaves[(int)range.Begin..(int)range.End]
        : [.. nodes.Where(node => node.Level == level && node.Index >= range.Begin && node.Index < range.End).Select(node => node.Hash)];

    private static void Refuses(InclusionProof proof, byte[] leaf, byte[] root)
    {
        Assert.All(Bent(proof.Path), path => Assert.False(MerkleProof.Verify(new InclusionProof(proof.LeafIndex, proof.TreeSize, path), leaf, root)));
        Assert.False(MerkleProof.Verify(proof, Flipped(leaf), root));
        Assert.False(MerkleProof.Verify(proof, leaf, Flipped(root)));
        for (int index = 0; index < proof.TreeSize; index++)
        {
            Assert.True(index == proof.LeafIndex || !MerkleProof.Verify(new InclusionProof(index, proof.TreeSize, proof.Path), leaf, root));
        }
    }

    private static void Refuses(ConsistencyProof proof, byte[] first, byte[] second)
    {
        Assert.All(Bent(proof.Path), path => Assert.False(MerkleProof.Verify(new ConsistencyProof(proof.FirstSize, proof.SecondSize, path), first, second)));
        Assert.False(MerkleProof.Verify(proof, Flipped(first), second));

        // Whatever begins with nothing begins so.
        Assert.Equal(proof.FirstSize == 0 && proof.SecondSize > 0, MerkleProof.Verify(proof, first, Flipped(second)));
    }

    /// <summary>Each hash changed, each left out, two exchanged, one more at either end.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>[]> Bent(IReadOnlyList<ReadOnlyMemory<byte>> path)
    {
        for (int i = 0; i < path.Count; i++)
        {
            yield return [.. path.Take(i), Flipped(path[i].ToArray()), .. path.Skip(i + 1)];
            yield return [.. path.Take(i), .. path.Skip(i + 1)];
            if (i > 0)
            {
                yield return [.. path.Take(i - 1), path[i], path[i - 1], .. path.Skip(i + 1)];
            }
        }

        yield return [.. path, new byte[32]];
        yield return [new byte[32], .. path];
    }

    private static byte[] Flipped(byte[] hash) => [.. hash[..^1], (byte)(hash[^1] ^ 1)];
}
