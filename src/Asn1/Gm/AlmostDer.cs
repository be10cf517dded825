using System.Buffers;
using System.Formats.Asn1;

namespace ZwCa.Asn1.Gm;

/// <summary>
/// Tolerance: what CAs and toolkits sign, seal and publish that is DER but for two habits. An INTEGER of 32 bytes has its top bit set and
/// lacks the sign octet 00 (S in the example certificate of GM/T 0015-2012 annex D, X and Y in a published SM2EnvelopedKey); a length is in the long
/// form where the short one would do (<c>81 79</c>, SM2Cipher of a licensed CA). Only the DecodeLenient methods come here; nothing is written so.
/// </summary>
internal static class AlmostDer
{
    /// <summary>SM2EnvelopedKey has two levels.</summary>
    private const int MaxDepth = 4;

    private const byte IndefiniteLength = 0x80;

    /// <summary>The repair of <see cref="Der.Decode{T}(ReadOnlyMemory{byte}, Func{ReadOnlyMemory{byte}, ReadOnlyMemory{byte}})"/>.</summary>
    /// <returns>The same value in DER; the input as it was when it is something else, so that decoding tells what is wrong.</returns>
    public static ReadOnlyMemory<byte> ToDer(ReadOnlyMemory<byte> bytes)
    {
        var der = new ArrayBufferWriter<byte>();
        return TryConvert(bytes.Span, der, MaxDepth) ? der.WrittenMemory : bytes;
    }

    private static bool TryConvert(ReadOnlySpan<byte> elements, ArrayBufferWriter<byte> der, int depth)
    {
        Span<byte> header = stackalloc byte[DerHeader.MaxLength];
        ReadOnlySpan<byte> signOctet = [0x00];
        while (!elements.IsEmpty)
        {
            // BER for the sake of long lengths only: indefinite ones, whose end the decoder would search through all levels, and tags of
            // several bytes are not converted.
            if (depth == 0
                || elements is not [var identifier, not IndefiniteLength, ..]
                || (identifier & 0x1f) == 0x1f
                || !AsnDecoder.TryReadEncodedValue(elements, AsnEncodingRules.BER, out Asn1Tag tag, out int start, out int length, out int consumed))
            {
                return false;
            }

            ReadOnlySpan<byte> content = elements.Slice(start, length);
            if (tag == Asn1Tag.Sequence)
            {
                var inner = new ArrayBufferWriter<byte>();
                if (!TryConvert(content, inner, depth - 1))
                {
                    return false;
                }

                content = inner.WrittenSpan;
            }

            bool needsSignOctet = tag == Asn1Tag.Integer && length == Integer256.Length && content[0] >= 0x80;
            der.Write(header[..DerHeader.Write(header, identifier, content.Length + (needsSignOctet ? 1 : 0))]);
            if (needsSignOctet)
            {
                der.Write(signOctet);
            }

            der.Write(content);
            elements = elements[consumed..];
        }

        return true;
    }
}
