using System.Formats.Asn1;
using Attribute = ZwCa.Asn1.Pkix.Attribute;

namespace ZwCa.Asn1.Cms;

/// <summary>
/// <code>
/// Attributes ::= SET SIZE (1..MAX) OF Attribute
/// </code>
/// GM/T 0010-2012 §8.2, RFC 2315 §9.2; under [0] or [1] IMPLICIT in SignerInfo, but signed as the plain SET OF. Only unauthenticated ones may
/// have a type several times, see <see cref="SignerInfo"/>.
/// </summary>
public sealed class Attributes : IDer<Attributes>
{
    private const byte SetOf = 0x31;

    /// <exception cref="ArgumentException">No attribute.</exception>
    public Attributes(params IReadOnlyList<Attribute> values)
    {
        Values = Require.NotEmpty(values);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteSetOf(Values);
        Encoded = writer.Encode();
    }

    private Attributes(IReadOnlyList<Attribute> values, ReadOnlyMemory<byte> encoded)
    {
        Values = values;
        Encoded = encoded;
    }

    /// <summary>The wire has them in the order of their encodings.</summary>
    public IReadOnlyList<Attribute> Values { get; }

    /// <summary>The DER with tag SET OF (31): what is signed (RFC 2315 §9.3).</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    internal bool HasRepeatedType => Values.Select(a => a.Type).Distinct(StringComparer.Ordinal).Count() != Values.Count;

    /// <returns>The first attribute of the type, or null when absent.</returns>
    public Attribute? Find(string type) => Values.FirstOrDefault(a => a.Type == type);

    public static Attributes Read(AsnReader reader) => Read(reader, Asn1Tag.SetOf);

    internal static Attributes Read(AsnReader reader, Asn1Tag tag)
    {
        ReadOnlyMemory<byte> encoded = reader.PeekEncodedValue();
        IReadOnlyList<Attribute> values = reader.ReadSetOf<Attribute>(tag);
        return new Attributes(values, tag == Asn1Tag.SetOf ? encoded : (byte[])[SetOf, .. encoded.Span[1..]]);
    }

    internal static Attributes? ReadOptional(AsnReader reader, Asn1Tag tag) => reader.NextIs(tag) ? Read(reader, tag) : null;

    public void Write(AsnWriter writer) => writer.WriteEncodedValue(Encoded.Span);

    internal void Write(AsnWriter writer, Asn1Tag tag) => writer.WriteSetOf(Values, tag);
}
