using System.Formats.Asn1;
using System.Numerics;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// AuditField ::= SEQUENCE {
///     name  UTF8String,
///     value CHOICE {
///         text   UTF8String,
///         number INTEGER,
///         octets OCTET STRING,
///         masked [0] IMPLICIT OCTET STRING (SIZE (32)) } }
/// </code>
/// One fact about an event. A masked one is SM3(salt ‖ value) of a person's data, with a salt of 16 bytes and the value in UTF-8; both lie elsewhere
/// and may be erased.
/// </summary>
public abstract record AuditField : IDer<AuditField>
{
    private static readonly Asn1Tag MaskedTag = new(TagClass.ContextSpecific, 0);

    private AuditField(string name) => Name = CustodyFields.Text(name, nameof(name));

    /// <summary>1 to 256 characters.</summary>
    public string Name { get; }

    public static AuditField Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        string name = CustodyFields.ReadText(sequence);
        Asn1Tag tag = sequence.PeekTag();
        AuditField field =
            tag.HasSameClassAndValue(MaskedTag) ? new Masked(name, ReadHash(sequence))
            : tag.HasSameClassAndValue(Asn1Tag.Integer) ? new Number(name, ReadNumber(sequence))
            : tag.HasSameClassAndValue(Asn1Tag.PrimitiveOctetString) ? new Octets(name, sequence.ReadOctets())
            : new Text(name, CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return field;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Name);
            WriteValue(writer);
        }
    }

    private protected abstract void WriteValue(AsnWriter writer);

    private static long ReadNumber(AsnReader reader) =>
        reader.TryReadInt64(out long number) ? number : throw new AsnContentException("The number has more than 64 bits.");

    private static ReadOnlyMemory<byte> ReadHash(AsnReader reader)
    {
        ReadOnlyMemory<byte> hash = reader.ReadOctets(MaskedTag);
        return hash.Length == CustodyFields.HashLength ? hash : throw new AsnContentException("A masked value is a hash of 32 bytes.");
    }

    /// <param name="Value">1 to 256 characters.</param>
    public sealed record Text(string FieldName, string Value) : AuditField(FieldName)
    {
        public string Value { get; } = CustodyFields.Text(Value, nameof(Value));

        private protected override void WriteValue(AsnWriter writer) => CustodyFields.WriteText(writer, Value);
    }

    public sealed record Number(string FieldName, long Value) : AuditField(FieldName)
    {
        private protected override void WriteValue(AsnWriter writer) => writer.WriteInteger(new BigInteger(Value));
    }

    /// <param name="Value">Mostly a hash; short, for it is kept for ever.</param>
    public sealed record Octets(string FieldName, ReadOnlyMemory<byte> Value) : AuditField(FieldName)
    {
        public bool Equals(Octets? other) => other is not null && Name == other.Name && Value.ContentEquals(other.Value);

        public override int GetHashCode() => HashCode.Combine(Name, Value.ContentHash());

        private protected override void WriteValue(AsnWriter writer) => writer.WriteOctetString(Value.Span);
    }

    /// <param name="Hash">32 bytes.</param>
    public sealed record Masked(string FieldName, ReadOnlyMemory<byte> Hash) : AuditField(FieldName)
    {
        public ReadOnlyMemory<byte> Hash { get; } = CustodyFields.Exactly(Hash, CustodyFields.HashLength, nameof(Hash));

        public bool Equals(Masked? other) => other is not null && Name == other.Name && Hash.ContentEquals(other.Hash);

        public override int GetHashCode() => HashCode.Combine(Name, Hash.ContentHash());

        private protected override void WriteValue(AsnWriter writer) => writer.WriteOctetString(Hash.Span, MaskedTag);
    }
}
