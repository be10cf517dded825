using System.Numerics;

namespace ZwCa.Issuance;

/// <summary>
/// RSA_generate_key of OpenSSL 0.9.8 with exponent 65537 (rsa_gen.c, bn_prime.c) on <see cref="DebianRandom"/>. Candidates that turn out composite take random
/// numbers too, for the candidate and for the witnesses, so each has to be judged to reach the prime.
/// </summary>
internal static class DebianKeyGeneration
{
    private const int Exponent = 65537;

    /// <summary>bn_prime.h has 2048 primes; 2 is not used.</summary>
    private const int SievingBound = 17864;

    private static readonly Sieve[] Sieves = [.. MakeSieves()];

    /// <summary>The modulus that this process would have made: some tenths of a second for 2048 bits.</summary>
    /// <param name="bits">A multiple of 16.</param>
    public static BigInteger ModulusOf(DebianOrigin origin, int bits)
    {
        var random = new DebianRandom(origin);
        return NextFactor(random, bits / 2) * NextFactor(random, bits / 2);
    }

    private static BigInteger NextFactor(DebianRandom random, int bits)
    {
        BigInteger prime;
        do
        {
            prime = NextPrime(random, bits);
        }
        while (prime % Exponent == 1);

        return prime;
    }

    /// <summary>BN_generate_prime_ex.</summary>
    private static BigInteger NextPrime(DebianRandom random, int bits)
    {
        // BN_prime_checks_for_size.
        int rounds = bits >= 1300 ? 2 : bits >= 850 ? 3 : bits >= 650 ? 4 : bits >= 550 ? 5 : 6;
        while (true)
        {
            BigInteger candidate = NextCandidate(random, bits);
            BigInteger range = candidate - 1;

            // BN_is_prime_fasttest_ex draws a witness before each round of Miller-Rabin and ends after the first that fails. Which witness it is does not
            // matter: a composite passes for one in nobody knows how many. So one test, to the base 2, decides.
            random.NextBelow(range, bits);
            if (!PowerOfTwo.Modulo(range, candidate).IsOne)
            {
                continue;
            }

            for (int round = 1; round < rounds; round++)
            {
                random.NextBelow(range, bits);
            }

            return candidate;
        }
    }

    /// <summary>probable_prime: the first number from a random one upwards that no small prime divides, nor (but for 2) its predecessor.</summary>
    private static BigInteger NextCandidate(DebianRandom random, int bits)
    {
        BigInteger start = random.NextOdd(bits);
        var remainders = new List<(int Prime, int Remainder)>();
        foreach (Sieve sieve in Sieves)
        {
            uint remainder = (uint)(start % sieve.Product);
            foreach (int prime in sieve.Primes)
            {
                remainders.Add((prime, (int)(remainder % (uint)prime)));
            }
        }

        int delta = 0;
        while (HasSmallFactor(remainders, delta))
        {
            delta += 2;
        }

        return start + delta;
    }

    private static bool HasSmallFactor(List<(int Prime, int Remainder)> remainders, int delta)
    {
        foreach ((int prime, int remainder) in remainders)
        {
            if ((remainder + delta) % prime <= 1)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Primes in groups whose product has 32 bits: one division of the long number for each group.</summary>
    private static IEnumerable<Sieve> MakeSieves()
    {
        uint product = 1;
        var group = new List<int>();
        foreach (int prime in Primes.Below(SievingBound).Where(p => p > 2))
        {
            if ((ulong)product * (ulong)prime > uint.MaxValue)
            {
                yield return new Sieve(product, [.. group]);
                product = 1;
                group.Clear();
            }

            product *= (uint)prime;
            group.Add(prime);
        }

        yield return new Sieve(product, [.. group]);
    }

    private sealed record Sieve(uint Product, int[] Primes);
}
