using System.Formats.Asn1;

namespace ZwCa.Asn1.Gm;

/// <summary>An INTEGER from 0 to 2^256 − 1 as 32 bytes, big-endian: coordinates, r and s. DER drops leading zeros; here they are put back.</summary>
internal static class Integer256
{
    public const int Length = 32;

    public static void Read(AsnReader reader, Span<byte> destination)
    {
        ReadOnlySpan<byte> content = reader.ReadIntegerBytes().Span;
        if (content[0] >= 0x80)
        {
            throw new AsnContentException("The INTEGER is negative.");
        }

        ReadOnlySpan<byte> magnitude = content.TrimStart((byte)0);
        if (magnitude.Length > Length)
        {
            throw new AsnContentException("The INTEGER has more than 256 bits.");
        }

        destination.Clear();
        magnitude.CopyTo(destination[(Length - magnitude.Length)..]);
    }

    public static void Write(AsnWriter writer, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> magnitude = value.TrimStart((byte)0);
        writer.WriteIntegerUnsigned(magnitude.IsEmpty ? [0] : magnitude);
    }
}
