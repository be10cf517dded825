using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
/// </code>
/// RFC 5280 §4.1.2.9.
/// </summary>
/// <param name="Id">Dotted OID.</param>
/// <param name="Value">Content of the OCTET STRING: the DER of the extension's own type.</param>
public sealed record Extension(string Id, bool Critical, ReadOnlyMemory<byte> Value) : IDer<Extension>
{
    public static Extension Create<T>(T value, bool critical)
        where T : IExtensionValue<T> =>
        new(T.Id, critical, Der.Encode(value));

    /// <exception cref="DerException">The value is not a <typeparamref name="T"/>.</exception>
    /// <exception cref="InvalidOperationException">The extension has another identifier.</exception>
    public T Decode<T>()
        where T : IExtensionValue<T> =>
        Id == T.Id ? Der.Decode<T>(Value) : throw new InvalidOperationException($"The extension is {Id}, not {T.Id}.");

    public static Extension Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string id = sequence.ReadObjectIdentifier();
        bool critical = sequence.ReadDefaultFalse(Asn1Tag.Boolean);
        ReadOnlyMemory<byte> value = sequence.ReadOctets();
        sequence.ThrowIfNotEmpty();
        return new Extension(id, critical, value);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Id);
            writer.WriteDefaultFalse(Critical, Asn1Tag.Boolean);
            writer.WriteOctetString(Value.Span);
        }
    }

    public bool Equals(Extension? other) =>
        other is not null && Id == other.Id && Critical == other.Critical && Value.Span.SequenceEqual(other.Value.Span);

    public override int GetHashCode() => HashCode.Combine(Id, Critical, Value.Length);
}
