using System.Security.Cryptography;
using ZwCa.Asn1.Audit;

namespace ZwCa.Audit.Tree;

/// <summary>What a proof comes to: RFC 9162 §2.1.3.2 and §2.1.4.2. Hashes only; whose the roots are, others check.</summary>
public static class MerkleProof
{
    /// <summary>Whether the leaf with that hash stands in the tree with that root, where the proof says.</summary>
    public static bool Verify(InclusionProof proof, ReadOnlySpan<byte> leafHash, ReadOnlySpan<byte> root)
    {
        ArgumentNullException.ThrowIfNull(proof);
        long node = proof.LeafIndex;
        long last = proof.TreeSize - 1;
        byte[] hash = leafHash.ToArray();
        foreach (ReadOnlyMemory<byte> other in proof.Path)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = MerkleHash.Node(other.Span, hash);

                // The right edge rises as a single node until it has a sibling on the left.
                while ((node & 1) == 0 && node != 0)
                {
                    node >>= 1;
                    last >>= 1;
                }
            }
            else
            {
                hash = MerkleHash.Node(hash, other.Span);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && CryptographicOperations.FixedTimeEquals(hash, root);
    }

    /// <summary>Whether the larger tree, with the second root, begins with all leaves of the smaller one, with the first root.</summary>
    public static bool Verify(ConsistencyProof proof, ReadOnlySpan<byte> firstRoot, ReadOnlySpan<byte> secondRoot)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (proof.FirstSize == 0)
        {
            // The tree without leaves begins every tree; its root is known.
            return proof.Path.Count == 0 && firstRoot.SequenceEqual(MerkleHash.Empty()) && (proof.SecondSize > 0 || secondRoot.SequenceEqual(firstRoot));
        }

        if (proof.FirstSize == proof.SecondSize)
        {
            return proof.Path.Count == 0 && firstRoot.SequenceEqual(secondRoot);
        }

        // A first tree that is complete is a node of the second, whose hash the path leaves out.
        bool isComplete = (proof.FirstSize & (proof.FirstSize - 1)) == 0;
        if (!isComplete && proof.Path.Count == 0)
        {
            return false;
        }

        long node = proof.FirstSize - 1;
        long last = proof.SecondSize - 1;
        while ((node & 1) == 1)
        {
            node >>= 1;
            last >>= 1;
        }

        byte[] first = isComplete ? firstRoot.ToArray() : proof.Path[0].ToArray();
        byte[] second = first;
        for (int i = isComplete ? 0 : 1; i < proof.Path.Count; i++)
        {
            if (last == 0)
            {
                return false;
            }

            ReadOnlySpan<byte> other = proof.Path[i].Span;
            if ((node & 1) == 1 || node == last)
            {
                first = MerkleHash.Node(other, first);
                second = MerkleHash.Node(other, second);
                while ((node & 1) == 0 && node != 0)
                {
                    node >>= 1;
                    last >>= 1;
                }
            }
            else
            {
                second = MerkleHash.Node(second, other);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && first.AsSpan().SequenceEqual(firstRoot) && second.AsSpan().SequenceEqual(secondRoot);
    }
}
