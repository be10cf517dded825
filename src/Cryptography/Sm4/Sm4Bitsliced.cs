using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZwCa.Cryptography;

/// <summary>
/// SM4 for any processor: sixteen blocks at once as Boolean operations on 64-bit words. Slice i of a word of the state holds bit i of
/// each of its four bytes in each of the blocks: bit 16·k + n belongs to byte k (0 the least significant) of block n. Nothing is
/// looked up and nothing is branched upon but public counters.
/// </summary>
internal static class Sm4Bitsliced
{
    public const int StrideInBytes = 256;

    private const int BlockSizeInBytes = 16;

    /// <summary>The S-box on each byte of a word.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint SubWord(uint word)
    {
        Unsafe.SkipInit(out Word sliced);
        ref ulong slices = ref Unsafe.As<Word, ulong>(ref sliced);
        for (int i = 0; i < 8; i++)
        {
            Unsafe.Add(ref slices, i) = (word >> i) & 0x01010101;
        }

        Sm4Circuit.SubBytes(ref slices);
        ulong result = 0;
        for (int i = 0; i < 8; i++)
        {
            result |= (Unsafe.Add(ref slices, i) & 0x01010101) << i;
        }

        return (uint)result;
    }

    /// <param name="roundKey">The first round key to use.</param>
    /// <param name="step">Distance of the next one.</param>
    /// <param name="source">256 bytes.</param>
    /// <param name="destination">256 bytes; may be the source.</param>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Crypt(ref uint roundKey, nint step, ref readonly byte source, ref byte destination)
    {
        Unsafe.SkipInit(out State state);
        ref ulong x0 = ref Unsafe.As<State, ulong>(ref state);
        ref ulong x1 = ref Unsafe.Add(ref x0, 8);
        ref ulong x2 = ref Unsafe.Add(ref x0, 16);
        ref ulong x3 = ref Unsafe.Add(ref x0, 24);
        for (int word = 0; word < 4; word++)
        {
            Slice(ref Unsafe.Add(ref x0, 8 * word), in Unsafe.Add(ref Unsafe.AsRef(in source), 4 * word));
        }

        for (int quad = 0; quad < 8; quad++)
        {
            Round(ref x0, ref x1, ref x2, ref x3, roundKey);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            Round(ref x1, ref x2, ref x3, ref x0, roundKey);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            Round(ref x2, ref x3, ref x0, ref x1, roundKey);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            Round(ref x3, ref x0, ref x1, ref x2, roundKey);
            roundKey = ref Unsafe.Add(ref roundKey, step);
        }

        // The output is the last four words in reverse (GB/T 32907-2016 6.1).
        for (int word = 0; word < 4; word++)
        {
            Unslice(ref Unsafe.Add(ref x3, -8 * word), ref Unsafe.Add(ref destination, 4 * word));
        }

        state = default;
    }

    /// <summary>x0 ⊕= T(x1 ⊕ x2 ⊕ x3 ⊕ rk).</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Round(ref ulong x0, ref ulong x1, ref ulong x2, ref ulong x3, uint roundKey)
    {
        Unsafe.SkipInit(out Word sliced);
        ref ulong s = ref Unsafe.As<Word, ulong>(ref sliced);
        for (int i = 0; i < 8; i++)
        {
            // Bit i of the four bytes of the round key, each spread over the sixteen blocks.
            ulong bits = (roundKey >> i) & 0x01010101;
            bits = (bits | (bits << 16)) & 0x0000_0101_0000_0101;
            bits = (bits | (bits << 8)) & 0x0001_0001_0001_0001;
            Unsafe.Add(ref s, i) = Unsafe.Add(ref x1, i) ^ Unsafe.Add(ref x2, i) ^ Unsafe.Add(ref x3, i) ^ (bits * 0xFFFF);
        }

        Sm4Circuit.SubBytes(ref s);

        // L: a rotation by whole bytes turns every slice by 16, the one by two bits moves slices; bits 6 and 7 go to the next byte.
        ulong carry6 = Fold(Unsafe.Add(ref s, 6));
        ulong carry7 = Fold(Unsafe.Add(ref s, 7));
        ulong twoBelow = BitOperations.RotateLeft(carry6, 16);
        ulong oneBelow = BitOperations.RotateLeft(carry7, 16);
        for (int i = 0; i < 8; i++)
        {
            ulong b = Unsafe.Add(ref s, i);
            Unsafe.Add(ref x0, i) ^= b ^ BitOperations.RotateLeft(b, 48) ^ twoBelow;
            twoBelow = oneBelow;
            oneBelow = Fold(b);
        }

        sliced = default;
    }

    /// <summary>B ⊕ B⋘8 ⊕ B⋘16, of which L needs the rotation by two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong b) => b ^ BitOperations.RotateLeft(b, 16) ^ BitOperations.RotateLeft(b, 32);

    /// <summary>One word of each of sixteen blocks into eight slices.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slice(ref ulong slices, ref readonly byte words)
    {
        for (int i = 0; i < 8; i++)
        {
            Unsafe.Add(ref slices, i) = 0;
        }

        for (int k = 0; k < 4; k++)
        {
            for (int half = 0; half < 2; half++)
            {
                ulong bytes = 0;
                for (int n = 0; n < 8; n++)
                {
                    int at = (BlockSizeInBytes * ((8 * half) + n)) + 3 - k;
                    bytes |= (ulong)Unsafe.Add(ref Unsafe.AsRef(in words), at) << (8 * n);
                }

                bytes = TransposeBits(bytes);
                for (int i = 0; i < 8; i++)
                {
                    Unsafe.Add(ref slices, i) |= ((bytes >> (8 * i)) & 0xFF) << ((16 * k) + (8 * half));
                }
            }
        }
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unslice(ref ulong slices, ref byte words)
    {
        for (int k = 0; k < 4; k++)
        {
            for (int half = 0; half < 2; half++)
            {
                ulong bytes = 0;
                for (int i = 0; i < 8; i++)
                {
                    bytes |= ((Unsafe.Add(ref slices, i) >> ((16 * k) + (8 * half))) & 0xFF) << (8 * i);
                }

                bytes = TransposeBits(bytes);
                for (int n = 0; n < 8; n++)
                {
                    int at = (BlockSizeInBytes * ((8 * half) + n)) + 3 - k;
                    Unsafe.Add(ref words, at) = (byte)(bytes >> (8 * n));
                }
            }
        }
    }

    /// <summary>Eight bytes as an 8 × 8 matrix of bits, transposed: three exchanges, of 1 × 1, 2 × 2 and 4 × 4 squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TransposeBits(ulong m)
    {
        ulong t = (m ^ (m >> 7)) & 0x00AA_00AA_00AA_00AA;
        m ^= t ^ (t << 7);
        t = (m ^ (m >> 14)) & 0x0000_CCCC_0000_CCCC;
        m ^= t ^ (t << 14);
        t = (m ^ (m >> 28)) & 0x0000_0000_F0F0_F0F0;
        return m ^ t ^ (t << 28);
    }

    [StructLayout(LayoutKind.Sequential, Size = 8 * sizeof(ulong))]
    private struct Word
    {
        public ulong First;
    }

    [StructLayout(LayoutKind.Sequential, Size = 32 * sizeof(ulong))]
    private struct State
    {
        public ulong First;
    }
}
