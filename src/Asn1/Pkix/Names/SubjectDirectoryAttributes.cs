using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// SubjectDirectoryAttributes ::= SEQUENCE SIZE (1..MAX) OF Attribute
/// </code>
/// RFC 5280 §4.2.1.8.
/// </summary>
public sealed record SubjectDirectoryAttributes(params IReadOnlyList<Attribute> Attributes) : IExtensionValue<SubjectDirectoryAttributes>
{
    public static string Id => Oids.SubjectDirectoryAttributes;

    public static bool? Critical => false;

    public IReadOnlyList<Attribute> Attributes { get; } = Require.NotEmpty(Attributes);

    public static SubjectDirectoryAttributes Read(AsnReader reader) => new(reader.ReadSequenceOf<Attribute>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Attributes);
}
