using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// TBSRequest ::= SEQUENCE {
///     version           [0] EXPLICIT Version DEFAULT v1,
///     requestorName     [1] EXPLICIT GeneralName OPTIONAL,
///     requestList           SEQUENCE OF Request,
///     requestExtensions [2] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 6960 §4.1.1. One request at least: an empty list asks nothing and has no answer.
/// </summary>
public sealed class TbsRequest : IDer<TbsRequest>
{
    /// <exception cref="ArgumentException">No request.</exception>
    public TbsRequest(IReadOnlyList<Request> requestList, Extensions? requestExtensions = null, GeneralName? requestorName = null)
    {
        RequestorName = requestorName;
        RequestList = Require.NotEmpty(requestList);
        RequestExtensions = requestExtensions;
    }

    public GeneralName? RequestorName { get; }

    public IReadOnlyList<Request> RequestList { get; }

    public Extensions? RequestExtensions { get; }

    public static TbsRequest Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        OcspFields.ReadVersion(sequence);
        GeneralName? requestorName = sequence.ReadOptionalExplicit<GeneralName>(Tags.Context1);
        IReadOnlyList<Request> requestList = sequence.ReadSequenceOf<Request>();
        Extensions? requestExtensions = sequence.ReadOptionalExplicit<Extensions>(Tags.Context2);
        sequence.ThrowIfNotEmpty();
        return new TbsRequest(requestList, requestExtensions, requestorName);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOptionalExplicit(RequestorName, Tags.Context1);
            writer.WriteSequenceOf(RequestList);
            writer.WriteOptionalExplicit(RequestExtensions, Tags.Context2);
        }
    }
}
