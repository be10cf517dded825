using System.Security.Cryptography;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>Serial numbers of certificates. Unique they are by the database that reserves them.</summary>
public static class SerialNumbers
{
    /// <summary>Octets of each: all serial numbers of ours have the same length.</summary>
    public const int Octets = 16;

    /// <summary>
    /// 126 bits of the CSPRNG behind a 0 for the sign and a 1 for the length. RFC 5280 §4.1.2.2 allows 20 octets; the CA/Browser Forum asks for 64 random bits, and 63
    /// have made a CA revoke millions (incident 1).
    /// </summary>
    public static SerialNumber Create()
    {
        Span<byte> octets = stackalloc byte[Octets];
        RandomNumberGenerator.Fill(octets);
        octets[0] = (byte)((octets[0] & 0x3f) | 0x40);
        return SerialNumber.FromBytes(octets);
    }
}
