using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>The padding of RFC 5652 6.3 for blocks of 16 bytes: n bytes of value n, 1 ≤ n ≤ 16.</summary>
internal static class Pkcs7Padding
{
    /// <summary>Makes the last block of a message from the 0 to 15 bytes that its whole blocks leave over.</summary>
    /// <param name="block">16 bytes.</param>
    public static void Add(ReadOnlySpan<byte> rest, Span<byte> block)
    {
        block.Fill((byte)(block.Length - rest.Length));
        rest.CopyTo(block);
    }

    /// <summary>Looks at all sixteen bytes whatever they are; only the verdict may be branched upon.</summary>
    /// <param name="block">The first of the 16 bytes of the last block.</param>
    /// <returns>How many bytes of the block are message, 0 to 15; negative if the padding is wrong.</returns>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int MessageLength(ref readonly byte block)
    {
        ref byte b = ref Unsafe.AsRef(in block);
        int n = Unsafe.Add(ref b, 15);
        int wrong = ((n - 1) >> 31) | ((16 - n) >> 31);
        for (int i = 0; i < 16; i++)
        {
            int isPadding = (15 - i - n) >> 31;
            wrong |= isPadding & (Unsafe.Add(ref b, i) ^ n);
        }

        // wrong is zero or has a bit set somewhere: spread it over the whole word.
        return (16 - n) | ((wrong | -wrong) >> 31);
    }
}
