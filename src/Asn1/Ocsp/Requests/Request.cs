using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 6960 §4.1.1.
/// </summary>
public sealed class Request(CertId reqCert, Extensions? singleRequestExtensions = null) : IDer<Request>
{
    public CertId ReqCert { get; } = reqCert;

    public Extensions? SingleRequestExtensions { get; } = singleRequestExtensions;

    public static Request Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var request = new Request(CertId.Read(sequence), sequence.ReadOptionalExplicit<Extensions>(Tags.Context0));
        sequence.ThrowIfNotEmpty();
        return request;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            ReqCert.Write(writer);
            writer.WriteOptionalExplicit(SingleRequestExtensions, Tags.Context0);
        }
    }
}
