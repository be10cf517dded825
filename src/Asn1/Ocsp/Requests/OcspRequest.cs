using System.Formats.Asn1;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
/// </code>
/// RFC 6960 §4.1.1. A signature is over <see cref="TbsBytes"/>, which are kept as read.
/// </summary>
public sealed class OcspRequest : IDer<OcspRequest>
{
    /// <summary>Unsigned.</summary>
    public OcspRequest(TbsRequest tbs)
        : this(tbs, Der.Encode(tbs), null)
    {
    }

    private OcspRequest(TbsRequest tbs, ReadOnlyMemory<byte> tbsBytes, Signature? optionalSignature)
    {
        Tbs = tbs;
        TbsBytes = tbsBytes;
        OptionalSignature = optionalSignature;
    }

    public TbsRequest Tbs { get; }

    /// <summary>The DER of tbsRequest.</summary>
    public ReadOnlyMemory<byte> TbsBytes { get; }

    public Signature? OptionalSignature { get; }

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="tbsBytes">DER of a <see cref="TbsRequest"/>; kept, not copied.</param>
    /// <exception cref="DerException"><paramref name="tbsBytes"/> are not a TBSRequest.</exception>
    public static OcspRequest Assemble(ReadOnlyMemory<byte> tbsBytes, Signature signature) =>
        new(Der.Decode<TbsRequest>(tbsBytes), tbsBytes, signature);

    /// <summary>The responder's way in: <see cref="Der.Decode{T}(ReadOnlyMemory{byte})"/> with limits, for bytes that anybody may send.</summary>
    /// <param name="maxBytes">Longer input is refused unread.</param>
    /// <param name="maxRequests">Limit of requestList.</param>
    /// <exception cref="DerException">Not an OCSPRequest, or beyond a limit; the answer is malformedRequest.</exception>
    public static OcspRequest Decode(ReadOnlyMemory<byte> bytes, int maxBytes, int maxRequests)
    {
        if (bytes.Length > maxBytes)
        {
            throw new DerException($"An OCSPRequest of {bytes.Length} bytes; the limit is {maxBytes}.");
        }

        OcspRequest request = Der.Decode<OcspRequest>(bytes);
        int count = request.Tbs.RequestList.Count;
        return count <= maxRequests ? request : throw new DerException($"An OCSPRequest for {count} certificates; the limit is {maxRequests}.");
    }

    public static OcspRequest Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> tbsBytes = sequence.PeekEncodedValue();
        TbsRequest tbs = TbsRequest.Read(sequence);
        Signature? optionalSignature = sequence.ReadOptionalExplicit<Signature>(Tags.Context0);
        sequence.ThrowIfNotEmpty();
        return new OcspRequest(tbs, tbsBytes, optionalSignature);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(TbsBytes.Span);
            writer.WriteOptionalExplicit(OptionalSignature, Tags.Context0);
        }
    }
}
