using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ZwCa.Cryptography;

/// <summary>
/// Constant-time inversion by divsteps (Bernstein, Yang: "Fast constant-time gcd computation and modular inversion", 2019), in the variant
/// that starts at δ = 1/2, for which 590 steps suffice for 256-bit inputs. Here 20 rounds of 30 steps on nine signed 30-bit limbs:
/// a round needs only the low words of f and g, and its matrix is applied to all limbs with 64-bit products.
/// </summary>
internal static class ModularInverse
{
    internal const int Rounds = 20;
    internal const int Steps = 30;

    private const int Limbs = 9;
    private const long Mask = (1L << Steps) - 1;

    [StructLayout(LayoutKind.Sequential)]
    private struct Limbs30
    {
        internal long V0, V1, V2, V3, V4, V5, V6, V7, V8;

        [ConstantTime]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static ref long At(ref Limbs30 x, nint i) => ref Unsafe.Add(ref x.V0, i);
    }

    /// <summary>r = x⁻¹ mod n (plain integers); 0 for 0. x below n.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void InvertModOrder(out Scalar r, in Scalar x)
    {
        Limbs30 n = new()
        {
            V0 = 0x39D54123, V1 = 0x0EEFD024, V2 = 0x1C6052B5, V3 = 0x00F7DAC8, V4 = 0x3FFFFF72, V5 = 0x3FFFFFFF, V6 = 0x3FFFFFFF, V7 = 0x3FFFBFFF, V8 = 0xFFFF,
        };
        Invert(out r, in x, ref n, 0x0DCAF68B);
    }

    /// <summary>r = x⁻¹ in Montgomery form; 0 for 0. x carried below 2p; r carried.</summary>
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void InvertField(out FieldElement r, in FieldElement x)
    {
        Limbs30 p = new()
        {
            V0 = 0x3FFFFFFF, V1 = 0x3FFFFFFF, V2 = 0xF, V3 = 0x3FFFFFC0, V4 = 0x3FFFFFFF, V5 = 0x3FFFFFFF, V6 = 0x3FFFFFFF, V7 = 0x3FFFBFFF, V8 = 0xFFFF,
        };
        FieldElement.PackCanonical(out Scalar words, in x);
        Invert(out Scalar inverse, in words, ref p, 0x3FFFFFFF);

        // (x·R)⁻¹·R³·R⁻¹ = x⁻¹·R
        FieldElement plain, rCubed = new(0x1200000016000, 0xFFFFFF8000000, 0xC0000000EF, 0x90000000A0000, 0x1B0000000);
        FieldElement.Unpack(out plain, in inverse);
        FieldElement.Multiply(out r, in plain, in rCubed);
    }

    /// <param name="modulus">Odd, below 2^256.</param>
    /// <param name="modulusInverse">modulus⁻¹ mod 2^30.</param>
    [ConstantTime]
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Invert(out Scalar r, in Scalar x, ref Limbs30 modulus, long modulusInverse)
    {
        Limbs30 f = modulus, g, d = default, e = default;
        e.V0 = 1;
        Split(out g, in x);

        // zeta = −(δ + 1/2)
        long zeta = -1;
        for (int round = 0; round < Rounds; round++)
        {
            zeta = DivSteps(zeta, (ulong)(f.V0 | (f.V1 << Steps)), (ulong)(g.V0 | (g.V1 << Steps)), out long u, out long v, out long q, out long w);
            UpdateModular(ref d, ref e, ref modulus, modulusInverse, u, v, q, w);
            UpdateExact(ref f, ref g, u, v, q, w);
        }

        // Now g = 0, f = ±1 and f·x⁻¹ = d, d in (−2·modulus, modulus).
        Normalize(ref d, ref modulus, f.V8 >> 63);
        r.W0 = (ulong)(d.V0 | (d.V1 << 30) | (d.V2 << 60));
        r.W1 = (ulong)((d.V2 >> 4) | (d.V3 << 26) | (d.V4 << 56));
        r.W2 = (ulong)((d.V4 >> 8) | (d.V5 << 22) | (d.V6 << 52));
        r.W3 = (ulong)((d.V6 >> 12) | (d.V7 << 18) | (d.V8 << 48));
    }

