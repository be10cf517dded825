using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>Explicitly tagged fields, which the OCSP module has throughout (RFC 6960 appendix B.1: EXPLICIT TAGS).</summary>
internal static class OcspFields
{
    /// <summary><c>version [0] EXPLICIT Version DEFAULT v1</c>: no version but v1 exists, and DER leaves a default out.</summary>
    public static void ReadVersion(AsnReader sequence)
    {
        if (sequence.NextIs(Tags.Context0))
        {
            throw new AsnContentException("The only version is the default v1, which must be absent.");
        }
    }

    public static T? ReadOptional<T>(AsnReader sequence, Asn1Tag tag)
        where T : class, IDer<T> =>
        sequence.NextIs(tag) ? ReadExplicit<T>(sequence, tag) : null;

    public static T ReadExplicit<T>(AsnReader sequence, Asn1Tag tag)
        where T : IDer<T>
    {
        AsnReader content = sequence.ReadSequence(tag);
        T value = T.Read(content);
        content.ThrowIfNotEmpty();
        return value;
    }

    public static void WriteOptional<T>(AsnWriter writer, T? value, Asn1Tag tag)
        where T : class, IDer<T>
    {
        if (value is not null)
        {
            using (writer.PushSequence(tag))
            {
                value.Write(writer);
            }
        }
    }

    /// <summary><c>certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL</c>.</summary>
    public static IReadOnlyList<Certificate>? ReadCertificates(AsnReader sequence)
    {
        if (!sequence.NextIs(Tags.Context0))
        {
            return null;
        }

        AsnReader content = sequence.ReadSequence(Tags.Context0);
        AsnReader list = content.ReadSequence();
        content.ThrowIfNotEmpty();
        var certificates = new List<Certificate>(1);
        while (list.HasData)
        {
            certificates.Add(Certificate.Read(list));
        }

        return certificates;
    }

    public static void WriteCertificates(AsnWriter writer, IReadOnlyList<Certificate>? certificates)
    {
        if (certificates is not null)
        {
            using (writer.PushSequence(Tags.Context0))
            {
                writer.WriteSequenceOf(certificates);
            }
        }
    }
}
