using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId
/// KeyPurposeId ::= OBJECT IDENTIFIER
/// </code>
/// RFC 5280 §4.2.1.12.
/// </summary>
/// <param name="Purposes">Dotted OIDs.</param>
public sealed record ExtendedKeyUsage(params IReadOnlyList<string> Purposes) : IExtensionValue<ExtendedKeyUsage>
{
    public static string Id => Oids.ExtendedKeyUsage;

    public IReadOnlyList<string> Purposes { get; } = Require.NotEmpty([.. Purposes.Select(p => Require.Oid(p, nameof(Purposes)))], nameof(Purposes));

    public static ExtendedKeyUsage Read(AsnReader reader) =>
        new(reader.ReadSequence().AtLeastOne().ReadAll(static r => r.ReadObjectIdentifier()));

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            foreach (string purpose in Purposes)
            {
                writer.WriteObjectIdentifier(purpose);
            }
        }
    }
}
