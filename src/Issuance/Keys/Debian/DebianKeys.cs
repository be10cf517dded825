using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Numerics;

namespace ZwCa.Issuance;

/// <summary>
/// CVE-2008-0166: for each size there are 9 × 32768 RSA keys. A key's table has the last four bytes of the modulus of each, in the order of
/// <see cref="DebianOrigin.At"/>; it says only where to look. What is found there is made anew (<see cref="DebianKeyGeneration"/>) and compared whole, so that
/// no honest key is refused, whatever the table says.
/// </summary>
/// <remarks>
/// The tables are ours, computed by the benchmarks' verb <c>debian</c>; tests compute parts of them again. Cost: a look through 1.2 MB, some tens of
/// microseconds; one honest key in 7,000 meets an entry by chance and pays for one generation, some tenths of a second.
/// </remarks>
internal static class DebianKeys
{
    private static readonly ConcurrentDictionary<int, uint[]> Tables = new();

    /// <summary>Whether the modulus is one of Debian's, as far as there is a table for its size and as that goes.</summary>
    public static bool Contains(BigInteger modulus)
    {
        int bits = (int)modulus.GetBitLength();
        ReadOnlySpan<uint> table = Tables.GetOrAdd(bits, Load);
        uint entry = EntryOf(modulus);
        int skipped = 0;
        for (int found; (found = table[skipped..].IndexOf(entry)) >= 0; skipped += found + 1)
        {
            if (DebianKeyGeneration.ModulusOf(DebianOrigin.At(skipped + found), bits) == modulus)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the table has of a modulus.</summary>
    public static uint EntryOf(BigInteger modulus) => (uint)(modulus & uint.MaxValue);

    /// <returns>Little-endian numbers of four bytes; empty: there is no table for the size.</returns>
    public static uint[] Load(int bits)
    {
        using Stream? stream = typeof(DebianKeys).Assembly.GetManifestResourceStream($"debian-{bits}.bin");
        if (stream is null)
        {
            return [];
        }

        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        uint[] table = new uint[bytes.Length / sizeof(uint)];
        for (int i = 0; i < table.Length; i++)
        {
            table[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i * sizeof(uint)));
        }

        return table;
    }
}
