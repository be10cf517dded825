using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber CertificateSerialNumber }
/// </code>
/// GM/T 0010-2012 §6.7, RFC 2315 §6.7.
/// </summary>
public sealed record IssuerAndSerialNumber(Name Issuer, SerialNumber SerialNumber) : IDer<IssuerAndSerialNumber>
{
    public static IssuerAndSerialNumber Of(Certificate certificate) => new(certificate.Tbs.Issuer, certificate.Tbs.SerialNumber);

    public static IssuerAndSerialNumber Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        Name issuer = Name.Read(sequence);
        SerialNumber serialNumber = SerialNumber.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return new IssuerAndSerialNumber(issuer, serialNumber);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Issuer.Write(writer);
            SerialNumber.Write(writer);
        }
    }
}
