using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ZwCa.Cryptography;

/// <summary>
/// An element of GF(p), p = 2^256 − 2^224 − 2^96 + 2^64 − 1 (GM/T 0003.5), in Montgomery form with R = 2^260:
/// value = L0 + L1·2^52 + L2·2^104 + L3·2^156 + L4·2^208.
/// <para>
/// Forms, from strict to loose: <b>canonical</b> (below p), <b>reduced</b> (limbs below 2^52, value below 1.08 p: what
/// <see cref="Reduce"/> leaves), <b>carried</b> (limbs below 2^52, value below 4 p: a product of x and y leaves less than p + x·y/16 p, which is below 2.3 p everywhere), <b>lazy</b> (limbs below
/// 2^55, value below 9 p: sums and <see cref="SubtractLazy"/>). Each method says what it takes; nothing is checked at run time.
/// </para>
/// </summary>
internal partial struct FieldElement
{
    internal const ulong LimbMask = (1UL << 52) - 1;

    internal ulong L0;
    internal ulong L1;
    internal ulong L2;
    internal ulong L3;
    internal ulong L4;

    // p by limbs.
    internal const ulong P0 = 0xFFFFFFFFFFFFF;
    internal const ulong P1 = 0xFF00000000FFF;
    internal const ulong P2 = 0xFFFFFFFFFFFFF;
    internal const ulong P3 = 0xFFFFFFFFFFFFF;
    internal const ulong P4 = 0xFFFFFFFEFFFF;

    // 4p with every limb at least 2^52 − 1 (the top one 2^50 − 2^18 − 2), so that subtracting a carried value below 2p borrows nowhere.
    private const ulong Wide0 = 0x1FFFFFFFFFFFFC;
    private const ulong Wide1 = 0x1FC00000003FFE;
    private const ulong Wide2 = 0x1FFFFFFFFFFFFE;
    private const ulong Wide3 = 0x1FFFFFFFFFFFFE;
    private const ulong Wide4 = 0x3FFFFFFFBFFFE;

    // 8p by limbs.
    private const long EightP0 = 0xFFFFFFFFFFFF8;
    private const long EightP1 = 0xF800000007FFF;
    private const long EightP2 = 0xFFFFFFFFFFFFF;
    private const long EightP3 = 0xFFFFFFFFFFFFF;
    private const long EightP4 = 0x7FFFFFFF7FFFF;

