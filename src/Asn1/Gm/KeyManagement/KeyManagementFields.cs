using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Gm.KeyManagement;

/// <summary>What requests and responses have in common.</summary>
internal static class KeyManagementFields
{
    /// <summary>The only version of KSRequest and KSRespond.</summary>
    public const int Version = 1;

    /// <summary>
    /// The fields of <c>[n] IMPLICIT SEQUENCE { … }</c>, an alternative of Request or Respond.
    /// Tolerance: a working pair of CA and KM tags the alternatives EXPLICIT. Its SEQUENCE then stands alone under the tag, which the fields
    /// of no alternative do: they begin with an INTEGER or are five and more.
    /// </summary>
    public static AsnReader ReadAlternative(AsnReader reader, out bool tagIsExplicit)
    {
        int length = reader.PeekContentBytes().Length;
        AsnReader content = reader.ReadSequence(reader.PeekTag());
        tagIsExplicit = content.NextIs(Asn1Tag.Sequence) && content.PeekEncodedValue().Length == length;
        return tagIsExplicit ? content.ReadSequence() : content;
    }

    /// <summary>What we write is strict: an SM2 signature in DER.</summary>
    /// <exception cref="DerException">The algorithm is SM2 and the signature has another form.</exception>
    public static void CheckSignature(AlgorithmIdentifier algorithm, ReadOnlyMemory<byte> signature)
    {
        if (algorithm.Algorithm == Oids.Sm3WithSm2)
        {
            Der.Decode<Sm2Signature>(signature);
        }
    }

    /// <summary>A message without limits on its size would be read from whoever reaches the port.</summary>
    /// <exception cref="DerException">Too long; the bytes are not looked at.</exception>
    public static void CheckLength(ReadOnlyMemory<byte> bytes, int maxBytes)
    {
        if (bytes.Length > maxBytes)
        {
            throw new DerException($"A message of {bytes.Length} bytes; the limit is {maxBytes}.");
        }
    }
}
