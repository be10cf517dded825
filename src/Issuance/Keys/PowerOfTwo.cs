using System.Numerics;
using System.Runtime.InteropServices;

namespace ZwCa.Issuance;

/// <summary>
/// 2^e modulo an odd number, in Montgomery's form (Handbook of Applied Cryptography, algorithm 14.36): some fifteen times as fast as
/// <see cref="BigInteger.ModPow"/>, whose time for an RSA modulus would be most of a key's check. Not in constant time: everything here is public.
/// </summary>
internal static class PowerOfTwo
{
    private const int LimbBits = 64;

    /// <param name="exponent">Positive.</param>
    /// <param name="modulus">Odd, above 2.</param>
    public static BigInteger Modulo(BigInteger exponent, BigInteger modulus)
    {
        int limbs = (int)((modulus.GetBitLength() + LimbBits - 1) / LimbBits);
        ulong[] n = ToLimbs(modulus, limbs);
        ulong inverse = NegativeInverse(n[0]);
        ulong[] x = ToLimbs((BigInteger.One << (limbs * LimbBits)) % modulus, limbs);
        ulong[] work = new ulong[limbs + 2];
        byte[] bits = exponent.ToByteArray(isUnsigned: true);
        for (long bit = exponent.GetBitLength() - 1; bit >= 0; bit--)
        {
            Multiply(x, x, n, inverse, work);
            if ((bits[(int)(bit / 8)] >> (int)(bit % 8) & 1) != 0)
            {
                Double(x, n);
            }
        }

        ulong[] one = new ulong[limbs];
        one[0] = 1;
        Multiply(x, one, n, inverse, work);
        return new BigInteger(MemoryMarshal.AsBytes(x.AsSpan()), isUnsigned: true);
    }

    /// <summary>x = x·y/2^(64·limbs) mod n.</summary>
    private static void Multiply(Span<ulong> x, ReadOnlySpan<ulong> y, ReadOnlySpan<ulong> n, ulong inverse, Span<ulong> work)
    {
        unchecked
        {
            int limbs = n.Length;
            work.Clear();
            for (int i = 0; i < limbs; i++)
            {
                ulong carry = MultiplyAdd(work, y, x[i]);
                work[limbs] += carry;
                work[limbs + 1] = work[limbs] < carry ? 1UL : 0;

                // A multiple of n that makes the lowest limb zero, which is then dropped.
                carry = MultiplyAdd(work, n, work[0] * inverse);
                work[limbs] += carry;
                work[limbs + 1] += work[limbs] < carry ? 1UL : 0;
                work[1..].CopyTo(work);
                work[limbs + 1] = 0;
            }

            work[..limbs].CopyTo(x);
            if (work[limbs] != 0 || !IsBelow(x, n))
            {
                Subtract(x, n);
            }
        }
    }

    /// <summary>sum += factor·scale.</summary>
    /// <returns>What is carried beyond the limbs of the factor.</returns>
    private static ulong MultiplyAdd(Span<ulong> sum, ReadOnlySpan<ulong> factor, ulong scale)
    {
        unchecked
        {
            sum = sum[..factor.Length];
            ulong carry = 0;
            for (int j = 0; j < factor.Length; j++)
            {
                ulong high = Math.BigMul(factor[j], scale, out ulong low);
                low += carry;
                high += low < carry ? 1UL : 0;
                low += sum[j];
                carry = high + (low < sum[j] ? 1UL : 0);
                sum[j] = low;
            }

            return carry;
        }
    }

    private static void Double(Span<ulong> x, ReadOnlySpan<ulong> n)
    {
        ulong carry = 0;
        for (int i = 0; i < x.Length; i++)
        {
            ulong next = x[i] >> (LimbBits - 1);
            x[i] = (x[i] << 1) | carry;
            carry = next;
        }

        if (carry != 0 || !IsBelow(x, n))
        {
            Subtract(x, n);
        }
    }

    private static bool IsBelow(ReadOnlySpan<ulong> x, ReadOnlySpan<ulong> n)
    {
        for (int i = x.Length - 1; i >= 0; i--)
        {
            if (x[i] != n[i])
            {
                return x[i] < n[i];
            }
        }

        return false;
    }

    /// <summary>x −= n; a borrow from beyond the limbs is the caller's carry.</summary>
    private static void Subtract(Span<ulong> x, ReadOnlySpan<ulong> n)
    {
        unchecked
        {
            ulong borrow = 0;
            for (int i = 0; i < x.Length; i++)
            {
                ulong difference = x[i] - n[i];
                ulong result = difference - borrow;
                borrow = (x[i] < n[i] ? 1UL : 0) | (difference < borrow ? 1UL : 0);
                x[i] = result;
            }
        }
    }

    /// <summary>−1/n modulo 2^64, by Newton: each step doubles the digits that are right.</summary>
    private static ulong NegativeInverse(ulong n)
    {
        unchecked
        {
            ulong inverse = n;
            for (int correct = 3; correct < LimbBits; correct *= 2)
            {
                inverse *= 2 - (n * inverse);
            }

            return 0 - inverse;
        }
    }

    private static ulong[] ToLimbs(BigInteger number, int limbs)
    {
        ulong[] result = new ulong[limbs];
        number.TryWriteBytes(MemoryMarshal.AsBytes(result.AsSpan()), out _, isUnsigned: true);
        return result;
    }
}
