using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>
/// <code>
/// KMRespond ::= SEQUENCE {
///     ksRespond          KSRespond,
///     signatureAlgorithm AlgorithmIdentifier,
///     signatureValue     OCTET STRING }
/// </code>
/// GM/T 0014-2012 §5.2.3, from the KM to the CA. What is signed is the DER of ksRespond, for SM2 preceded by Z:
/// <see cref="KsRespondBytes"/>, which are kept as read. Verify those, never a re-encoding.
/// </summary>
public sealed class KmRespond : IDer<KmRespond>
{
    private KmRespond(
        KsRespond ksRespond, ReadOnlyMemory<byte> ksRespondBytes, AlgorithmIdentifier signatureAlgorithm, ReadOnlyMemory<byte> signatureValue)
    {
        KsRespond = ksRespond;
        KsRespondBytes = ksRespondBytes;
        SignatureAlgorithm = signatureAlgorithm;
        SignatureValue = signatureValue;
    }

    public KsRespond KsRespond { get; }

    /// <summary>The DER of ksRespond, tag and length included.</summary>
    public ReadOnlyMemory<byte> KsRespondBytes { get; }

    /// <summary>SM2 with SM3. Outside the signature: whoever verifies decides the algorithm by the key, not by this.</summary>
    public AlgorithmIdentifier SignatureAlgorithm { get; }

    /// <summary>For SM2 the DER of <see cref="Sm2Signature"/>; read it with <see cref="DecodeSm2Signature"/>.</summary>
    public ReadOnlyMemory<byte> SignatureValue { get; }

    /// <summary>Puts a signature to the bytes that were signed.</summary>
    /// <param name="ksRespondBytes">DER of a <see cref="KeyManagement.KsRespond"/>; kept, not copied.</param>
    /// <param name="signature">For SM2 the DER of <see cref="Sm2Signature"/>, not the 64 bytes r‖s; kept, not copied.</param>
    /// <exception cref="DerException">One of them is something else.</exception>
    public static KmRespond Assemble(ReadOnlyMemory<byte> ksRespondBytes, AlgorithmIdentifier algorithm, ReadOnlyMemory<byte> signature)
    {
        KeyManagementFields.CheckSignature(algorithm, signature);
        return new KmRespond(Der.Decode<KsRespond>(ksRespondBytes), ksRespondBytes, algorithm, signature);
    }

    /// <summary>The CA's way in: <see cref="Der.Decode{T}(ReadOnlyMemory{byte})"/> with limits.</summary>
    /// <param name="maxBytes">Longer input is refused unread.</param>
    /// <param name="maxResponds">Limit of respondList.</param>
    /// <exception cref="DerException">Not a KMRespond, or beyond a limit.</exception>
    public static KmRespond Decode(ReadOnlyMemory<byte> bytes, int maxBytes, int maxResponds)
    {
        KeyManagementFields.CheckLength(bytes, maxBytes);
        KmRespond respond = Der.Decode<KmRespond>(bytes);
        int count = respond.KsRespond.RespondList.Count;
        return count <= maxResponds ? respond : throw new DerException($"A KMRespond with {count} answers; the limit is {maxResponds}.");
    }

    /// <summary>Tolerance: also the 64 bytes r‖s; see Sm2Signature.</summary>
    /// <exception cref="DerException">Neither form.</exception>
    public Sm2Signature DecodeSm2Signature() => Sm2Signature.DecodeOctets(SignatureValue);

    public static KmRespond Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        ReadOnlyMemory<byte> ksRespondBytes = sequence.PeekEncodedValue();
        var respond = new KmRespond(
            KsRespond.Read(sequence),
            ksRespondBytes,
            AlgorithmIdentifier.Read(sequence),
            sequence.ReadOctets());
        sequence.ThrowIfNotEmpty();
        return respond;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(KsRespondBytes.Span);
            SignatureAlgorithm.Write(writer);
            writer.WriteOctetString(SignatureValue.Span);
        }
    }
}
