using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// Signature ::= SEQUENCE {
///     signatureAlgorithm AlgorithmIdentifier,
///     signature          BIT STRING,
///     certs          [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// </code>
/// RFC 6960 §4.1.1: the requestor's, over the DER of TBSRequest.
/// </summary>
public sealed class Signature(
    AlgorithmIdentifier signatureAlgorithm,
    ReadOnlyMemory<byte> value,
    IReadOnlyList<Certificate>? certificates = null) : IDer<Signature>
{
    public AlgorithmIdentifier SignatureAlgorithm { get; } = signatureAlgorithm;

    /// <summary>For SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA the bytes of PKCS #1.</summary>
    public ReadOnlyMemory<byte> Value { get; } = value;

    /// <summary>Null when absent.</summary>
    public IReadOnlyList<Certificate>? Certificates { get; } = certificates is null ? null : Require.NoNull(certificates);

    public static Signature Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var signature = new Signature(
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadByteBitString(),
            OcspFields.ReadCertificates(sequence));
        sequence.ThrowIfNotEmpty();
        return signature;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            SignatureAlgorithm.Write(writer);
            writer.WriteBitString(Value.Span);
            OcspFields.WriteCertificates(writer, Certificates);
        }
    }
}
