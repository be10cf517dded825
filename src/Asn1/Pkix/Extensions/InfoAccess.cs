using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
/// </code>
/// RFC 5280 §4.2.2.1, §5.2.7: where the issuer's certificate and its OCSP responder are.
/// </summary>
public sealed record AuthorityInfoAccess(params IReadOnlyList<AccessDescription> Descriptions) : IExtensionValue<AuthorityInfoAccess>
{
    public static string Id => Oids.AuthorityInfoAccess;

    public static bool? Critical => false;

    public IReadOnlyList<AccessDescription> Descriptions { get; } = Require.NotEmpty(Descriptions);

    public static AuthorityInfoAccess Read(AsnReader reader) => new(reader.ReadSequenceOf<AccessDescription>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Descriptions);
}

/// <summary>
/// <code>
/// SubjectInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF AccessDescription
/// </code>
/// RFC 5280 §4.2.2.2.
/// </summary>
public sealed record SubjectInfoAccess(params IReadOnlyList<AccessDescription> Descriptions) : IExtensionValue<SubjectInfoAccess>
{
    public static string Id => Oids.SubjectInfoAccess;

    public static bool? Critical => false;

    public IReadOnlyList<AccessDescription> Descriptions { get; } = Require.NotEmpty(Descriptions);

    public static SubjectInfoAccess Read(AsnReader reader) => new(reader.ReadSequenceOf<AccessDescription>());

    public void Write(AsnWriter writer) => writer.WriteSequenceOf(Descriptions);
}

/// <summary>
/// <code>
/// AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }
/// </code>
/// RFC 5280 §4.2.2.1.
/// </summary>
/// <param name="AccessMethod">Dotted OID.</param>
public sealed record AccessDescription(string AccessMethod, GeneralName AccessLocation) : IDer<AccessDescription>
{
    public string AccessMethod { get; } = Require.Oid(AccessMethod);

    public GeneralName AccessLocation { get; } = Require.NotNull(AccessLocation);

    public static AccessDescription Ocsp(string uri) => new(Oids.OcspAccess, new UniformResourceIdentifier(uri));

    public static AccessDescription CaIssuers(string uri) => new(Oids.CaIssuersAccess, new UniformResourceIdentifier(uri));

    public static AccessDescription Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string accessMethod = sequence.ReadObjectIdentifier();
        GeneralName accessLocation = GeneralName.Read(sequence);
        sequence.ThrowIfNotEmpty();
        return new AccessDescription(accessMethod, accessLocation);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(AccessMethod);
            AccessLocation.Write(writer);
        }
    }
}
