using System.Formats.Asn1;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Hsm.Pkcs11;

/// <summary>A public key, from and to the attributes in which PKCS#11 keeps it.</summary>
internal static class PublicKeyAttributes
{
    private const int PointLength = 65;

    /// <summary>CKA_EC_PARAMS of P-256: its OID (PKCS#11 v2.40 current mechanisms §2.3.3).</summary>
    public static byte[] P256Parameters { get; } = Oid(Oids.P256);

    /// <summary>CKA_PUBLIC_EXPONENT of the keys made: 65537.</summary>
    public static byte[] PublicExponent { get; } = [1, 0, 1];

    /// <returns>Null where the driver has no such kind of key: another size.</returns>
    public static (HsmKeyKind Kind, SubjectPublicKeyInfo PublicKey)? Rsa(byte[] modulus, byte[] publicExponent)
    {
        var key = new RsaPublicKey(modulus, publicExponent);
        HsmKeyKind? kind = (key.Modulus.Length, key.Modulus.Span[0] >= 0x80) switch
        {
            (256, true) => HsmKeyKind.Rsa2048,
            (384, true) => HsmKeyKind.Rsa3072,
            (512, true) => HsmKeyKind.Rsa4096,
            _ => null,
        };
        return kind is { } known ? (known, SubjectPublicKeyInfo.ForRsa(key)) : null;
    }

    /// <param name="point">CKA_EC_POINT: an OCTET STRING around 04‖X‖Y; some devices leave the OCTET STRING out.</param>
    /// <returns>Null where the driver has no such kind of key: another curve.</returns>
    public static (HsmKeyKind Kind, SubjectPublicKeyInfo PublicKey)? Ec(ReadOnlySpan<byte> parameters, byte[] point)
    {
        if (!parameters.SequenceEqual(P256Parameters))
        {
            return null;
        }

        byte[] raw = point is [0x04, PointLength, 0x04, ..] && point.Length == PointLength + 2 ? point[2..] : point;
        return raw is [0x04, ..] && raw.Length == PointLength ? (HsmKeyKind.P256, SubjectPublicKeyInfo.ForP256(raw)) : null;
    }

    private static byte[] Oid(string oid)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(oid);
        return writer.Encode();
    }
}
