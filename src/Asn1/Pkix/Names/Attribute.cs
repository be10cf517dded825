using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE (1..MAX) OF ANY DEFINED BY type }
/// </code>
/// RFC 2986 §4, RFC 5280 §4.2.1.8, RFC 5958 §2.
/// </summary>
public sealed record Attribute : IDer<Attribute>
{
    /// <param name="type">Dotted OID.</param>
    /// <param name="values">Each one DER element, of which only tag and length are checked; on the wire in the order of their encodings.</param>
    /// <exception cref="ArgumentException">No value.</exception>
    public Attribute(string type, params IReadOnlyList<ReadOnlyMemory<byte>> values)
    {
        Type = Require.Oid(type);
        Values = Require.NotEmpty(values);
    }

    public string Type { get; }

    public IReadOnlyList<ReadOnlyMemory<byte>> Values { get; }

    public static Attribute Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string type = sequence.ReadObjectIdentifier();
        IReadOnlyList<ReadOnlyMemory<byte>> values = sequence.ReadSetOf().AtLeastOne().ReadAll(static r => r.ReadEncodedValue());
        sequence.ThrowIfNotEmpty();
        return new Attribute(type, values);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Type);
            using (writer.PushSetOf())
            {
                foreach (ReadOnlyMemory<byte> value in Values)
                {
                    writer.WriteEncodedValue(value.Span);
                }
            }
        }
    }
}
