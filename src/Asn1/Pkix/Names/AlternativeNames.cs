using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// SubjectAltName ::= GeneralNames
/// GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName
/// </code>
/// RFC 5280 §4.2.1.6.
/// </summary>
public sealed record SubjectAltName(params IReadOnlyList<GeneralName> Names) : IExtensionValue<SubjectAltName>
{
    public static string Id => Oids.SubjectAltName;

    public IReadOnlyList<GeneralName> Names { get; } = Require.NotEmpty(Names);

    public static SubjectAltName Read(AsnReader reader) => new(reader.ReadSequenceOf<GeneralName>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Names);
}

/// <summary>
/// <code>
/// IssuerAltName ::= GeneralNames
/// </code>
/// RFC 5280 §4.2.1.7, §5.2.2.
/// </summary>
public sealed record IssuerAltName(params IReadOnlyList<GeneralName> Names) : IExtensionValue<IssuerAltName>
{
    public static string Id => Oids.IssuerAltName;

    public IReadOnlyList<GeneralName> Names { get; } = Require.NotEmpty(Names);

    public static IssuerAltName Read(AsnReader reader) => new(reader.ReadSequenceOf<GeneralName>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Names);
}
