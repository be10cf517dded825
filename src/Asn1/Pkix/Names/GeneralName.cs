using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// GeneralName ::= CHOICE {
///     otherName                 [0] OtherName,
///     rfc822Name                [1] IA5String,
///     dNSName                   [2] IA5String,
///     x400Address               [3] ORAddress,
///     directoryName             [4] Name,
///     ediPartyName              [5] EDIPartyName,
///     uniformResourceIdentifier [6] IA5String,
///     iPAddress                 [7] OCTET STRING,
///     registeredID              [8] OBJECT IDENTIFIER }
/// </code>
/// RFC 5280 §4.2.1.6; implicit tags, except [4], whose type is itself a CHOICE.
/// </summary>
public abstract record GeneralName : IDer<GeneralName>
{
    // Closed: the alternatives are those of this file.
    private protected GeneralName()
    {
    }

    public static GeneralName Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        return tag.TagClass != TagClass.ContextSpecific
            ? throw new AsnContentException("Not a GeneralName.")
            : tag.TagValue switch
            {
                0 => OtherName.ReadContent(reader),
                1 => new Rfc822Name(Ia5Text.Read(reader, Tags.Context1)),
                2 => new DnsName(Ia5Text.Read(reader, Tags.Context2)),
                3 => new X400Address(ReadConstructed(reader)),
                4 => new DirectoryName(reader.ReadExplicit<Name>(Tags.Context4)),
                5 => new EdiPartyName(ReadConstructed(reader)),
                6 => new UniformResourceIdentifier(Ia5Text.Read(reader, Tags.Context6, minLength: 1)),
                7 => IpAddress.ReadContent(reader),
                8 => new RegisteredId(reader.ReadObjectIdentifier(Tags.Context8)),
                _ => throw new AsnContentException("Not a GeneralName."),
            };
    }

    public abstract void Write(AsnWriter writer);

    /// <summary>The alternative alone: addresses and names of people have no place in logs.</summary>
    public sealed override string ToString() => GetType().Name;

    private static ReadOnlyMemory<byte> ReadConstructed(AsnReader reader) =>
        reader.PeekTag().IsConstructed ? reader.ReadEncodedValue() : throw new AsnContentException("A SEQUENCE is constructed.");
}

/// <summary>
/// <code>
/// OtherName ::= SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY DEFINED BY type-id }
/// </code>
/// </summary>
/// <param name="TypeId">Dotted OID.</param>
/// <param name="Value">One DER element, of which only tag and length are checked.</param>
public sealed record OtherName(string TypeId, ReadOnlyMemory<byte> Value) : GeneralName
{
    public string TypeId { get; } = Require.Oid(TypeId);

    internal static OtherName ReadContent(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence(Tags.Context0);
        string typeId = sequence.ReadObjectIdentifier();
        ReadOnlyMemory<byte> value = sequence.ReadExplicit(Tags.Context0, static r => r.ReadEncodedValue());
        sequence.ThrowIfNotEmpty();
        return new OtherName(typeId, value);
    }

    public override void Write(AsnWriter writer)
    {
        using (writer.PushSequence(Tags.Context0))
        {
            writer.WriteObjectIdentifier(TypeId);
            using (writer.PushSequence(Tags.Context0))
            {
                writer.WriteEncodedValue(Value.Span);
            }
        }
    }

    public bool Equals(OtherName? other) => other is not null && TypeId == other.TypeId && Value.ContentEquals(other.Value);

    public override int GetHashCode() => HashCode.Combine(TypeId, Value.ContentHash());
}

/// <param name="Mailbox">ASCII, RFC 5321 Mailbox; in NameConstraints a host, a domain or nothing.</param>
public sealed record Rfc822Name(string Mailbox) : GeneralName
{
    public string Mailbox { get; } = Ia5Text.Check(Mailbox);

    public override void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.IA5String, Mailbox, Tags.Context1);
}

/// <param name="Host">ASCII; an internationalised name in its A-label form (RFC 5280 §7.2). In NameConstraints a domain or nothing.</param>
public sealed record DnsName(string Host) : GeneralName
{
    public string Host { get; } = Ia5Text.Check(Host);

    public override void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.IA5String, Host, Tags.Context2);
}

/// <param name="Encoded">Opaque: the whole element, tag [3] included.</param>
public sealed record X400Address(ReadOnlyMemory<byte> Encoded) : GeneralName
{
    public override void Write(AsnWriter writer) => writer.WriteEncodedValue(Encoded.Span);

    public bool Equals(X400Address? other) => other is not null && Encoded.ContentEquals(other.Encoded);

    public override int GetHashCode() => Encoded.ContentHash();
}

public sealed record DirectoryName(Name Name) : GeneralName
{
    public Name Name { get; } = Require.NotNull(Name);

    public override void Write(AsnWriter writer) => writer.WriteExplicit(Name, Tags.Context4);
}

/// <param name="Encoded">Opaque: the whole element, tag [5] included.</param>
public sealed record EdiPartyName(ReadOnlyMemory<byte> Encoded) : GeneralName
{
    public override void Write(AsnWriter writer) => writer.WriteEncodedValue(Encoded.Span);

    public bool Equals(EdiPartyName? other) => other is not null && Encoded.ContentEquals(other.Encoded);

    public override int GetHashCode() => Encoded.ContentHash();
}

/// <param name="Uri">ASCII, absolute (http, ldap …); kept as written.</param>
public sealed record UniformResourceIdentifier(string Uri) : GeneralName
{
    public string Uri { get; } = Ia5Text.Check(Uri, minLength: 1);

    public override void Write(AsnWriter writer) => writer.WriteCharacterString(UniversalTagNumber.IA5String, Uri, Tags.Context6);
}

/// <summary>An address, or in NameConstraints an address and a mask.</summary>
public sealed record IpAddress : GeneralName
{
    /// <param name="octets">Network order: 4 (IPv4) or 16 (IPv6); with a mask 8 or 32 (RFC 5280 §4.2.1.10).</param>
    /// <exception cref="ArgumentException">Another length.</exception>
    public IpAddress(ReadOnlyMemory<byte> octets)
    {
        if (!IsLength(octets.Length))
        {
            throw new ArgumentException("An iPAddress has 4 or 16 octets, with a mask 8 or 32.", nameof(octets));
        }

        Octets = octets;
    }

    public ReadOnlyMemory<byte> Octets { get; }

    internal static IpAddress ReadContent(AsnReader reader)
    {
        ReadOnlyMemory<byte> octets = reader.ReadOctets(Tags.Context7);
        return IsLength(octets.Length) ? new IpAddress(octets) : throw new AsnContentException("An iPAddress has 4, 8, 16 or 32 octets.");
    }

    public override void Write(AsnWriter writer) => writer.WriteOctetString(Octets.Span, Tags.Context7);

    public bool Equals(IpAddress? other) => other is not null && Octets.ContentEquals(other.Octets);

    public override int GetHashCode() => Octets.ContentHash();

    private static bool IsLength(int length) => length is 4 or 8 or 16 or 32;
}

/// <param name="Id">Dotted OID.</param>
public sealed record RegisteredId(string Id) : GeneralName
{
    public string Id { get; } = Require.Oid(Id);

    public override void Write(AsnWriter writer) => writer.WriteObjectIdentifier(Id, Tags.Context8);
}
