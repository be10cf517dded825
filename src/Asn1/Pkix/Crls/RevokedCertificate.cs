using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// SEQUENCE { userCertificate CertificateSerialNumber, revocationDate Time, crlEntryExtensions Extensions OPTIONAL }
/// </code>
/// RFC 5280 §5.1.2.6, an element of revokedCertificates.
/// </summary>
public sealed record RevokedCertificate(SerialNumber UserCertificate, Time RevocationDate, Extensions? CrlEntryExtensions) : IDer<RevokedCertificate>
{
    /// <summary>With the entry extensions that GM/T 0015-2012 §5.3 knows: reasonCode unless unspecified, then invalidityDate.</summary>
    public static RevokedCertificate Create(
        SerialNumber userCertificate,
        Time revocationDate,
        RevocationReason reason = RevocationReason.Unspecified,
        Time? invalidityDate = null)
    {
        var extensions = new List<Extension>(2);
        if (reason != RevocationReason.Unspecified)
        {
            extensions.Add(Extension.Create(new ReasonCode(reason), critical: false));
        }

        if (invalidityDate is { } date)
        {
            extensions.Add(Extension.Create(new InvalidityDate(date), critical: false));
        }

        return new RevokedCertificate(userCertificate, revocationDate, extensions.Count > 0 ? new Extensions(extensions) : null);
    }

    public static RevokedCertificate Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        SerialNumber userCertificate = SerialNumber.Read(sequence);
        Time revocationDate = Time.Read(sequence);
        Extensions? extensions = sequence.HasData ? Extensions.Read(sequence) : null;
        sequence.ThrowIfNotEmpty();
        return new RevokedCertificate(userCertificate, revocationDate, extensions);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            UserCertificate.Write(writer);
            RevocationDate.Write(writer);
            CrlEntryExtensions?.Write(writer);
        }
    }
}
