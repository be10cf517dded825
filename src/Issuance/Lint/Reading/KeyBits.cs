using System.Numerics;
using ZwCa.Asn1;

namespace ZwCa.Issuance;

/// <summary>Public keys as they are on the wire.</summary>
internal static class KeyBits
{
    /// <summary>Of an INTEGER in an RSA key: 16384 bits and a sign. Longer ones are not looked at.</summary>
    public const int MaxOctets = 2049;

    private static readonly BigInteger SmallPrimes = Primes.Below(752).Aggregate(BigInteger.One, (product, prime) => product * prime);

    /// <param name="length">Octets of a coordinate.</param>
    public static bool IsUncompressed(DerNode bits, int length) => bits.Content is [0, 4, ..] && bits.Content.Length == 2 + (2 * length);

    /// <returns>Null: no NIST curve.</returns>
    public static int? CoordinateLength(string? curve) => curve switch
    {
        Oids.P256 => 32,
        "1.3.132.0.34" => 48,
        "1.3.132.0.35" => 66,
        _ => null,
    };

    /// <summary>Content of the INTEGER; empty: no RSA key of its form.</summary>
    public static ReadOnlySpan<byte> Modulus(CertificateView certificate) =>
        certificate.IsRsaKey && SignatureAlgorithms.IsPair(certificate.RsaPublicKey, MaxOctets) ? certificate.RsaPublicKey.First.Content : [];

    /// <inheritdoc cref="Modulus"/>
    public static ReadOnlySpan<byte> Exponent(CertificateView certificate) =>
        certificate.IsRsaKey && SignatureAlgorithms.IsPair(certificate.RsaPublicKey, MaxOctets) ? certificate.RsaPublicKey.First.Next.Content : [];

    /// <param name="number">Positive, as an INTEGER has it.</param>
    public static int CountBits(ReadOnlySpan<byte> number)
    {
        ReadOnlySpan<byte> digits = number.TrimStart((byte)0);
        return digits.IsEmpty ? 0 : (8 * digits.Length) - byte.LeadingZeroCount(digits[0]);
    }

    /// <summary>Below 752, of a modulus as large as they are.</summary>
    public static bool HasSmallFactor(ReadOnlySpan<byte> modulus)
    {
        BigInteger number = new(modulus, isUnsigned: true, isBigEndian: true);
        return !BigInteger.GreatestCommonDivisor(SmallPrimes, number % SmallPrimes).IsOne;
    }
}
