using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
/// </code>
/// RFC 5280 §4.1.2.9.
/// </summary>
/// <param name="Id">Dotted OID.</param>
/// <param name="Value">
/// Content of the OCTET STRING: the DER of the extension's own type. Nothing in it is checked before <see cref="Decode"/>.
/// </param>
public sealed record Extension(string Id, bool Critical, ReadOnlyMemory<byte> Value) : IDer<Extension>
{
    public string Id { get; init; } = Require.Oid(Id);

    /// <exception cref="ArgumentException">RFC 5280 fixes the criticality, and it is the other one.</exception>
    public static Extension Create<T>(T value, bool critical)
        where T : IExtensionValue<T> =>
        T.Critical is { } demanded && demanded != critical
            ? throw new ArgumentException($"{typeof(T).Name} is {(demanded ? "always" : "never")} critical.", nameof(critical))
            : new Extension(T.Id, critical, Der.Encode(value));

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

    /// <summary>A digit of a dotted OID is never more than an octet of it.</summary>
    internal int MaxEncodedLength => (3 * DerHeader.MaxLength) + Id.Length + 3 + Value.Length;

    public bool Equals(Extension? other) =>
        other is not null && Id == other.Id && Critical == other.Critical && Value.ContentEquals(other.Value);

    public override int GetHashCode() => HashCode.Combine(Id, Critical, Value.ContentHash());
}
