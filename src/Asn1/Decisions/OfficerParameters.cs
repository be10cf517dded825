using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>
/// <code>
/// OfficerChange ::= SEQUENCE { officer CertificateSerialNumber, reason UTF8String }
/// </code>
/// Parameters of the commands that disable or re-certify an officer.
/// </summary>
/// <param name="Officer">Serial number of his present certificate.</param>
/// <param name="Reason">1 to 256 characters, for the record.</param>
public sealed record OfficerChange(SerialNumber Officer, string Reason) : IDer<OfficerChange>
{
    public SerialNumber Officer { get; } = Require.NotNull(Officer);

    public string Reason { get; } = CustodyFields.Text(Reason, nameof(Reason));

    public static OfficerChange Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var change = new OfficerChange(SerialNumber.Read(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return change;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Officer.Write(writer);
            CustodyFields.WriteText(writer, Reason);
        }
    }
}

/// <summary>
/// <code>
/// CertificateReplacement ::= SEQUENCE { officer CertificateSerialNumber, certificate Certificate }
/// </code>
/// Parameters of the command that gives an officer another certificate.
/// </summary>
/// <param name="Officer">Serial number of the certificate that is replaced.</param>
public sealed record CertificateReplacement(SerialNumber Officer, Certificate Certificate) : IDer<CertificateReplacement>
{
    public SerialNumber Officer { get; } = Require.NotNull(Officer);

    public Certificate Certificate { get; } = Require.NotNull(Certificate);

    public static CertificateReplacement Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var replacement = new CertificateReplacement(SerialNumber.Read(sequence), Certificate.Read(sequence));
        sequence.ThrowIfNotEmpty();
        return replacement;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            Officer.Write(writer);
            Certificate.Write(writer);
        }
    }
}

/// <summary>
/// <code>
/// RegionEntry ::= SEQUENCE { code PrintableString (SIZE (6)), parent PrintableString (SIZE (6)), name UTF8String }
/// </code>
/// Parameters of the command that registers a region.
/// </summary>
/// <param name="Code">GB/T 2260, six digits, as is the parent's.</param>
/// <param name="Name">1 to 256 characters.</param>
public sealed record RegionEntry(string Code, string Parent, string Name) : IDer<RegionEntry>
{
    public string Code { get; } = CustodyFields.Region(Code, nameof(Code));

    public string Parent { get; } = CustodyFields.Region(Parent, nameof(Parent));

    public string Name { get; } = CustodyFields.Text(Name, nameof(Name));

    public static RegionEntry Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var entry = new RegionEntry(CustodyFields.ReadRegion(sequence), CustodyFields.ReadRegion(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return entry;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteRegion(writer, Code);
            CustodyFields.WriteRegion(writer, Parent);
            CustodyFields.WriteText(writer, Name);
        }
    }
}