    // Thirty divsteps on the low words; (u v; q w) collects what they do, times 2^30.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long DivSteps(long zeta, ulong f, ulong g, out long u, out long v, out long q, out long w)
    {
        ulong a = 1, b = 0, c = 0, d = 1;
        for (int i = 0; i < Steps; i++)
        {
            ulong positive = (ulong)(zeta >> 63);
            ulong odd = 0 - (g & 1);

            // g odd: g − f when δ > 0, else g + f; and when δ > 0 the old g becomes the new f.
            g += ((f ^ positive) - positive) & odd;
            c += ((a ^ positive) - positive) & odd;
            d += ((b ^ positive) - positive) & odd;
            ulong swap = positive & odd;
            zeta = (zeta ^ (long)swap) - 1;
            f += g & swap;
            a += c & swap;
            b += d & swap;
            g >>= 1;
            a <<= 1;
            b <<= 1;
        }

        u = (long)a;
        v = (long)b;
        q = (long)c;
        w = (long)d;
        return zeta;
    }

    // (f, g) ← (u·f + v·g, q·f + w·g) / 2^30, an exact division.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateExact(ref Limbs30 f, ref Limbs30 g, long u, long v, long q, long w)
    {
        long cf = ((u * f.V0) + (v * g.V0)) >> Steps;
        long cg = ((q * f.V0) + (w * g.V0)) >> Steps;
        for (nint i = 1; i < Limbs; i++)
        {
            long fi = Limbs30.At(ref f, i), gi = Limbs30.At(ref g, i);
            cf += (u * fi) + (v * gi);
            cg += (q * fi) + (w * gi);
            Limbs30.At(ref f, i - 1) = cf & Mask;
            Limbs30.At(ref g, i - 1) = cg & Mask;
            cf >>= Steps;
            cg >>= Steps;
        }

        f.V8 = cf;
        g.V8 = cg;
    }

    // (d, e) ← (u·d + v·e, q·d + w·e) / 2^30 mod modulus. Both stay in (−2·modulus, modulus): the multiples md, me of the modulus make the
    // sum divisible by 2^30, and a negative input first counts as itself plus the modulus.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateModular(ref Limbs30 d, ref Limbs30 e, ref Limbs30 modulus, long modulusInverse, long u, long v, long q, long w)
    {
        long dNegative = d.V8 >> 63, eNegative = e.V8 >> 63;
        long md = (u & dNegative) + (v & eNegative);
        long me = (q & dNegative) + (w & eNegative);
        long cd = (u * d.V0) + (v * e.V0);
        long ce = (q * d.V0) + (w * e.V0);
        md -= ((modulusInverse * (cd & Mask)) + md) & Mask;
        me -= ((modulusInverse * (ce & Mask)) + me) & Mask;
        cd = (cd + (modulus.V0 * md)) >> Steps;
        ce = (ce + (modulus.V0 * me)) >> Steps;
        for (nint i = 1; i < Limbs; i++)
        {
            long di = Limbs30.At(ref d, i), ei = Limbs30.At(ref e, i), mi = Limbs30.At(ref modulus, i);
            cd += (u * di) + (v * ei) + (mi * md);
            ce += (q * di) + (w * ei) + (mi * me);
            Limbs30.At(ref d, i - 1) = cd & Mask;
            Limbs30.At(ref e, i - 1) = ce & Mask;
            cd >>= Steps;
            ce >>= Steps;
        }

        d.V8 = cd;
        e.V8 = ce;
    }

    // d in (−2·modulus, modulus), negated if asked → [0, modulus).
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Normalize(ref Limbs30 d, ref Limbs30 modulus, long negate)
    {
        AddMasked(ref d, ref modulus, d.V8 >> 63, negate);
        AddMasked(ref d, ref modulus, d.V8 >> 63, 0);
    }

    // d ← ±(d + (modulus & add)), carried.
    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddMasked(ref Limbs30 d, ref Limbs30 modulus, long add, long negate)
    {
        long carry = 0;
        for (nint i = 0; i < Limbs - 1; i++)
        {
            carry += ((Limbs30.At(ref d, i) + (Limbs30.At(ref modulus, i) & add)) ^ negate) - negate;
            Limbs30.At(ref d, i) = carry & Mask;
            carry >>= Steps;
        }

        d.V8 = carry + (((d.V8 + (modulus.V8 & add)) ^ negate) - negate);
    }

    [ConstantTime]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(out Limbs30 r, in Scalar x)
    {
        r.V0 = (long)x.W0 & Mask;
        r.V1 = (long)(x.W0 >> 30) & Mask;
        r.V2 = (long)((x.W0 >> 60) | (x.W1 << 4)) & Mask;
        r.V3 = (long)(x.W1 >> 26) & Mask;
        r.V4 = (long)((x.W1 >> 56) | (x.W2 << 8)) & Mask;
        r.V5 = (long)(x.W2 >> 22) & Mask;
        r.V6 = (long)((x.W2 >> 52) | (x.W3 << 12)) & Mask;
        r.V7 = (long)(x.W3 >> 18) & Mask;
        r.V8 = (long)(x.W3 >> 48);
    }
}
