using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// UniqueIdentifier ::= BIT STRING
/// </code>
/// RFC 5280 §4.1.2.8; read, never made (GM/T 0015-2012 §5.2: must not be generated).
/// </summary>
/// <param name="Bits">The bits, first bit first; unused bits of the last byte are zero.</param>
/// <param name="UnusedBits">0 to 7.</param>
public sealed record UniqueIdentifier(ReadOnlyMemory<byte> Bits, int UnusedBits)
{
    public bool Equals(UniqueIdentifier? other) => other is not null && UnusedBits == other.UnusedBits && Bits.ContentEquals(other.Bits);

    public override int GetHashCode() => HashCode.Combine(UnusedBits, Bits.ContentHash());

    internal static UniqueIdentifier Read(AsnReader reader, Asn1Tag tag) => new(reader.ReadBitString(out int unusedBits, tag), unusedBits);

    internal void Write(AsnWriter writer, Asn1Tag tag) => writer.WriteBitString(Bits.Span, UnusedBits, tag);
}
