using System.Runtime.CompilerServices;

namespace ZwCa.Cryptography;

/// <summary>
/// The S-box of SM4 (GB/T 32907-2016 6.2) as a circuit on bit slices: S(x) = A·(A·x + D3)⁻¹ + D3, where A is the circulant matrix
/// whose row 0 is A7 and the inverse is that of GF(2)[x]/(x^8+x^7+x^6+x^5+x^4+x^2+1). The inverse is taken in the tower
/// GF(2²) = GF(2)[w]/(w²+w+1), GF(2⁴) = GF(2²)[y]/(y²+y+w²), GF(2⁸) = GF(2⁴)[z]/(z²+z+wy+w), where it costs 36 AND. The maps into
/// and out of the tower (SM4's x is F6 there) have swallowed A and D3.
/// </summary>
internal static class Sm4Circuit
{
    /// <param name="s">The first of eight slices, bit 0 of the bytes; replaced.</param>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SubBytes(ref ulong s)
    {
        ulong x0 = s;
        ulong x1 = Unsafe.Add(ref s, 1);
        ulong x2 = Unsafe.Add(ref s, 2);
        ulong x3 = Unsafe.Add(ref s, 3);
        ulong x4 = Unsafe.Add(ref s, 4);
        ulong x5 = Unsafe.Add(ref s, 5);
        ulong x6 = Unsafe.Add(ref s, 6);
        ulong x7 = Unsafe.Add(ref s, 7);

        // Into the tower: l + h·z.
        ulong a = x2 ^ x6;
        ulong b = x3 ^ x5;
        ulong c = b ^ x0 ^ x1;
        ulong d = x4 ^ c;
        ulong e = x7 ^ a;
        ulong l0 = a;
        ulong l1 = x1;
        ulong l2 = a ^ c;
        ulong l3 = x4 ^ x5 ^ e;
        ulong h0 = ~(b ^ e);
        ulong h1 = x2 ^ d;
        ulong h2 = x6 ^ x7 ^ d;
        ulong h3 = ~(a ^ d);

        // (l + hz)⁻¹ = (l + h + hz) / m with m = (wy + w)h² + l(l + h).
        ulong q0 = l0 ^ h0;
        ulong q1 = l1 ^ h1;
        ulong q2 = l2 ^ h2;
        ulong q3 = l3 ^ h3;
        Multiply(l0, l1, l2, l3, q0, q1, q2, q3, out ulong m0, out ulong m1, out ulong m2, out ulong m3);
        m0 ^= h1;
        m1 ^= h0;
        m2 ^= h1 ^ h2 ^ h3;
        m3 ^= h0 ^ h3;
        Invert(ref m0, ref m1, ref m2, ref m3);
        Multiply(q0, q1, q2, q3, m0, m1, m2, m3, out ulong z0, out ulong z1, out ulong z2, out ulong z3);
        Multiply(h0, h1, h2, h3, m0, m1, m2, m3, out ulong z4, out ulong z5, out ulong z6, out ulong z7);

        // Out of the tower.
        a = z6 ^ z1 ^ z4;
        b = z5 ^ a;
        c = z7 ^ z0 ^ z2;
        d = z3 ^ c;
        s = ~(z0 ^ a);
        Unsafe.Add(ref s, 1) = ~(z1 ^ d);
        Unsafe.Add(ref s, 2) = z2 ^ b;
        Unsafe.Add(ref s, 3) = b ^ d;
        Unsafe.Add(ref s, 4) = ~a;
        Unsafe.Add(ref s, 5) = b;
        Unsafe.Add(ref s, 6) = ~c;
        Unsafe.Add(ref s, 7) = ~(z0 ^ z4);
    }

    /// <summary>In GF(2⁴): (a0 + a1·w + (a2 + a3·w)y) times b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(
        ulong a0, ulong a1, ulong a2, ulong a3, ulong b0, ulong b1, ulong b2, ulong b3,
        out ulong r0, out ulong r1, out ulong r2, out ulong r3)
    {
        Multiply(a0, a1, b0, b1, out ulong low0, out ulong low1);
        Multiply(a2, a3, b2, b3, out ulong high0, out ulong high1);
        Multiply(a0 ^ a2, a1 ^ a3, b0 ^ b2, b1 ^ b3, out r2, out r3);
        r2 ^= low0;
        r3 ^= low1;
        r0 = low0 ^ high0 ^ high1;
        r1 = low1 ^ high0;
    }

    /// <summary>In GF(2²): (a0 + a1·w)(b0 + b1·w).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(ulong a0, ulong a1, ulong b0, ulong b1, out ulong r0, out ulong r1)
    {
        ulong low = a0 & b0;
        r0 = low ^ (a1 & b1);
        r1 = low ^ ((a0 ^ a1) & (b0 ^ b1));
    }

    /// <summary>In GF(2⁴), by the formula of the field above; in GF(2²) the inverse is the square. Zero stays zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Invert(ref ulong a0, ref ulong a1, ref ulong a2, ref ulong a3)
    {
        ulong q0 = a0 ^ a2;
        ulong q1 = a1 ^ a3;
        Multiply(a0, a1, q0, q1, out ulong n0, out ulong n1);
        n0 ^= a2;
        n1 ^= a2 ^ a3;
        n0 ^= n1;
        Multiply(a2, a3, n0, n1, out a2, out a3);
        Multiply(q0, q1, n0, n1, out a0, out a1);
    }
}
