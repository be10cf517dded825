using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>Fields that requests and responses share; the tags of the OCSP module are explicit throughout (RFC 6960 appendix B.1).</summary>
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

    /// <summary><c>certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL</c>.</summary>
    public static IReadOnlyList<Certificate>? ReadCertificates(AsnReader sequence) =>
        sequence.NextIs(Tags.Context0) ? sequence.ReadExplicit(Tags.Context0, c => c.ReadSequence().ReadAll<Certificate>()) : null;

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
