using System.Formats.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Asn1.Ocsp;

/// <summary>
/// <code>
/// ResponderID ::= CHOICE { byName [1] EXPLICIT Name, byKey [2] EXPLICIT KeyHash }
/// KeyHash ::= OCTET STRING
/// </code>
/// RFC 6960 §4.2.1.
/// </summary>
public abstract record ResponderId : IDer<ResponderId>
{
    // Closed: the alternatives are those of this file.
    private protected ResponderId()
    {
    }

    public static ResponderId Read(AsnReader reader)
    {
        Asn1Tag tag = reader.PeekTag();
        return tag.TagClass != TagClass.ContextSpecific
            ? throw new AsnContentException("Not a ResponderID.")
            : tag.TagValue switch
            {
                1 => new ResponderByName(reader.ReadExplicit<Name>(Tags.Context1)),
                2 => new ResponderByKey(reader.ReadExplicit(Tags.Context2, content => content.ReadOctets())),
                _ => throw new AsnContentException("Not a ResponderID."),
            };
    }

    public abstract void Write(AsnWriter writer);
}

/// <param name="Name">The subject of the responder's certificate.</param>
public sealed record ResponderByName(Name Name) : ResponderId
{
    public override void Write(AsnWriter writer) => writer.WriteExplicit(Name, Tags.Context1);
}

/// <param name="KeyHash">SHA-1, 20 octets, over the value of the responder's subjectPublicKey, without tag, length and unused bits.</param>
public sealed record ResponderByKey(ReadOnlyMemory<byte> KeyHash) : ResponderId
{
    public override void Write(AsnWriter writer)
    {
        using (writer.PushSequence(Tags.Context2))
        {
            writer.WriteOctetString(KeyHash.Span);
        }
    }

    public bool Equals(ResponderByKey? other) => other is not null && KeyHash.ContentEquals(other.KeyHash);

    public override int GetHashCode() => KeyHash.ContentHash();
}
