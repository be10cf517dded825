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

    public IReadOnlyList<GeneralName> Names { get; } = AlternativeNames.Check(Names);

    public static SubjectAltName Read(AsnReader reader) => new(AlternativeNames.Read(reader));

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

    public IReadOnlyList<GeneralName> Names { get; } = AlternativeNames.Check(Names);

    public static IssuerAltName Read(AsnReader reader) => new(AlternativeNames.Read(reader));

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Names);
}

/// <summary>RFC 5280 §4.2.1.6: no empty GeneralName; only <see cref="GeneralSubtree"/> has a meaning for one.</summary>
internal static class AlternativeNames
{
    public static IReadOnlyList<GeneralName> Check(IReadOnlyList<GeneralName> names)
    {
        IReadOnlyList<GeneralName> copy = Require.NotEmpty(names);
        return copy.Any(IsEmpty) ? throw new ArgumentException("An alternative name must not be empty.", nameof(names)) : copy;
    }

    public static IReadOnlyList<GeneralName> Read(AsnReader reader)
    {
        IReadOnlyList<GeneralName> names = reader.ReadSequenceOf<GeneralName>();
        return names.Any(IsEmpty) ? throw new AsnContentException("An alternative name must not be empty.") : names;
    }

    private static bool IsEmpty(GeneralName name) =>
        name is DnsName { Host.Length: 0 } or Rfc822Name { Mailbox.Length: 0 } or DirectoryName { Name.Rdns.Count: 0 };
}
