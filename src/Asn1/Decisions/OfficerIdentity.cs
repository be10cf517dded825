using System.Formats.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Decisions;

/// <summary>The three kinds of office, of which a person holds one.</summary>
public enum OfficerKind
{
    /// <summary>超级管理员, 业务管理员.</summary>
    Administrator = 0,

    /// <summary>业务操作员.</summary>
    Operator = 1,

    /// <summary>审计管理员, 审计员.</summary>
    Auditor = 2,
}

/// <summary>
/// <code>
/// OfficerIdentity ::= SEQUENCE {
///     person OCTET STRING (SIZE (16)),
///     kind   ENUMERATED { administrator(0), operator(1), auditor(2) },
///     role   UTF8String,
///     region PrintableString (SIZE (6)) }
/// </code>
/// Our extension of officers' certificates: which person it is, and what he is. Roles are data; kinds are not.
/// </summary>
/// <param name="Person">The CA's id of the person, 16 bytes: the same in every certificate that he ever gets.</param>
/// <param name="Role">1 to 256 characters.</param>
/// <param name="Region">GB/T 2260, six digits.</param>
public sealed record OfficerIdentity(ReadOnlyMemory<byte> Person, OfficerKind Kind, string Role, string Region) : IExtensionValue<OfficerIdentity>
{
    public static string Id => Oids.OfficerIdentity;

    public ReadOnlyMemory<byte> Person { get; } = CustodyFields.Exactly(Person, CustodyFields.IdLength, nameof(Person));

    public OfficerKind Kind { get; } = Enum.IsDefined(Kind) ? Kind : throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "No such kind.");

    public string Role { get; } = CustodyFields.Text(Role, nameof(Role));

    public string Region { get; } = CustodyFields.Region(Region, nameof(Region));

    public bool Equals(OfficerIdentity? other) =>
        other is not null && Person.ContentEquals(other.Person) && Kind == other.Kind && Role == other.Role && Region == other.Region;

    public override int GetHashCode() => HashCode.Combine(Person.ContentHash(), Kind, Role, Region);

    public static OfficerIdentity Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var identity = new OfficerIdentity(
            CustodyFields.ReadExactly(sequence, CustodyFields.IdLength),
            CustodyFields.ReadEnumerated<OfficerKind>(sequence),
            CustodyFields.ReadText(sequence),
            CustodyFields.ReadRegion(sequence));
        sequence.ThrowIfNotEmpty();
        return identity;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOctetString(Person.Span);
            writer.WriteEnumeratedValue(Kind);
            CustodyFields.WriteText(writer, Role);
            CustodyFields.WriteRegion(writer, Region);
        }
    }
}
