using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AesInstructions = System.Runtime.Intrinsics.X86.Aes;

namespace ZwCa.Cryptography;

/// <summary>
/// SM4 blocks with the AES instructions of x86. The S-boxes of SM4 and AES both invert in a field of 256 elements, so that
/// S(x) = post(S_AES(pre(x))) with two affine maps: pre is SM4's inner affine map followed by an isomorphism from
/// GF(2)[x]/(x^8+x^7+x^6+x^5+x^4+x^2+1) to the field of AES, in which SM4's x is 23; post undoes AES's affine map and the isomorphism
/// and applies SM4's outer affine map. Each map is two look-ups of a nibble in a register. No address depends on a secret.
/// </summary>
internal static class Sm4Aes
{
    public const int StrideInBytes = 64;
    public const int WideStrideInBytes = 128;

    public static bool IsSupported => AesInstructions.IsSupported && Ssse3.IsSupported;

    /// <summary>The S-box on each byte of a word.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint SubWord(uint word)
    {
        Vector128<byte> rotate0 = Vector128.Create((byte)0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
        return Ssse3.Shuffle(SubBytesShiftRows(Vector128.CreateScalar(word)), rotate0).AsUInt32().ToScalar();
    }

    /// <param name="roundKey">The first round key to use.</param>
    /// <param name="step">Distance of the next one.</param>
    /// <param name="source">64 bytes.</param>
    /// <param name="destination">64 bytes; may be the source.</param>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CryptFour(ref uint roundKey, nint step, ref readonly byte source, ref byte destination)
    {
        Load(in source, out Vector128<uint> a0, out Vector128<uint> a1, out Vector128<uint> a2, out Vector128<uint> a3);
        int quads = 8;
        do
        {
            Vector128<uint> key = Vector128.Create(roundKey);
            a0 ^= Mix(a1 ^ a2 ^ a3 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a1 ^= Mix(a2 ^ a3 ^ a0 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a2 ^= Mix(a3 ^ a0 ^ a1 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a3 ^= Mix(a0 ^ a1 ^ a2 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
        }
        while (--quads != 0);

        Store(ref destination, a0, a1, a2, a3);
    }

    /// <summary>As <see cref="CryptFour"/> on 128 bytes: two independent chains keep the processor busy.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CryptEight(ref uint roundKey, nint step, ref readonly byte source, ref byte destination)
    {
        Load(in source, out Vector128<uint> a0, out Vector128<uint> a1, out Vector128<uint> a2, out Vector128<uint> a3);
        Load(
            in Unsafe.Add(ref Unsafe.AsRef(in source), StrideInBytes),
            out Vector128<uint> b0,
            out Vector128<uint> b1,
            out Vector128<uint> b2,
            out Vector128<uint> b3);
        int quads = 8;
        do
        {
            Vector128<uint> key = Vector128.Create(roundKey);
            a0 ^= Mix(a1 ^ a2 ^ a3 ^ key);
            b0 ^= Mix(b1 ^ b2 ^ b3 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a1 ^= Mix(a2 ^ a3 ^ a0 ^ key);
            b1 ^= Mix(b2 ^ b3 ^ b0 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a2 ^= Mix(a3 ^ a0 ^ a1 ^ key);
            b2 ^= Mix(b3 ^ b0 ^ b1 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
            key = Vector128.Create(roundKey);
            a3 ^= Mix(a0 ^ a1 ^ a2 ^ key);
            b3 ^= Mix(b0 ^ b1 ^ b2 ^ key);
            roundKey = ref Unsafe.Add(ref roundKey, step);
        }
        while (--quads != 0);

        Store(ref destination, a0, a1, a2, a3);
        Store(ref Unsafe.Add(ref destination, StrideInBytes), b0, b1, b2, b3);
    }

    /// <summary>T of GB/T 32907-2016 6.2: the S-box, then L(B) = B ⊕ B⋘2 ⊕ B⋘10 ⊕ B⋘18 ⊕ B⋘24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Mix(Vector128<uint> word)
    {
        // AESENCLAST permutes the bytes (ShiftRows). These shuffles undo that and rotate each word left by 0, 8, 16, 24 bits.
        Vector128<byte> rotate0 = Vector128.Create((byte)0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
        Vector128<byte> rotate8 = Vector128.Create((byte)7, 0, 13, 10, 11, 4, 1, 14, 15, 8, 5, 2, 3, 12, 9, 6);
        Vector128<byte> rotate16 = Vector128.Create((byte)10, 7, 0, 13, 14, 11, 4, 1, 2, 15, 8, 5, 6, 3, 12, 9);
        Vector128<byte> rotate24 = Vector128.Create((byte)13, 10, 7, 0, 1, 14, 11, 4, 5, 2, 15, 8, 9, 6, 3, 12);
        Vector128<byte> s = SubBytesShiftRows(word);
        Vector128<uint> s0 = Ssse3.Shuffle(s, rotate0).AsUInt32();
        Vector128<uint> t = s0 ^ Ssse3.Shuffle(s, rotate8).AsUInt32() ^ Ssse3.Shuffle(s, rotate16).AsUInt32();
        return s0 ^ Ssse3.Shuffle(s, rotate24).AsUInt32() ^ ((t << 2) | (t >>> 30));
    }

    /// <summary>The S-box on sixteen bytes, which come out in the order that ShiftRows gives them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> SubBytesShiftRows(Vector128<uint> words)
    {
        Vector128<byte> nibble = Vector128.Create((byte)0x0F);
        Vector128<byte> preLow = Vector128.Create(
            (byte)0x00, 0x8C, 0x30, 0xBC, 0x85, 0x09, 0xB5, 0x39, 0x9F, 0x13, 0xAF, 0x23, 0x1A, 0x96, 0x2A, 0xA6);
        Vector128<byte> preHigh = Vector128.Create(
            (byte)0x3E, 0xE2, 0x10, 0xCC, 0xFB, 0x27, 0xD5, 0x09, 0x36, 0xEA, 0x18, 0xC4, 0xF3, 0x2F, 0xDD, 0x01);
        Vector128<byte> postLow = Vector128.Create(
            (byte)0x00, 0xB8, 0xCA, 0x72, 0x3E, 0x86, 0xF4, 0x4C, 0x67, 0xDF, 0xAD, 0x15, 0x59, 0xE1, 0x93, 0x2B);
        Vector128<byte> postHigh = Vector128.Create(
            (byte)0x6C, 0x8C, 0x3C, 0xDC, 0xF1, 0x11, 0xA1, 0x41, 0xAC, 0x4C, 0xFC, 0x1C, 0x31, 0xD1, 0x61, 0x81);
        Vector128<byte> x = words.AsByte();
        x = Ssse3.Shuffle(preLow, x & nibble) ^ Ssse3.Shuffle(preHigh, (x.AsUInt32() >>> 4).AsByte() & nibble);
        x = AesInstructions.EncryptLast(x, Vector128<byte>.Zero);
        return Ssse3.Shuffle(postLow, x & nibble) ^ Ssse3.Shuffle(postHigh, (x.AsUInt32() >>> 4).AsByte() & nibble);
    }

    /// <summary>Four blocks, one in each lane: w0 holds their first words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(
        ref readonly byte source, out Vector128<uint> w0, out Vector128<uint> w1, out Vector128<uint> w2, out Vector128<uint> w3)
    {
        Vector128<byte> reverse = Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
        w0 = Ssse3.Shuffle(Vector128.LoadUnsafe(in source), reverse).AsUInt32();
        w1 = Ssse3.Shuffle(Vector128.LoadUnsafe(in source, 16), reverse).AsUInt32();
        w2 = Ssse3.Shuffle(Vector128.LoadUnsafe(in source, 32), reverse).AsUInt32();
        w3 = Ssse3.Shuffle(Vector128.LoadUnsafe(in source, 48), reverse).AsUInt32();
        Transpose(ref w0, ref w1, ref w2, ref w3);
    }

    /// <summary>The output is the last four words in reverse (6.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref byte destination, Vector128<uint> w0, Vector128<uint> w1, Vector128<uint> w2, Vector128<uint> w3)
    {
        Vector128<byte> reverse = Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
        Transpose(ref w3, ref w2, ref w1, ref w0);
        Ssse3.Shuffle(w3.AsByte(), reverse).StoreUnsafe(ref destination);
        Ssse3.Shuffle(w2.AsByte(), reverse).StoreUnsafe(ref destination, 16);
        Ssse3.Shuffle(w1.AsByte(), reverse).StoreUnsafe(ref destination, 32);
        Ssse3.Shuffle(w0.AsByte(), reverse).StoreUnsafe(ref destination, 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(ref Vector128<uint> r0, ref Vector128<uint> r1, ref Vector128<uint> r2, ref Vector128<uint> r3)
    {
        Vector128<ulong> low01 = Sse2.UnpackLow(r0, r1).AsUInt64();
        Vector128<ulong> high01 = Sse2.UnpackHigh(r0, r1).AsUInt64();
        Vector128<ulong> low23 = Sse2.UnpackLow(r2, r3).AsUInt64();
        Vector128<ulong> high23 = Sse2.UnpackHigh(r2, r3).AsUInt64();
        r0 = Sse2.UnpackLow(low01, low23).AsUInt32();
        r1 = Sse2.UnpackHigh(low01, low23).AsUInt32();
        r2 = Sse2.UnpackLow(high01, high23).AsUInt32();
        r3 = Sse2.UnpackHigh(high01, high23).AsUInt32();
    }
}
