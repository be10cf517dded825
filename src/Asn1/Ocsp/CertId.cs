using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// CertID ::= SEQUENCE {
///     hashAlgorithm  AlgorithmIdentifier,
///     issuerNameHash OCTET STRING,
///     issuerKeyHash  OCTET STRING,
///     serialNumber   CertificateSerialNumber }
/// </code>
/// RFC 6960 §4.1.1. A response must carry the identifier exactly as it was asked, hash algorithm, absent or NULL parameters and all, because
/// clients compare it byte for byte; equality here is that comparison.
/// </summary>
/// <param name="IssuerNameHash">Over the DER of the issuer's Name.</param>
/// <param name="IssuerKeyHash">Over the value of the issuer's subjectPublicKey, without tag, length and unused bits.</param>
public sealed record CertId(
    AlgorithmIdentifier HashAlgorithm,
    ReadOnlyMemory<byte> IssuerNameHash,
    ReadOnlyMemory<byte> IssuerKeyHash,
    SerialNumber SerialNumber) : IDer<CertId>
{
    public static CertId Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var certId = new CertId(
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadOctets(),
            sequence.ReadOctets(),
            SerialNumber.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return certId;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            HashAlgorithm.Write(writer);
            writer.WriteOctetString(IssuerNameHash.Span);
            writer.WriteOctetString(IssuerKeyHash.Span);
            SerialNumber.Write(writer);
        }
    }

    public bool Equals(CertId? other) =>
        other is not null
        && SerialNumber == other.SerialNumber
        && HashAlgorithm == other.HashAlgorithm
        && IssuerNameHash.ContentEquals(other.IssuerNameHash)
        && IssuerKeyHash.ContentEquals(other.IssuerKeyHash);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(SerialNumber.Content);
        hash.AddBytes(IssuerKeyHash.Span);
        return hash.ToHashCode();
    }
}