    internal FieldElement(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
    {
        L0 = l0;
        L1 = l1;
        L2 = l2;
        L3 = l3;
        L4 = l4;
    }

    /// <summary>1 (R mod p).</summary>
    internal static FieldElement One
    {
        [ConstantTime]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(0x10, 0xFFFFFFFF0000, 0, 0, 0x100000);
    }

    /// <summary>The curve's b.</summary>
    internal static FieldElement CurveB
    {
        [ConstantTime]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(0x30632BC0DD422, 0xB09B537AB70D2, 0xA51C3C71CF379, 0x2C8527981505E, 0x40FE188DA20E);
    }

    /// <summary>r = x·y·R⁻¹. x carried, y lazy, x·y below 32 p²; r carried, below p + x·y/(16 p). r may be x or y.</summary>
    /// <remarks>
    /// A column's sum is l + 2^52·h₋₁, where each product adds its high half (bits from 52) to h and its full low word, modulo 2^64, to l:
    /// the low halves' true sum is then l − 2^52·h modulo 2^64, which saves masking every product. As −p⁻¹ ≡ 1 (mod 2^52), the
    /// Montgomery factor of a column is the column itself, and m·p costs shifts only.
    /// </remarks>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Multiply(out FieldElement r, in FieldElement x, in FieldElement y)
    {
        ulong l0 = 0, l1 = 0, l2 = 0, l3 = 0, l4 = 0, h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0;
        long carry = 0;

        ulong a = x.L0, s = a << 12;
        Accumulate(ref l0, ref h0, a, s, y.L0);
        Accumulate(ref l1, ref h1, a, s, y.L1);
        Accumulate(ref l2, ref h2, a, s, y.L2);
        Accumulate(ref l3, ref h3, a, s, y.L3);
        Accumulate(ref l4, ref h4, a, s, y.L4);
        FoldColumn(ref carry, l0, h0, ref l1, ref h1, ref l4, ref h4);

        a = x.L1;
        s = a << 12;
        l0 = 0;
        h0 = 0;
        Accumulate(ref l1, ref h1, a, s, y.L0);
        Accumulate(ref l2, ref h2, a, s, y.L1);
        Accumulate(ref l3, ref h3, a, s, y.L2);
        Accumulate(ref l4, ref h4, a, s, y.L3);
        Accumulate(ref l0, ref h0, a, s, y.L4);
        FoldColumn(ref carry, l1, h1, ref l2, ref h2, ref l0, ref h0);

        a = x.L2;
        s = a << 12;
        l1 = 0;
        h1 = 0;
        Accumulate(ref l2, ref h2, a, s, y.L0);
        Accumulate(ref l3, ref h3, a, s, y.L1);
        Accumulate(ref l4, ref h4, a, s, y.L2);
        Accumulate(ref l0, ref h0, a, s, y.L3);
        Accumulate(ref l1, ref h1, a, s, y.L4);
        FoldColumn(ref carry, l2, h2, ref l3, ref h3, ref l1, ref h1);

        a = x.L3;
        s = a << 12;
        l2 = 0;
        h2 = 0;
        Accumulate(ref l3, ref h3, a, s, y.L0);
        Accumulate(ref l4, ref h4, a, s, y.L1);
        Accumulate(ref l0, ref h0, a, s, y.L2);
        Accumulate(ref l1, ref h1, a, s, y.L3);
        Accumulate(ref l2, ref h2, a, s, y.L4);
        FoldColumn(ref carry, l3, h3, ref l4, ref h4, ref l2, ref h2);

        a = x.L4;
        s = a << 12;
        l3 = 0;
        h3 = 0;
        Accumulate(ref l4, ref h4, a, s, y.L0);
        Accumulate(ref l0, ref h0, a, s, y.L1);
        Accumulate(ref l1, ref h1, a, s, y.L2);
        Accumulate(ref l2, ref h2, a, s, y.L3);
        Accumulate(ref l3, ref h3, a, s, y.L4);
        FoldColumn(ref carry, l4, h4, ref l0, ref h0, ref l3, ref h3);

        r.L0 = CloseColumn(ref carry, l0, h0);
        r.L1 = CloseColumn(ref carry, l1, h1);
        r.L2 = CloseColumn(ref carry, l2, h2);
        r.L3 = CloseColumn(ref carry, l3, h3);
        r.L4 = (ulong)carry;
    }

    /// <summary>r = x²·R⁻¹. x carried; r as of <see cref="Multiply"/>. r may be x.</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Square(out FieldElement r, in FieldElement x)
    {
        ulong l0 = 0, l1 = 0, l2 = 0, l3 = 0, l4 = 0, l5 = 0, l6 = 0, l7 = 0, l8 = 0;
        ulong h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0, h7 = 0, h8 = 0;
        long carry = 0;

        ulong a = x.L0, s = a << 12, twice1 = x.L1 << 1, twice2 = x.L2 << 1, twice3 = x.L3 << 1, twice4 = x.L4 << 1;
        Accumulate(ref l0, ref h0, a, s, a);
        Accumulate(ref l1, ref h1, a, s, twice1);
        Accumulate(ref l2, ref h2, a, s, twice2);
        Accumulate(ref l3, ref h3, a, s, twice3);
        Accumulate(ref l4, ref h4, a, s, twice4);
        FoldColumn(ref carry, l0, h0, ref l1, ref h1, ref l4, ref h4);

        a = x.L1;
        s = a << 12;
        Accumulate(ref l2, ref h2, a, s, a);
        Accumulate(ref l3, ref h3, a, s, twice2);
        Accumulate(ref l4, ref h4, a, s, twice3);
        Accumulate(ref l5, ref h5, a, s, twice4);
        FoldColumn(ref carry, l1, h1, ref l2, ref h2, ref l5, ref h5);

        a = x.L2;
        s = a << 12;
        Accumulate(ref l4, ref h4, a, s, a);
        Accumulate(ref l5, ref h5, a, s, twice3);
        Accumulate(ref l6, ref h6, a, s, twice4);
        FoldColumn(ref carry, l2, h2, ref l3, ref h3, ref l6, ref h6);

        a = x.L3;
        s = a << 12;
        Accumulate(ref l6, ref h6, a, s, a);
        Accumulate(ref l7, ref h7, a, s, twice4);
        FoldColumn(ref carry, l3, h3, ref l4, ref h4, ref l7, ref h7);

        a = x.L4;
        s = a << 12;
        Accumulate(ref l8, ref h8, a, s, a);
        FoldColumn(ref carry, l4, h4, ref l5, ref h5, ref l8, ref h8);

        r.L0 = CloseColumn(ref carry, l5, h5);
        r.L1 = CloseColumn(ref carry, l6, h6);
        r.L2 = CloseColumn(ref carry, l7, h7);
        r.L3 = CloseColumn(ref carry, l8, h8);
        r.L4 = (ulong)carry;
    }

    // s = a << 12 with a below 2^52, so that the high word of s·b is a·b >> 52.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Accumulate(ref ulong l, ref ulong h, ulong a, ulong s, ulong b)
    {
        h += MultiplyHigh(s, b);
        l += a * b;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyHigh(ulong a, ulong b) =>
        Bmi2.X64.IsSupported ? Bmi2.X64.MultiplyNoFlags(a, b) : Math.BigMul(a, b, out _);

    // Adds m·p, m being the column's low 52 bits, which clears the column. p = −1 + 2^52·(2^12 − 2^44) + 2^208·(2^48 − 2^16), and
    // w = m·(2^32 − 1), so the next column loses w·2^12 and the fourth gains w·2^16; g is w >> 36 up to one, which suffices since l − 2^52·h
    // keeps the sum exact whatever part is counted in h.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldColumn(ref long carry, ulong l, ulong h, ref ulong l1, ref ulong h1, ref ulong l4, ref ulong h4)
    {
        long t = (long)(l - (h << 52)) + carry;
        carry = (t >> 52) + (long)h;
        ulong m = (ulong)t & LimbMask;
        ulong w = (m << 32) - m;
        ulong g = (m >> 4) - (m >> 36);
        l1 -= w << 12;
        h1 -= g >> 4;
        l4 += w << 16;
        h4 += g;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong CloseColumn(ref long carry, ulong l, ulong h)
    {
        long t = (long)(l - (h << 52)) + carry;
        carry = (t >> 52) + (long)h;
        return (ulong)t & LimbMask;
    }

    /// <summary>r = x − y + 4p, lazy. x carried or lazy up to 5p, y carried below 2p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SubtractLazy(out FieldElement r, in FieldElement x, in FieldElement y)
    {
        r.L0 = x.L0 - y.L0 + Wide0;
        r.L1 = x.L1 - y.L1 + Wide1;
        r.L2 = x.L2 - y.L2 + Wide2;
        r.L3 = x.L3 - y.L3 + Wide3;
        r.L4 = x.L4 - y.L4 + Wide4;
    }

    /// <summary>r = x + y, lazy; limbs and value add up.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AddLazy(out FieldElement r, in FieldElement x, in FieldElement y)
    {
        r.L0 = x.L0 + y.L0;
        r.L1 = x.L1 + y.L1;
        r.L2 = x.L2 + y.L2;
        r.L3 = x.L3 + y.L3;
        r.L4 = x.L4 + y.L4;
    }

    /// <summary>r = x − y + 2p, carried. x below 2p, y below 2p; both may be lazy.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SubtractCarried(out FieldElement r, in FieldElement x, in FieldElement y)
    {
        long t = (long)(x.L0 - y.L0 + (2 * P0 & LimbMask));
        r.L0 = (ulong)t & LimbMask;
        t = (t >> 52) + (long)(x.L1 - y.L1 + ((2 * P1 & LimbMask) | 1));
        r.L1 = (ulong)t & LimbMask;
        t = (t >> 52) + (long)(x.L2 - y.L2 + P2);
        r.L2 = (ulong)t & LimbMask;
        t = (t >> 52) + (long)(x.L3 - y.L3 + P3);
        r.L3 = (ulong)t & LimbMask;
        r.L4 = (ulong)((t >> 52) + (long)(x.L4 - y.L4 + (2 * P4 + 1)));
    }

    /// <summary>r = x − y + 8p, reduced. x and y lazy, y below 8p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Subtract(out FieldElement r, in FieldElement x, in FieldElement y) =>
        Reduce(
            out r,
            (long)(x.L0 - y.L0) + EightP0,
            (long)(x.L1 - y.L1) + EightP1,
            (long)(x.L2 - y.L2) + EightP2,
            (long)(x.L3 - y.L3) + EightP3,
            (long)(x.L4 - y.L4) + EightP4);

    /// <summary>r = x − y − 2z + 8p, reduced. All below 2p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SubtractTwo(out FieldElement r, in FieldElement x, in FieldElement y, in FieldElement z) =>
        Reduce(
            out r,
            (long)(x.L0 - y.L0 - (z.L0 << 1)) + EightP0,
            (long)(x.L1 - y.L1 - (z.L1 << 1)) + EightP1,
            (long)(x.L2 - y.L2 - (z.L2 << 1)) + EightP2,
            (long)(x.L3 - y.L3 - (z.L3 << 1)) + EightP3,
            (long)(x.L4 - y.L4 - (z.L4 << 1)) + EightP4);

    /// <summary>r = x − 8y + 16p, reduced. Both below 2p, or x below 4p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SubtractEightfold(out FieldElement r, in FieldElement x, in FieldElement y) =>
        Reduce(
            out r,
            (long)(x.L0 - (y.L0 << 3)) + (2 * EightP0),
            (long)(x.L1 - (y.L1 << 3)) + (2 * EightP1),
            (long)(x.L2 - (y.L2 << 3)) + (2 * EightP2),
            (long)(x.L3 - (y.L3 << 3)) + (2 * EightP3),
            (long)(x.L4 - (y.L4 << 3)) + (2 * EightP4));

    /// <summary>r = x + y, reduced. x + y below 32p.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(out FieldElement r, in FieldElement x, in FieldElement y) =>
        Reduce(out r, (long)(x.L0 + y.L0), (long)(x.L1 + y.L1), (long)(x.L2 + y.L2), (long)(x.L3 + y.L3), (long)(x.L4 + y.L4));

    /// <summary>Signed limbs below 2^58 in size whose value is in [0, 32p) → reduced.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce(out FieldElement r, long l0, long l1, long l2, long l3, long l4)
    {
        // q·2^256 = q·(2^224 + 2^96 − 2^64 + 1) mod p. q may be off by one, which leaves the value within 2^209 of the range.
        long q = (l4 + (l3 >> 52)) >> 48;
        long t = l0 + q;
        r.L0 = (ulong)t & LimbMask;
        t = (t >> 52) + l1 + (q << 44) - (q << 12);
        r.L1 = (ulong)t & LimbMask;
        t = (t >> 52) + l2;
        r.L2 = (ulong)t & LimbMask;
        t = (t >> 52) + l3;
        r.L3 = (ulong)t & LimbMask;
        r.L4 = (ulong)((t >> 52) + l4 + (q << 16) - (q << 48));
    }
}
