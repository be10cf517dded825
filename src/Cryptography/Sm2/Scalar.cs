using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>
/// A 256-bit unsigned integer W0 + W1·2^64 + W2·2^128 + W3·2^192; in most uses below the group order
/// n = FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123 (GM/T 0003.5).
/// </summary>
internal struct Scalar
{
    internal const ulong N0 = 0x53BBF40939D54123;
    internal const ulong N1 = 0x7203DF6B21C6052B;
    internal const ulong N2 = 0xFFFFFFFFFFFFFFFF;
    internal const ulong N3 = 0xFFFFFFFEFFFFFFFF;

    internal ulong W0;
    internal ulong W1;
    internal ulong W2;
    internal ulong W3;

    internal Scalar(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        W0 = w0;
        W1 = w1;
        W2 = w2;
        W3 = w3;
    }

    internal static Scalar One
    {
        get => new(1, 0, 0, 0);
    }

    /// <summary>Reads 32 big-endian bytes.</summary>
    internal static Scalar FromBytes(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes));

    /// <summary>Writes 32 big-endian bytes.</summary>
    internal readonly void ToBytes(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, W3);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], W2);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], W1);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], W0);
    }

    /// <summary>All ones when x = 0, else 0.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static ulong IsZeroMask(in Scalar x)
    {
        ulong any = x.W0 | x.W1 | x.W2 | x.W3;
        return ((any | (0 - any)) >> 63) - 1;
    }

    /// <summary>All ones when x is below n, else 0.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static ulong BelowOrderMask(in Scalar x) => 0 - SubtractWords(out _, in x, new Scalar(N0, N1, N2, N3));

    /// <summary>r = x mod n for any x (2^256 is below 2n).</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void ReduceOnce(out Scalar r, in Scalar x)
    {
        ulong keep = 0 - SubtractWords(out Scalar less, in x, new Scalar(N0, N1, N2, N3));
        Select(out r, keep, in x, in less);
    }

    /// <summary>r = x + y mod n; both below n.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Add(out Scalar r, in Scalar x, in Scalar y)
    {
        ulong carry = AddWords(out Scalar sum, in x, in y);
        ulong borrow = SubtractWords(out Scalar less, in sum, new Scalar(N0, N1, N2, N3));
        Select(out r, 0 - (borrow & ~carry), in sum, in less);
    }

    /// <summary>r = x − y mod n; both below n.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Subtract(out Scalar r, in Scalar x, in Scalar y)
    {
        ulong borrow = SubtractWords(out Scalar difference, in x, y);
        AddWords(out Scalar more, in difference, new Scalar(N0, N1, N2, N3));
        Select(out r, 0 - borrow, in more, in difference);
    }

    /// <summary>r = mask ? x : y, mask being all ones or 0.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Select(out Scalar r, ulong mask, in Scalar x, in Scalar y)
    {
        r.W0 = y.W0 ^ ((x.W0 ^ y.W0) & mask);
        r.W1 = y.W1 ^ ((x.W1 ^ y.W1) & mask);
        r.W2 = y.W2 ^ ((x.W2 ^ y.W2) & mask);
        r.W3 = y.W3 ^ ((x.W3 ^ y.W3) & mask);
    }

    /// <summary>r = x·y·2⁻²⁶⁰ mod n; x below 2^256, y below n.</summary>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void MultiplyMontgomery(out Scalar r, in Scalar x, in Scalar y)
    {
        FieldElement.Unpack(out FieldElement a, in x);
        FieldElement.Unpack(out FieldElement b, in y);
        ulong l0 = 0, l1 = 0, l2 = 0, l3 = 0, l4 = 0, h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0;
        long carry = 0;

        // One row a turn; the columns move down by one after each, so that the same names serve every row.
        ref ulong limb = ref a.L0;
        for (nuint i = 0; i < 5; i++)
        {
            ulong ai = Unsafe.Add(ref limb, i);
            AccumulateRow(ref l0, ref l1, ref l2, ref l3, ref l4, ref h0, ref h1, ref h2, ref h3, ref h4, ai, in b);
            ulong m = ((l0 - (h0 << 52) + (ulong)carry) * OrderFactor) & FieldElement.LimbMask;
            AccumulateRow(ref l0, ref l1, ref l2, ref l3, ref l4, ref h0, ref h1, ref h2, ref h3, ref h4, m, new FieldElement(Order0, Order1, Order2, Order3, Order4));
            FieldElement.CloseColumn(ref carry, l0, h0);
            l0 = l1;
            h0 = h1;
            l1 = l2;
            h1 = h2;
            l2 = l3;
            h2 = h3;
            l3 = l4;
            h3 = h4;
            l4 = 0;
            h4 = 0;
        }

        ulong r0 = FieldElement.CloseColumn(ref carry, l0, h0);
        ulong r1 = FieldElement.CloseColumn(ref carry, l1, h1);
        ulong r2 = FieldElement.CloseColumn(ref carry, l2, h2);
        ulong r3 = FieldElement.CloseColumn(ref carry, l3, h3);
        ulong r4 = (ulong)carry;

        // x·y / 2^260 + n is below 2^256 + 2^252, so the packed words may lack bit 256: it is r4 >> 48.
        Scalar sum = new(r0 | (r1 << 52), (r1 >> 12) | (r2 << 40), (r2 >> 24) | (r3 << 28), (r3 >> 36) | (r4 << 16));
        ulong borrow = SubtractWords(out Scalar less, in sum, new Scalar(N0, N1, N2, N3));
        Select(out r, 0 - (borrow & ~(r4 >> 48)), in sum, in less);
    }

    /// <summary>2^520 mod n: <see cref="MultiplyMontgomery"/> with it takes x to x·2^260 mod n.</summary>
    internal static Scalar MontgomerySquare
    {
        get => new(0x418C16674A517DE6, 0x07DC1C507A6E5F7C, 0x0FC84C3AFFE0D445, 0xB5E412C02B3D3B62);
    }

    // n by 52-bit limbs, and −n⁻¹ mod 2^52.
    private const ulong Order0 = 0xBF40939D54123;
    private const ulong Order1 = 0x6B21C6052B53B;
    private const ulong Order2 = 0xFFFFFFF7203DF;
    private const ulong Order3 = 0xFFFFFFFFFFFFF;
    private const ulong Order4 = 0xFFFFFFFEFFFF;
    private const ulong OrderFactor = 0xF9E8872350975;

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AccumulateRow(
        ref ulong l0, ref ulong l1, ref ulong l2, ref ulong l3, ref ulong l4,
        ref ulong h0, ref ulong h1, ref ulong h2, ref ulong h3, ref ulong h4,
        ulong a, in FieldElement b)
    {
        ulong s = a << 12;
        FieldElement.Accumulate(ref l0, ref h0, a, s, b.L0);
        FieldElement.Accumulate(ref l1, ref h1, a, s, b.L1);
        FieldElement.Accumulate(ref l2, ref h2, a, s, b.L2);
        FieldElement.Accumulate(ref l3, ref h3, a, s, b.L3);
        FieldElement.Accumulate(ref l4, ref h4, a, s, b.L4);
    }

    // The carries are computed from the bits: a comparison may become a jump.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong AddWords(out Scalar r, in Scalar x, in Scalar y)
    {
        ulong carry = 0;
        r.W0 = AddCarry(x.W0, y.W0, ref carry);
        r.W1 = AddCarry(x.W1, y.W1, ref carry);
        r.W2 = AddCarry(x.W2, y.W2, ref carry);
        r.W3 = AddCarry(x.W3, y.W3, ref carry);
        return carry;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong SubtractWords(out Scalar r, in Scalar x, Scalar y)
    {
        ulong borrow = 0;
        r.W0 = SubtractBorrow(x.W0, y.W0, ref borrow);
        r.W1 = SubtractBorrow(x.W1, y.W1, ref borrow);
        r.W2 = SubtractBorrow(x.W2, y.W2, ref borrow);
        r.W3 = SubtractBorrow(x.W3, y.W3, ref borrow);
        return borrow;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddCarry(ulong a, ulong b, ref ulong carry)
    {
        ulong sum = a + b + carry;
        carry = ((a & b) | ((a | b) & ~sum)) >> 63;
        return sum;
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SubtractBorrow(ulong a, ulong b, ref ulong borrow)
    {
        ulong difference = a - b - borrow;
        borrow = ((~a & b) | ((~a | b) & difference)) >> 63;
        return difference;
    }
}
