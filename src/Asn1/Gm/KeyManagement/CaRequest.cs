using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// CARequest ::= SEQUENCE {
///     ksRequest          KSRequest,
///     signatureAlgorithm AlgorithmIdentifier,
///     signatureValue     OCTET STRING }
/// </code>
/// GM/T 0014-2012 §5.2.3.1, from the CA to the KM. What is signed is the DER of ksRequest, for SM2 preceded by Z:
/// <see cref="KsRequestBytes"/>, which are kept as read. Verify those, never a re-encoding.
/// </summary>
public sealed class CaRequest : IDer<CaRequest>
{
    private CaRequest(
        KsRequest ksRequest, ReadOnlyMemory<byte> ksRequestBytes, AlgorithmIdentifier signatureAlgorithm, ReadOnlyMemory<byte> signatureValue)
    {
        KsRequest = ksRequest;
        KsRequestBytes = ksRequestBytes;
        SignatureAlgorithm = signatureAlgorithm;
        SignatureValue = signatureValue;
    }

    public KsRequest KsRequest { get; }

    /// <summary>The DER of ksRequest, tag and length included.</summary>
    public ReadOnlyMemory<byte> KsRequestBytes { get; }

    /// <summary>SM2 with SM3. Outside the signature: whoever verifies decides the algorithm by the key, not by this.</summary>
    public AlgorithmIdentifier SignatureAlgorithm { get; }

    /// <summary>For SM2 the DER of <see cref="Sm2Signature"/>; read it with <see cref="DecodeSm2Signature"/>.</summary>
    public ReadOnlyMemory<byte> SignatureValue { get; }

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="ksRequestBytes">DER of a <see cref="KeyManagement.KsRequest"/>; kept, not copied.</param>
    /// <param name="signature">For SM2 the DER of <see cref="Sm2Signature"/>, not the 64 bytes r‖s; kept, not copied.</param>
    /// <exception cref="DerException">One of them is something else.</exception>
    public static CaRequest Assemble(ReadOnlyMemory<byte> ksRequestBytes, AlgorithmIdentifier algorithm, ReadOnlyMemory<byte> signature)
    {
        KeyManagementFields.CheckSignature(algorithm, signature);
        return new CaRequest(Der.Decode<KsRequest>(ksRequestBytes), ksRequestBytes, algorithm, signature);
    }

    /// <summary>The KM's and its device's way in: <see cref="Der.Decode{T}(ReadOnlyMemory{byte})"/> with limits.</summary>
    /// <param name="maxBytes">Longer input is refused unread.</param>
    /// <param name="maxRequests">Limit of requestList.</param>
    /// <exception cref="DerException">Not a CARequest, or beyond a limit.</exception>
    public static CaRequest Decode(ReadOnlyMemory<byte> bytes, int maxBytes, int maxRequests)
    {
        KeyManagementFields.CheckLength(bytes, maxBytes);
        CaRequest request = Der.Decode<CaRequest>(bytes);
        int count = request.KsRequest.RequestList.Count;
        return count <= maxRequests ? request : throw new DerException($"A CARequest with {count} requests; the limit is {maxRequests}.");
    }

    /// <summary>Tolerance: also the 64 bytes r‖s; see Sm2Signature.</summary>
    /// <exception cref="DerException">Neither form.</exception>
    public Sm2Signature DecodeSm2Signature() => Sm2Signature.DecodeOctets(SignatureValue);

    public static CaRequest Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> ksRequestBytes = sequence.PeekEncodedValue();
        var request = new CaRequest(
            KsRequest.Read(sequence),
            ksRequestBytes,
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadOctets());
        sequence.ThrowIfNotEmpty();
        return request;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(KsRequestBytes.Span);
            SignatureAlgorithm.Write(writer);
            writer.WriteOctetString(SignatureValue.Span);
        }
    }
}
