using System.Security.Cryptography;

namespace ZwCa.HsmSim.Store;

/// <summary>
/// Shamir's secret sharing over GF(2⁸) modulo x⁸ + x⁴ + x³ + x + 1: byte by byte, the secret is the value at 0 of a polynomial of degree
/// m − 1 whose other coefficients are random, a share its value at the share's index. No table and no branch depends on a secret.
/// </summary>
internal static class SecretSharing
{
    public const int MaxShares = 255;

    // x⁸ is that modulo the polynomial.
    private const int Reduction = 0x1b;

    /// <param name="threshold">m, from 2.</param>
    /// <param name="shares">n buffers as long as the secret, for the indices 1 to n; secret, pinned by the caller.</param>
    public static void Split(ReadOnlySpan<byte> secret, int threshold, IReadOnlyList<byte[]> shares)
    {
        if (threshold < 2 || threshold > shares.Count || shares.Count > MaxShares)
        {
            throw new ArgumentOutOfRangeException(nameof(threshold));
        }

        Span<byte> coefficients = stackalloc byte[threshold - 1];
        for (int i = 0; i < secret.Length; i++)
        {
            RandomNumberGenerator.Fill(coefficients);
            for (int share = 0; share < shares.Count; share++)
            {
                // Horner, from the highest coefficient down to the secret.
                int value = 0;
                for (int c = 0; c < coefficients.Length; c++)
                {
                    value = Multiply(value ^ coefficients[c], share + 1);
                }

                shares[share][i] = (byte)(value ^ secret[i]);
            }
        }

        CryptographicOperations.ZeroMemory(coefficients);
    }

    /// <param name="indices">m different indices from 1 to 255, not secret.</param>
    /// <param name="shares">Of these indices.</param>
    /// <param name="secret">As long as a share. With fewer than m shares it is no more than some bytes.</param>
    public static void Combine(IReadOnlyList<int> indices, IReadOnlyList<byte[]> shares, Span<byte> secret)
    {
        if (indices.Count != shares.Count || indices.Distinct().Count() != indices.Count || indices.Any(i => i is < 1 or > MaxShares))
        {
            throw new ArgumentException("The indices are distinct and from 1 to 255.", nameof(indices));
        }

        secret.Clear();
        for (int i = 0; i < shares.Count; i++)
        {
            // Lagrange at 0: the product over j of x_j / (x_j − x_i).
            int weight = 1;
            foreach (int other in indices)
            {
                if (other != indices[i])
                {
                    weight = Multiply(weight, Multiply(other, Invert(other ^ indices[i])));
                }
            }

            for (int b = 0; b < secret.Length; b++)
            {
                secret[b] ^= (byte)Multiply(shares[i][b], weight);
            }
        }
    }

    /// <summary>The product of two bytes: as many steps whatever they are.</summary>
    internal static int Multiply(int a, int b)
    {
        int product = 0;
        for (int bit = 0; bit < 8; bit++)
        {
            product ^= a & -((b >> bit) & 1);
            a = ((a << 1) & 0xff) ^ (Reduction & -(a >> 7));
        }

        return product;
    }

    // a²⁵⁴.
    private static int Invert(int a)
    {
        int inverse = 1;
        int power = a;
        for (int bit = 1; bit < 8; bit++)
        {
            power = Multiply(power, power);
            inverse = Multiply(inverse, power);
        }

        return inverse;
    }
}
