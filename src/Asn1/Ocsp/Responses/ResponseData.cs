using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// ResponseData ::= SEQUENCE {
///     version            [0] EXPLICIT Version DEFAULT v1,
///     responderID            ResponderID,
///     producedAt             GeneralizedTime,
///     responses              SEQUENCE OF SingleResponse,
///     responseExtensions [1] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 6960 §4.2.1. The signature is over the bytes kept in <see cref="BasicOcspResponse.TbsBytes"/>.
/// </summary>
public sealed class ResponseData : IDer<ResponseData>
{
    /// <exception cref="ArgumentException">No response.</exception>
    public ResponseData(ResponderId responderId, Time producedAt, IReadOnlyList<SingleResponse> responses, Extensions? responseExtensions = null)
    {
        ResponderId = responderId;
        ProducedAt = producedAt;
        Responses = Require.NotEmpty(responses);
        ResponseExtensions = responseExtensions;
    }

    public ResponderId ResponderId { get; }

    public Time ProducedAt { get; }

    public IReadOnlyList<SingleResponse> Responses { get; }

    public Extensions? ResponseExtensions { get; }

    public static ResponseData Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        OcspFields.ReadVersion(sequence);
        var data = new ResponseData(
            ResponderId.Read(sequence),
            Time.ReadGeneralized(sequence),
            sequence.ReadSequenceOf<SingleResponse>(),
            sequence.ReadOptionalExplicit<Extensions>(Tags.Context1));
        sequence.ThrowIfNotEmpty();
        return data;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            ResponderId.Write(writer);
            ProducedAt.WriteGeneralized(writer);
            writer.WriteSequenceOf(Responses);
            writer.WriteOptionalExplicit(ResponseExtensions, Tags.Context1);
        }
    }
}
