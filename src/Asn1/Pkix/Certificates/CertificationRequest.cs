using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CertificationRequest ::= SEQUENCE {
///     certificationRequestInfo CertificationRequestInfo, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
/// </code>
/// RFC 2986 §4.2 (PKCS #10). The signature, the proof of possession, is over <see cref="InfoBytes"/>, which are kept as read.
/// </summary>
public sealed class CertificationRequest : IDer<CertificationRequest>
{
    private CertificationRequest(
        CertificationRequestInfo info,
        ReadOnlyMemory<byte> infoBytes,
        AlgorithmIdentifier signatureAlgorithm,
        ReadOnlyMemory<byte> signature)
    {
        Info = info;
        InfoBytes = infoBytes;
        SignatureAlgorithm = signatureAlgorithm;
        Signature = signature;
    }

    public CertificationRequestInfo Info { get; }

    /// <summary>The DER of certificationRequestInfo.</summary>
    public ReadOnlyMemory<byte> InfoBytes { get; }

    public AlgorithmIdentifier SignatureAlgorithm { get; }

    public ReadOnlyMemory<byte> Signature { get; }

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="infoBytes">DER of a <see cref="CertificationRequestInfo"/>; kept, not copied.</param>
    /// <exception cref="DerException"><paramref name="infoBytes"/> are not a CertificationRequestInfo.</exception>
    public static CertificationRequest Assemble(ReadOnlyMemory<byte> infoBytes, AlgorithmIdentifier signatureAlgorithm, ReadOnlyMemory<byte> signature) =>
        new(Der.Decode<CertificationRequestInfo>(infoBytes), infoBytes, Require.NotNull(signatureAlgorithm), signature);

    public static CertificationRequest Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> infoBytes = sequence.PeekEncodedValue();
        CertificationRequestInfo info = CertificationRequestInfo.Read(sequence);
        AlgorithmIdentifier signatureAlgorithm = AlgorithmIdentifier.Read(sequence);
        ReadOnlyMemory<byte> signature = sequence.ReadByteBitString();
        sequence.ThrowIfNotEmpty();
        return new CertificationRequest(info, infoBytes, signatureAlgorithm, signature);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(InfoBytes.Span);
            SignatureAlgorithm.Write(writer);
            writer.WriteBitString(Signature.Span);
        }
    }
}
