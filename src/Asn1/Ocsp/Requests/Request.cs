using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 6960 §4.1.1.
/// </summary>
public sealed record Request(CertId ReqCert, Extensions? SingleRequestExtensions = null) : IDer<Request>
{
    public static Request Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var request = new Request(CertId.Read(sequence), OcspFields.ReadOptional<Extensions>(sequence, Tags.Context0));
        sequence.ThrowIfNotEmpty();
        return request;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            ReqCert.Write(writer);
            OcspFields.WriteOptional(writer, SingleRequestExtensions, Tags.Context0);
        }
    }
}
