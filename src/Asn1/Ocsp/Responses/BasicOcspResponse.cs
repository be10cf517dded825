using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// BasicOCSPResponse ::= SEQUENCE {
///     tbsResponseData    ResponseData,
///     signatureAlgorithm AlgorithmIdentifier,
///     signature          BIT STRING,
///     certs          [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// </code>
/// RFC 6960 §4.2.1. The signature is over <see cref="TbsBytes"/>, which are kept as read: verify those, never a re-encoding.
/// </summary>
public sealed class BasicOcspResponse : IDer<BasicOcspResponse>
{
    private BasicOcspResponse(
        ResponseData tbs,
        ReadOnlyMemory<byte> tbsBytes,
        AlgorithmIdentifier signatureAlgorithm,
        ReadOnlyMemory<byte> signature,
        IReadOnlyList<Certificate>? certificates)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        SignatureAlgorithm = signatureAlgorithm;
        Signature = signature;
        Certificates = certificates is null ? null : Require.NoNull(certificates);
    }

    public ResponseData Tbs { get; }

    /// <summary>The DER of tbsResponseData.</summary>
    public ReadOnlyMemory<byte> TbsBytes { get; }

    public AlgorithmIdentifier SignatureAlgorithm { get; }

    /// <summary>For SM2 and ECDSA the DER of SEQUENCE { r, s }, for RSA the bytes of PKCS #1.</summary>
    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>Null when absent.</summary>
    public IReadOnlyList<Certificate>? Certificates { get; }

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="tbsBytes">DER of a <see cref="ResponseData"/>; kept, not copied.</param>
    /// <exception cref="DerException"><paramref name="tbsBytes"/> are not a ResponseData.</exception>
    public static BasicOcspResponse Assemble(
        ReadOnlyMemory<byte> tbsBytes,
        AlgorithmIdentifier signatureAlgorithm,
        ReadOnlyMemory<byte> signature,
        IReadOnlyList<Certificate>? certificates = null) =>
        new(Der.Decode<ResponseData>(tbsBytes), tbsBytes, signatureAlgorithm, signature, certificates);

    public static BasicOcspResponse Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        var response = new BasicOcspResponse(
            ResponseData.Read(sequence),
            tbsBytes,
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadByteBitString(),
            OcspFields.ReadCertificates(sequence));
        sequence.ThrowIfNotEmpty();
        return response;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(TbsBytes.Span);
            SignatureAlgorithm.Write(writer);
            writer.WriteBitString(Signature.Span);
            OcspFields.WriteCertificates(writer, Certificates);
        }
    }
}
