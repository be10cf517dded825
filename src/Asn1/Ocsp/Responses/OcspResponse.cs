using System.Formats.Asn1;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// OCSPResponseStatus ::= ENUMERATED {
///     successful (0), malformedRequest (1), internalError (2), tryLater (3), sigRequired (5), unauthorized (6) }
/// </code>
/// RFC 6960 §4.2.1.
/// </summary>
public enum ResponseStatus
{
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

/// <summary>
/// <code>
/// OCSPResponse ::= SEQUENCE { responseStatus OCSPResponseStatus, responseBytes [0] EXPLICIT ResponseBytes OPTIONAL }
/// </code>
/// RFC 6960 §4.2.1. responseBytes are there exactly when the status is successful; an error is unsigned and proves nothing.
/// </summary>
public sealed class OcspResponse : IDer<OcspResponse>
{
    private OcspResponse(ResponseStatus responseStatus, ResponseBytes? responseBytes)
    {
        ResponseStatus = responseStatus;
        ResponseBytes = responseBytes;
    }

    public ResponseStatus ResponseStatus { get; }

    public ResponseBytes? ResponseBytes { get; }

    public static OcspResponse Successful(BasicOcspResponse response) =>
        new(ResponseStatus.Successful, new ResponseBytes(Oids.OcspBasic, Der.Encode(response)));

    /// <exception cref="ArgumentOutOfRangeException">Successful, or not a status.</exception>
    public static OcspResponse Error(ResponseStatus status) =>
        status != ResponseStatus.Successful && Enum.IsDefined(status)
            ? new OcspResponse(status, null)
            : throw new ArgumentOutOfRangeException(nameof(status), status, "Not an error of RFC 6960.");

    /// <exception cref="DerException">The status is an error, the type is not basic, or the bytes are not a BasicOCSPResponse.</exception>
    public BasicOcspResponse DecodeBasic() =>
        ResponseBytes is { ResponseType: Oids.OcspBasic } bytes
            ? Der.Decode<BasicOcspResponse>(bytes.Response)
            : throw new DerException($"No basic response; the status is {ResponseStatus}.");

    public static OcspResponse Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var status = sequence.ReadEnumeratedValue<ResponseStatus>();
        ResponseBytes? responseBytes = sequence.ReadOptionalExplicit<ResponseBytes>(Tags.Context0);
        sequence.ThrowIfNotEmpty();
        return Enum.IsDefined(status) && responseBytes is not null == (status == ResponseStatus.Successful)
            ? new OcspResponse(status, responseBytes)
            : throw new AsnContentException("A known status; bytes with success and only with it.");
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEnumeratedValue(ResponseStatus);
            writer.WriteOptionalExplicit(ResponseBytes, Tags.Context0);
        }
    }
}

/// <summary>
/// <code>
/// ResponseBytes ::= SEQUENCE { responseType OBJECT IDENTIFIER, response OCTET STRING }
/// </code>
/// RFC 6960 §4.2.1.
/// </summary>
public sealed class ResponseBytes(string responseType, ReadOnlyMemory<byte> response) : IDer<ResponseBytes>
{
    /// <summary>Dotted OID; id-pkix-ocsp-basic.</summary>
    public string ResponseType { get; } = Require.Oid(responseType);

    /// <summary>DER of the type's value.</summary>
    public ReadOnlyMemory<byte> Response { get; } = response;

    public static ResponseBytes Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var bytes = new ResponseBytes(sequence.ReadObjectIdentifier(), sequence.ReadOctets());
        sequence.ThrowIfNotEmpty();
        return bytes;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(ResponseType);
            writer.WriteOctetString(Response.Span);
        }
    }
}
