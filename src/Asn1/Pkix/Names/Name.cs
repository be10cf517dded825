using System.Formats.Asn1;
using ZwCa.Cryptography;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Name ::= CHOICE { rdnSequence RDNSequence }
/// RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
/// </code>
/// RFC 5280 §4.1.2.4. Order on the wire is order in <see cref="Rdns"/>. Two names are equal when their DER is (GM/T 0015-2012: the issuer
/// of a certificate is byte-identical to the subject of its CA).
/// </summary>
public sealed class Name : IDer<Name>, IEquatable<Name>
{
    public Name(params IReadOnlyList<RelativeDistinguishedName> rdns)
    {
        Rdns = Require.NoNull(rdns);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteSequenceOf(Rdns);
        Encoded = writer.Encode();
    }

    private Name(IReadOnlyList<RelativeDistinguishedName> rdns, ReadOnlyMemory<byte> encoded)
    {
        Rdns = rdns;
        Encoded = encoded;
    }

    /// <summary>No RDN; as a subject only beside a critical SubjectAltName (RFC 5280 §4.1.2.6).</summary>
    public static Name Empty { get; } = new([]);

    /// <summary>In wire order.</summary>
    public IReadOnlyList<RelativeDistinguishedName> Rdns { get; }

    /// <summary>The DER, as read or as built.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>One RDN for each attribute, in wire order.</summary>
    /// <param name="attributes">Dotted OID and text, see <see cref="AttributeTypeAndValue.Create"/>.</param>
    /// <exception cref="ArgumentException">A text is not allowed for its type.</exception>
    public static Name Create(params IEnumerable<(string Type, string Text)> attributes) =>
        new([.. attributes.Select(a => new RelativeDistinguishedName(AttributeTypeAndValue.Create(a.Type, a.Text)))]);

    /// <summary>
    /// SM3 of the one form of all names that RFC 5280 §7.1 holds equal: "ABC" is "abc", however it is encoded and spaced. By it a name is one entity's; equality of this type stays that
    /// of the bytes.
    /// </summary>
    public byte[] HashCanonical() =>
        Sm3.HashData(new Name([.. Rdns.Select(rdn => new RelativeDistinguishedName([.. rdn.Attributes.Select(attribute => attribute.ToCanonical())]))]).Encoded.Span);

    /// <returns>The texts of all attributes of the type, in wire order.</returns>
    public IEnumerable<string> Texts(string type) =>
        from rdn in Rdns
        from attribute in rdn.Attributes
        where attribute.Type == type && attribute.Text is not null
        select attribute.Text;

    public static Name Read(AsnReader reader)
    {
        ReadOnlyMemory<byte> encoded = reader.PeekEncodedValue();
        return new Name(reader.ReadSequence().ReadAll<RelativeDistinguishedName>(), encoded);
    }

    public void Write(AsnWriter writer) => writer.WriteEncodedValue(Encoded.Span);

    public bool DerEquals(Name other) => Encoded.Span.SequenceEqual(other.Encoded.Span);

    public bool Equals(Name? other) => other is not null && DerEquals(other);

    public override bool Equals(object? obj) => Equals(obj as Name);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Encoded.Span);
        return hash.ToHashCode();
    }

    public static bool operator ==(Name? left, Name? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(Name? left, Name? right) => !(left == right);

    /// <returns>RFC 4514, last RDN first: <c>CN=张三,O=某局,C=CN</c>.</returns>
    public override string ToString() => string.Join(',', Rdns.Reverse());

    /// <returns>The same syntax in wire order: <c>C=CN,O=某局,CN=张三</c>.</returns>
    public string ToWireString() => string.Join(',', Rdns);
}
