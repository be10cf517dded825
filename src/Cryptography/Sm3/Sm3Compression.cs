using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ZwCa.Cryptography;

/// <summary>
/// The compression function of SM3 (GB/T 32905-2016 5.3), over whole 64-byte blocks. Rounds run four at a time with the eight
/// registers renamed instead of moved; the message expansion runs beside them in vectors where there are any.
/// </summary>
internal static class Sm3Compression
{
    public const int BlockSizeInBytes = 64;

    // T_j rotated left by j (5.3.3): 79CC4519 for rounds 0..15, 7A879D8A from 16 on.
    private static ReadOnlySpan<uint> RotatedT =>
    [
        0x79CC4519, 0xF3988A32, 0xE7311465, 0xCE6228CB, 0x9CC45197, 0x3988A32F, 0x7311465E, 0xE6228CBC,
        0xCC451979, 0x988A32F3, 0x311465E7, 0x6228CBCE, 0xC451979C, 0x88A32F39, 0x11465E73, 0x228CBCE6,
        0x9D8A7A87, 0x3B14F50F, 0x7629EA1E, 0xEC53D43C, 0xD8A7A879, 0xB14F50F3, 0x629EA1E7, 0xC53D43CE,
        0x8A7A879D, 0x14F50F3B, 0x29EA1E76, 0x53D43CEC, 0xA7A879D8, 0x4F50F3B1, 0x9EA1E762, 0x3D43CEC5,
        0x7A879D8A, 0xF50F3B14, 0xEA1E7629, 0xD43CEC53, 0xA879D8A7, 0x50F3B14F, 0xA1E7629E, 0x43CEC53D,
        0x879D8A7A, 0x0F3B14F5, 0x1E7629EA, 0x3CEC53D4, 0x79D8A7A8, 0xF3B14F50, 0xE7629EA1, 0xCEC53D43,
        0x9D8A7A87, 0x3B14F50F, 0x7629EA1E, 0xEC53D43C, 0xD8A7A879, 0xB14F50F3, 0x629EA1E7, 0xC53D43CE,
        0x8A7A879D, 0x14F50F3B, 0x29EA1E76, 0x53D43CEC, 0xA7A879D8, 0x4F50F3B1, 0x9EA1E762, 0x3D43CEC5,
    ];

    public static bool IsVectorSupported => Ssse3.IsSupported || AdvSimd.Arm64.IsSupported;

