using System.Numerics;

namespace ZwCa.Issuance;

/// <summary>
/// CVE-2017-15361 (Nemec and others, "The Return of Coppersmith's Attack", CCS 2017): primes k·M + (65537^a mod M), where M is the product of the first
/// primes. Their product is a power of 65537 modulo M, which of all residues of M one in 2^154 is.
/// </summary>
internal static class RocaFingerprint
{
    private const int Generator = 65537;

    /// <summary>M has the primes up to this for keys of 512 bits, and these and more for longer ones.</summary>
    private const int LargestPrime = 167;

    private static readonly PowerTable[] Tables = [.. Primes.Below(LargestPrime + 1).Where(p => p > 2).Select(p => new PowerTable(p))];

    /// <summary>Whether the modulus is a power of 65537 modulo M.</summary>
    public static bool Matches(BigInteger modulus)
    {
        // By prime first: N ≡ 65537^c for some c, known modulo the order of 65537.
        Span<int> exponents = stackalloc int[Tables.Length];
        for (int i = 0; i < Tables.Length; i++)
        {
            exponents[i] = Tables[i].LogarithmOf((int)(modulus % Tables[i].Prime));
            if (exponents[i] < 0)
            {
                return false;
            }
        }

        // Then whether one c serves all primes, which by the Chinese remainder theorem it does if it serves each two of them.
        for (int i = 0; i < Tables.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                int common = (int)BigInteger.GreatestCommonDivisor(Tables[i].Order, Tables[j].Order);
                if ((exponents[i] - exponents[j]) % common != 0)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>The powers of 65537 modulo one prime.</summary>
    private sealed class PowerTable
    {
        private readonly int[] _logarithms;

        public PowerTable(int prime)
        {
            Prime = prime;
            _logarithms = new int[prime];
            _logarithms.AsSpan().Fill(-1);
            for (int power = 1; _logarithms[power] < 0; power = power * (Generator % prime) % prime)
            {
                _logarithms[power] = Order++;
            }
        }

        public int Prime { get; }

        /// <summary>How many powers there are.</summary>
        public int Order { get; private set; }

        /// <returns>c with 65537^c ≡ residue, or −1.</returns>
        public int LogarithmOf(int residue) => _logarithms[residue];
    }
}
