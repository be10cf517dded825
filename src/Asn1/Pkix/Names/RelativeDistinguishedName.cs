using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
/// </code>
/// RFC 5280 §4.1.2.4. The wire order of a SET OF is that of the encodings (X.690 §11.6), whatever order it is built in.
/// </summary>
public sealed class RelativeDistinguishedName : IDer<RelativeDistinguishedName>
{
    /// <exception cref="ArgumentException">No attribute.</exception>
    public RelativeDistinguishedName(params IReadOnlyList<AttributeTypeAndValue> attributes) => Attributes = Require.NotEmpty(attributes);

    public IReadOnlyList<AttributeTypeAndValue> Attributes { get; }

    public static RelativeDistinguishedName Read(AsnReader reader) => Read(reader, Asn1Tag.SetOf);

    internal static RelativeDistinguishedName Read(AsnReader reader, Asn1Tag tag) => new(reader.ReadSetOf<AttributeTypeAndValue>(tag));

    public void Write(AsnWriter writer) => Write(writer, Asn1Tag.SetOf);

    internal void Write(AsnWriter writer, Asn1Tag tag) => writer.WriteSetOf(Attributes, tag);

    /// <returns>RFC 4514 §2.2: <c>CN=张三+serialNumber=1</c>.</returns>
    public override string ToString() => string.Join('+', Attributes);
}