    /// <param name="v">First of the eight chaining words; updated.</param>
    /// <param name="blocks">First byte of <paramref name="count"/> 64-byte blocks.</param>
    /// <param name="count">At least 1.</param>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compress(ref uint v, ref byte blocks, nuint count)
    {
        do
        {
            if (IsVectorSupported)
            {
                CompressVector(ref v, ref blocks);
            }
            else
            {
                CompressScalar(ref v, ref blocks);
            }

            blocks = ref Unsafe.Add(ref blocks, BlockSizeInBytes);
        }
        while (--count != 0);
    }

    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void CompressVector(ref uint v, ref byte block)
    {
        // W_j..W_j+3 and W'_j..W'_j+3 of the four rounds under way. A plain struct: a buffer would bring a stack guard and its jump.
        Unsafe.SkipInit(out Quad quad);
        ref uint w = ref Unsafe.As<Quad, uint>(ref quad);
        uint a = v;
        uint b = Unsafe.Add(ref v, 1);
        uint c = Unsafe.Add(ref v, 2);
        uint d = Unsafe.Add(ref v, 3);
        uint e = Unsafe.Add(ref v, 4);
        uint f = Unsafe.Add(ref v, 5);
        uint g = Unsafe.Add(ref v, 6);
        uint h = Unsafe.Add(ref v, 7);
        Vector128<uint> x0 = LoadBigEndian(ref block, 0);
        Vector128<uint> x1 = LoadBigEndian(ref block, 16);
        Vector128<uint> x2 = LoadBigEndian(ref block, 32);
        Vector128<uint> x3 = LoadBigEndian(ref block, 48);
        ref uint t = ref MemoryMarshal.GetReference(RotatedT);
        int quads = 4;
        do
        {
            quad.W = x0;
            quad.W1 = x0 ^ x1;
            Vector128<uint> x4 = Expand(x0, x1, x2, x3);
            x0 = x1;
            x1 = x2;
            x2 = x3;
            x3 = x4;

            uint a12 = BitOperations.RotateLeft(a, 12);
            uint ss1 = BitOperations.RotateLeft(a12 + t + e, 7);
            d = d + Unsafe.Add(ref w, 4) + (a ^ b ^ c) + (ss1 ^ a12);
            h = P0(h + w + (e ^ f ^ g) + ss1);
            b = BitOperations.RotateLeft(b, 9);
            f = BitOperations.RotateLeft(f, 19);

            uint d12 = BitOperations.RotateLeft(d, 12);
            ss1 = BitOperations.RotateLeft(d12 + Unsafe.Add(ref t, 1) + h, 7);
            c = c + Unsafe.Add(ref w, 5) + (d ^ a ^ b) + (ss1 ^ d12);
            g = P0(g + Unsafe.Add(ref w, 1) + (h ^ e ^ f) + ss1);
            a = BitOperations.RotateLeft(a, 9);
            e = BitOperations.RotateLeft(e, 19);

            uint c12 = BitOperations.RotateLeft(c, 12);
            ss1 = BitOperations.RotateLeft(c12 + Unsafe.Add(ref t, 2) + g, 7);
            b = b + Unsafe.Add(ref w, 6) + (c ^ d ^ a) + (ss1 ^ c12);
            f = P0(f + Unsafe.Add(ref w, 2) + (g ^ h ^ e) + ss1);
            d = BitOperations.RotateLeft(d, 9);
            h = BitOperations.RotateLeft(h, 19);

            uint b12 = BitOperations.RotateLeft(b, 12);
            ss1 = BitOperations.RotateLeft(b12 + Unsafe.Add(ref t, 3) + f, 7);
            a = a + Unsafe.Add(ref w, 7) + (b ^ c ^ d) + (ss1 ^ b12);
            e = P0(e + Unsafe.Add(ref w, 3) + (f ^ g ^ h) + ss1);
            c = BitOperations.RotateLeft(c, 9);
            g = BitOperations.RotateLeft(g, 19);

            t = ref Unsafe.Add(ref t, 4);
        }
        while (--quads != 0);

        quads = 12;
        do
        {
            quad.W = x0;
            quad.W1 = x0 ^ x1;
            Vector128<uint> x4 = Expand(x0, x1, x2, x3);
            x0 = x1;
            x1 = x2;
            x2 = x3;
            x3 = x4;

            uint a12 = BitOperations.RotateLeft(a, 12);
            uint ss1 = BitOperations.RotateLeft(a12 + t + e, 7);
            d = d + Unsafe.Add(ref w, 4) + Majority(a, b, c) + (ss1 ^ a12);
            h = P0(h + w + Choose(e, f, g) + ss1);
            b = BitOperations.RotateLeft(b, 9);
            f = BitOperations.RotateLeft(f, 19);

            uint d12 = BitOperations.RotateLeft(d, 12);
            ss1 = BitOperations.RotateLeft(d12 + Unsafe.Add(ref t, 1) + h, 7);
            c = c + Unsafe.Add(ref w, 5) + Majority(d, a, b) + (ss1 ^ d12);
            g = P0(g + Unsafe.Add(ref w, 1) + Choose(h, e, f) + ss1);
            a = BitOperations.RotateLeft(a, 9);
            e = BitOperations.RotateLeft(e, 19);

            uint c12 = BitOperations.RotateLeft(c, 12);
            ss1 = BitOperations.RotateLeft(c12 + Unsafe.Add(ref t, 2) + g, 7);
            b = b + Unsafe.Add(ref w, 6) + Majority(c, d, a) + (ss1 ^ c12);
            f = P0(f + Unsafe.Add(ref w, 2) + Choose(g, h, e) + ss1);
            d = BitOperations.RotateLeft(d, 9);
            h = BitOperations.RotateLeft(h, 19);

            uint b12 = BitOperations.RotateLeft(b, 12);
            ss1 = BitOperations.RotateLeft(b12 + Unsafe.Add(ref t, 3) + f, 7);
            a = a + Unsafe.Add(ref w, 7) + Majority(b, c, d) + (ss1 ^ b12);
            e = P0(e + Unsafe.Add(ref w, 3) + Choose(f, g, h) + ss1);
            c = BitOperations.RotateLeft(c, 9);
            g = BitOperations.RotateLeft(g, 19);

            t = ref Unsafe.Add(ref t, 4);
        }
        while (--quads != 0);

        // V(i+1) = ABCDEFGH xor V(i)
        a ^= v;
        b ^= Unsafe.Add(ref v, 1);
        c ^= Unsafe.Add(ref v, 2);
        d ^= Unsafe.Add(ref v, 3);
        e ^= Unsafe.Add(ref v, 4);
        f ^= Unsafe.Add(ref v, 5);
        g ^= Unsafe.Add(ref v, 6);
        h ^= Unsafe.Add(ref v, 7);
        v = a;
        Unsafe.Add(ref v, 1) = b;
        Unsafe.Add(ref v, 2) = c;
        Unsafe.Add(ref v, 3) = d;
        Unsafe.Add(ref v, 4) = e;
        Unsafe.Add(ref v, 5) = f;
        Unsafe.Add(ref v, 6) = g;
        Unsafe.Add(ref v, 7) = h;
        quad = default;
    }

    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void CompressScalar(ref uint v, ref byte block)
    {
        Unsafe.SkipInit(out Schedule schedule);
        ref uint w = ref Unsafe.As<Schedule, uint>(ref schedule);
        for (int j = 0; j < 16; j++)
        {
            uint word = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref block, 4 * j));
            Unsafe.Add(ref w, j) = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
        }

        for (int j = 16; j < 68; j++)
        {
            uint u = Unsafe.Add(ref w, j - 16) ^ Unsafe.Add(ref w, j - 9) ^ BitOperations.RotateLeft(Unsafe.Add(ref w, j - 3), 15);
            uint p1 = u ^ BitOperations.RotateLeft(u, 15) ^ BitOperations.RotateLeft(u, 23);
            Unsafe.Add(ref w, j) = p1 ^ BitOperations.RotateLeft(Unsafe.Add(ref w, j - 13), 7) ^ Unsafe.Add(ref w, j - 6);
        }

        uint a = v;
        uint b = Unsafe.Add(ref v, 1);
        uint c = Unsafe.Add(ref v, 2);
        uint d = Unsafe.Add(ref v, 3);
        uint e = Unsafe.Add(ref v, 4);
        uint f = Unsafe.Add(ref v, 5);
        uint g = Unsafe.Add(ref v, 6);
        uint h = Unsafe.Add(ref v, 7);
        ref uint t = ref MemoryMarshal.GetReference(RotatedT);
        for (int j = 0; j < 64; j++)
        {
            // All ones in rounds 0..15, where FF and GG are the exclusive or; zero after.
            uint early = (uint)((j - 16) >> 31);
            uint ff = (early & (a ^ b ^ c)) | (~early & Majority(a, b, c));
            uint gg = (early & (e ^ f ^ g)) | (~early & Choose(e, f, g));
            uint a12 = BitOperations.RotateLeft(a, 12);
            uint ss1 = BitOperations.RotateLeft(a12 + Unsafe.Add(ref t, j) + e, 7);
            uint tt1 = d + (Unsafe.Add(ref w, j) ^ Unsafe.Add(ref w, j + 4)) + ff + (ss1 ^ a12);
            uint tt2 = h + Unsafe.Add(ref w, j) + gg + ss1;
            d = c;
            c = BitOperations.RotateLeft(b, 9);
            b = a;
            a = tt1;
            h = g;
            g = BitOperations.RotateLeft(f, 19);
            f = e;
            e = P0(tt2);
        }

        v ^= a;
        Unsafe.Add(ref v, 1) ^= b;
        Unsafe.Add(ref v, 2) ^= c;
        Unsafe.Add(ref v, 3) ^= d;
        Unsafe.Add(ref v, 4) ^= e;
        Unsafe.Add(ref v, 5) ^= f;
        Unsafe.Add(ref v, 6) ^= g;
        Unsafe.Add(ref v, 7) ^= h;
        schedule = default;
    }

    /// <summary>
    /// W_j+16..W_j+19 from W_j..W_j+15 (5.3.2). The fourth needs W_j+16, which is only being made: P1 is linear, so its share is
    /// added afterwards.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Expand(Vector128<uint> x0, Vector128<uint> x1, Vector128<uint> x2, Vector128<uint> x3)
    {
        Vector128<uint> zero = Vector128<uint>.Zero;
        Vector128<uint> u = x0 ^ Window(x1, x2, 12) ^ RotateLeft(Window(x3, zero, 4), 15);
        Vector128<uint> p = RotateLeft(u, 15);
        Vector128<uint> w = u ^ p ^ RotateLeft8(p) ^ RotateLeft(Window(x0, x1, 12), 7) ^ Window(x2, x3, 8);
        Vector128<uint> late = RotateLeft(Window(zero, w, 4), 15);
        p = RotateLeft(late, 15);
        return w ^ late ^ p ^ RotateLeft8(p);
    }

    /// <summary>Sixteen bytes of <paramref name="low"/> followed by <paramref name="high"/>, from <paramref name="skip"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Window(Vector128<uint> low, Vector128<uint> high, [ConstantExpected(Max = (byte)15)] byte skip) =>
        AdvSimd.IsSupported
            ? AdvSimd.ExtractVector128(low.AsByte(), high.AsByte(), skip).AsUInt32()
            : Ssse3.AlignRight(high.AsByte(), low.AsByte(), skip).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> RotateLeft(Vector128<uint> x, [ConstantExpected] int bits) => (x << bits) | (x >>> (32 - bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> RotateLeft8(Vector128<uint> x) =>
        Vector128.Shuffle(x.AsByte(), Vector128.Create((byte)3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> LoadBigEndian(ref byte source, nuint offset) =>
        Vector128.Shuffle(
            Vector128.LoadUnsafe(ref source, offset),
            Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint P0(uint x) => x ^ BitOperations.RotateLeft(x, 9) ^ BitOperations.RotateLeft(x, 17);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Majority(uint x, uint y, uint z) => (x & y) | ((x | y) & z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Choose(uint x, uint y, uint z) => (x & y) | (~x & z);

    private struct Quad
    {
        public Vector128<uint> W;
        public Vector128<uint> W1;
    }

    [StructLayout(LayoutKind.Sequential, Size = 68 * sizeof(uint))]
    private struct Schedule
    {
        public uint First;
    }
}
