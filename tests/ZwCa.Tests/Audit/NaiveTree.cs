using ZwCa.Asn1.Audit;
using ZwCa.Audit.Tree;

namespace ZwCa.Tests.Audit;

/// <summary>RFC 9162 §2.1 as it is written there: recursive, over all leaves, with nothing stored. The judge of the tree.</summary>
internal static class NaiveTree
{
    /// <summary>MTH(D[begin:end]).</summary>
    public static byte[] Hash(IReadOnlyList<byte[]> leafHashes, LeafRange range) => Mth([.. leafHashes.Skip((int)range.Begin).Take((int)range.Count)]);

    public static byte[] Root(IReadOnlyList<byte[]> leafHashes) => Mth([.. leafHashes]);

    /// <summary>PATH(m, D_n).</summary>
    public static List<byte[]> Path(int m, byte[][] d)
    {
        if (d.Length == 1)
        {
            return [];
        }

        int k = Split(d.Length);
        return m < k ? [.. Path(m, d[..k]), Mth(d[k..])] : [.. Path(m - k, d[k..]), Mth(d[..k])];
    }

    /// <summary>PROOF(m, D_n), for 0 &lt; m &lt; n.</summary>
    public static List<byte[]> Proof(int m, byte[][] d) => SubProof(m, d, true);

    public static InclusionProof Include(int m, byte[][] d) => new(m, d.Length, [.. Path(m, d).Select(hash => (ReadOnlyMemory<byte>)hash)]);

    private static List<byte[]> SubProof(int m, byte[][] d, bool known)
    {
        if (m == d.Length)
        {
            return known ? [] : [Mth(d)];
        }

        int k = Split(d.Length);
        return m <= k ? [.. SubProof(m, d[..k], known), Mth(d[k..])] : [.. SubProof(m - k, d[k..], false), Mth(d[..k])];
    }

    private static byte[] Mth(byte[][] d)
    {
        if (d.Length < 2)
        {
            return d.Length == 0 ? ZwCa.Cryptography.Sm3.HashData([]) : d[0];
        }

        int k = Split(d.Length);
        return ZwCa.Cryptography.Sm3.HashData([1, .. Mth(d[..k]), .. Mth(d[k..])]);
    }

    private static int Split(int n)
    {
        int k = 1;
        while (2 * k < n)
        {
            k *= 2;
        }

        return k;
    }
}
