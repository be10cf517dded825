using System.Numerics;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>What is known to go wrong with an RSA modulus. Its size and form are <see cref="KeyQuality"/>'s to check before.</summary>
internal static class RsaQuality
{
    /// <summary>Every prime below this is looked for, as CA/Browser Forum BR §6.1.6 asks at least for those below 752.</summary>
    private const int SmallPrimeBound = 1 << 16;

    /// <summary>
    /// Rounds of Fermat's method (CA/Browser Forum BR §6.1.1.3): enough for the generators that are known to have searched the second prime next to
    /// the first; an honest key passes whatever the number.
    /// </summary>
    private const int FermatRounds = 100;

    private static readonly Lazy<BigInteger> SmallPrimes = new(static () => Product([.. Primes.Below(SmallPrimeBound)]));

    /// <returns>Null: none of the weaknesses that are looked for.</returns>
    public static KeyFault? Find(RsaPublicKey key)
    {
        BigInteger modulus = new(key.Modulus.Span, isUnsigned: true, isBigEndian: true);
        if (!BigInteger.GreatestCommonDivisor(modulus, SmallPrimes.Value % modulus).IsOne)
        {
            return KeyFault.SmallFactor;
        }

        if (HasCloseFactors(modulus))
        {
            return KeyFault.CloseFactors;
        }

        if (RocaFingerprint.Matches(modulus))
        {
            return KeyFault.Roca;
        }

        if (DebianKeys.Contains(modulus))
        {
            return KeyFault.DebianRandom;
        }

        return HasOnePrime(modulus) ? KeyFault.OnePrime : null;
    }

    /// <summary>Fermat: N = a² − b² = (a − b)(a + b), with a from √N upwards.</summary>
    private static bool HasCloseFactors(BigInteger modulus)
    {
        BigInteger a = SquareRoot(modulus);
        if (a * a < modulus)
        {
            a += BigInteger.One;
        }

        BigInteger square = (a * a) - modulus;
        for (int i = 0; i < FermatRounds; i++)
        {
            if (IsSquare(square))
            {
                return true;
            }

            square += (a << 1) + BigInteger.One;
            a += BigInteger.One;
        }

        return false;
    }

    /// <summary>
    /// Fermat's little theorem: if N = p^k, then 2^N ≡ 2 (mod p), and p divides 2^N − 2. For two primes of which one does not belong to the other it has
    /// nothing in common with N: that p divides it means that the order of 2 modulo p, a divisor of p − 1, divides q − 1.
    /// </summary>
    private static bool HasOnePrime(BigInteger modulus) =>
        !BigInteger.GreatestCommonDivisor(PowerOfTwo.Modulo(modulus, modulus) - 2, modulus).IsOne;

    private static bool IsSquare(BigInteger value)
    {
        // Squares have 12 of the 64 endings of six bits: most numbers need no root.
        const ulong Endings = 0x0202_0212_0203_0213;
        if ((Endings >> (int)(ulong)(value & 63) & 1) == 0)
        {
            return false;
        }

        BigInteger root = SquareRoot(value);
        return root * root == value;
    }

    /// <summary>The largest number whose square is not above the value: Newton, from above.</summary>
    internal static BigInteger SquareRoot(BigInteger value)
    {
        if (value.IsZero)
        {
            return value;
        }

        BigInteger root = BigInteger.One << (int)((value.GetBitLength() + 1) / 2);
        while (true)
        {
            BigInteger next = (root + (value / root)) >> 1;
            if (next >= root)
            {
                return root;
            }

            root = next;
        }
    }

    // In a tree, so that the factors stay of like size.
    private static BigInteger Product(ReadOnlySpan<int> factors) => factors switch
    {
        [] => BigInteger.One,
        [int factor] => factor,
        _ => Product(factors[..(factors.Length / 2)]) * Product(factors[(factors.Length / 2)..]),
    };
}
