using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Ocsp;

/// <summary>The digests that a CertID is met with; SHA-1 is what clients use unless told otherwise.</summary>
public enum CertIdHash
{
    Sha1,
    Sha256,
    Sm3,
}

internal static class CertIds
{
    public static CertId Of(Holder holder, Holder issuer, CertIdHash hash) => Of(holder.Certificate.Tbs.SerialNumber, issuer.Certificate, hash);

    /// <summary>The parameters are NULL, as openssl writes them.</summary>
    public static CertId Of(SerialNumber serialNumber, Certificate issuer, CertIdHash hash) => new(
        new AlgorithmIdentifier(Oid(hash), new byte[] { 0x05, 0x00 }),
        Hash(hash, issuer.Tbs.Subject.Encoded.Span),
        Hash(hash, issuer.Tbs.SubjectPublicKeyInfo.PublicKey.Span),
        serialNumber);

    public static string Option(this CertIdHash hash) => "-" + hash.ToString().ToLowerInvariant();

    private static string Oid(CertIdHash hash) => hash switch
    {
        CertIdHash.Sha1 => Oids.Sha1,
        CertIdHash.Sha256 => Oids.Sha256,
        _ => Oids.Sm3,
    };

    private static byte[] Hash(CertIdHash hash, ReadOnlySpan<byte> data) => hash switch
    {
        CertIdHash.Sha1 => SHA1.HashData(data),
        CertIdHash.Sha256 => SHA256.HashData(data),
        _ => Sm3.HashData(data),
    };
}
