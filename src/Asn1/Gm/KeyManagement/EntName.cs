using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// EntName ::= SEQUENCE {
///     hashAlgorithm AlgorithmIdentifier,
///     entName       GeneralName,
///     entPubKeyHash OCTET STRING,
///     serialNumber  CertificateSerialNumber }
/// </code>
/// GM/T 0014-2012 §5.2.3: who sends, a CA or a KM, by its certificate. A claim until the signature around it verifies with the key that
/// the receiver knows by other means. Equality is byte for byte.
/// </summary>
/// <param name="HashAlgorithm">SM3.</param>
/// <param name="Name">A directoryName; other forms are met and kept.</param>
/// <param name="EntPubKeyHash">The text does not say over what; known implementations and <see cref="Of"/> take the DER of SubjectPublicKeyInfo.</param>
/// <param name="SerialNumber">Of the sender's certificate.</param>
public sealed record EntName(
    AlgorithmIdentifier HashAlgorithm,
    GeneralName Name,
    ReadOnlyMemory<byte> EntPubKeyHash,
    SerialNumber SerialNumber) : IDer<EntName>
{
    /// <summary>The subject of a certificate, with SM3 of its SubjectPublicKeyInfo.</summary>
    public static EntName Of(Certificate certificate) => new(
        AlgorithmIdentifier.Sm3,
        new DirectoryName(certificate.Tbs.Subject),
        Sm3.HashData(Der.Encode(certificate.Tbs.SubjectPublicKeyInfo)),
        certificate.Tbs.SerialNumber);

    public static EntName Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var entName = new EntName(
            AlgorithmIdentifier.Read(sequence),
            GeneralName.Read(sequence),
            sequence.ReadOctets(),
            SerialNumber.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return entName;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            HashAlgorithm.Write(writer);
            Name.Write(writer);
            writer.WriteOctetString(EntPubKeyHash.Span);
            SerialNumber.Write(writer);
        }
    }

    public bool Equals(EntName? other) => other is not null && Der.Encode(this).AsSpan().SequenceEqual(Der.Encode(other));

    public override int GetHashCode() => SerialNumber.GetHashCode();
}
