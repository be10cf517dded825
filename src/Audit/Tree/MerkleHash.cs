using ZwCa.Cryptography;

namespace ZwCa.Audit.Tree;

/// <summary>The two hashes of the tree: RFC 9162 §2.1.1 with SM3. Their first octets keep a leaf from being taken for a node.</summary>
public static class MerkleHash
{
    public const int Length = Sm3.HashSizeInBytes;

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;
    private const int MaxOnStack = 1024;

    /// <returns>SM3(00 ‖ leaf).</returns>
    public static byte[] Leaf(ReadOnlySpan<byte> leaf)
    {
        Span<byte> input = leaf.Length < MaxOnStack ? stackalloc byte[MaxOnStack] : new byte[leaf.Length + 1];
        input = input[..(leaf.Length + 1)];
        input[0] = LeafPrefix;
        leaf.CopyTo(input[1..]);
        return Sm3.HashData(input);
    }

    /// <returns>SM3(01 ‖ left ‖ right).</returns>
    public static byte[] Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> input = stackalloc byte[1 + (2 * Length)];
        input[0] = NodePrefix;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + Length)..]);
        return Sm3.HashData(input);
    }

    /// <returns>The root of the tree without leaves: SM3 of nothing.</returns>
    public static byte[] Empty() => Sm3.HashData([]);
}
