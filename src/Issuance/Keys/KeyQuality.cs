using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Issuance;

/// <summary>
/// Whether a certificate may carry a public key: its form, its size, and the weaknesses that are known of key generators. What depends on a profile
/// (which of the algorithms, which sizes) is the profile's to say. Pure; safe for concurrent use.
/// </summary>
public static class KeyQuality
{
    /// <summary>GM/T and CA/Browser Forum BR §6.1.5 alike: nothing shorter.</summary>
    public const int MinRsaBits = 2048;

    /// <summary>Longer ones cost every verifier more than they are worth, and here they bound the work of the checks.</summary>
    public const int MaxRsaBits = 8192;

    private const int PointLength = 65;
    private const int CoordinateLength = 32;
    private const byte Uncompressed = 0x04;
    private const int MaxExponentBytes = 32;

    private static readonly AlgorithmIdentifier P256Key = AlgorithmIdentifier.EcKey(Oids.P256);

    /// <summary>Returns if <see cref="Find"/> finds nothing.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.BadPublicKey"/> with <see cref="KeyFaults.Explain"/>.</exception>
    public static void Require(SubjectPublicKeyInfo key) => Refuse(Find(key));

    /// <summary>
    /// All checks. SM2 and P-256 take some microseconds to some tens of them; RSA takes what <see cref="RsaQuality"/> says.
    /// </summary>
    /// <returns>Null: none of the faults that are looked for.</returns>
    public static KeyFault? Find(SubjectPublicKeyInfo key) =>
        FindInForm(key, out RsaPublicKey? rsa) ?? (rsa is null ? null : RsaQuality.Find(rsa));

    /// <summary>As <see cref="Require"/>, without what costs more than a signature's verification: before a proof of possession is looked at.</summary>
    internal static void RequireForm(SubjectPublicKeyInfo key) => Refuse(FindInForm(key, out _));

    private static void Refuse(KeyFault? fault)
    {
        if (fault is { } found)
        {
            throw new RefusalException(Refusal.BadPublicKey, found.Explain());
        }
    }

    /// <param name="rsa">Not null: an RSA key of the right form.</param>
    private static KeyFault? FindInForm(SubjectPublicKeyInfo key, out RsaPublicKey? rsa)
    {
        ArgumentNullException.ThrowIfNull(key);
        rsa = null;
        if (key.Algorithm == AlgorithmIdentifier.Sm2Key)
        {
            return FindInPoint(key.PublicKey.Span, static point => Sm2PublicKey.TryFromBytes(point, out _), KnownPoints.Sm2);
        }

        if (key.Algorithm == P256Key)
        {
            return FindInPoint(key.PublicKey.Span, IsOnP256, KnownPoints.P256);
        }

        return key.Algorithm == AlgorithmIdentifier.Rsa ? FindInRsaForm(key.PublicKey, out rsa) : KeyFault.Algorithm;
    }

    private static KeyFault? FindInPoint(ReadOnlySpan<byte> point, Func<ReadOnlySpan<byte>, bool> isOnCurve, KnownPoints known)
    {
        // Infinity is the single byte 00.
        if (point.Length != PointLength || point[0] != Uncompressed)
        {
            return KeyFault.PointForm;
        }

        if (!isOnCurve(point))
        {
            return KeyFault.OffCurve;
        }

        return known.Contains(point.Slice(1, CoordinateLength)) ? KeyFault.KnownKey : null;
    }

    private static bool IsOnP256(ReadOnlySpan<byte> point)
    {
        try
        {
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = point.Slice(1, CoordinateLength).ToArray(), Y = point[(1 + CoordinateLength)..].ToArray() },
            });
            return true;
        }
        catch (CryptographicException)
        {
            // The platform has no way to ask; importing is what checks the equation.
            return false;
        }
    }

    private static KeyFault? FindInRsaForm(ReadOnlyMemory<byte> encoded, out RsaPublicKey? rsa)
    {
        try
        {
            rsa = Der.Decode<RsaPublicKey>(encoded);
        }
        catch (DerException)
        {
            rsa = null;
            return KeyFault.RsaForm;
        }

        // RsaPublicKey has no leading zero.
        int bits = (rsa.Modulus.Length * 8) - byte.LeadingZeroCount(rsa.Modulus.Span[0]);
        if (bits is < MinRsaBits or > MaxRsaBits || bits % 8 != 0)
        {
            return KeyFault.RsaSize;
        }

        // FIPS 186-5 §A.1.1 and BR §6.1.6: odd, 2^16 < e < 2^256.
        ReadOnlySpan<byte> exponent = rsa.PublicExponent.Span;
        bool isLarge = exponent.Length > 3 || (exponent.Length == 3 && exponent is not [0x01, 0x00, 0x00]);
        return isLarge && exponent.Length <= MaxExponentBytes && (exponent[^1] & 1) == 1 ? null : KeyFault.RsaExponent;
    }
}
