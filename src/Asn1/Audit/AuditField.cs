using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// AuditField ::= SEQUENCE {
///     name  UTF8String,
///     value CHOICE {
///         text   UTF8String,
///         number INTEGER,
///         octets OCTET STRING (SIZE (0..4096)),
///         masked [0] IMPLICIT OCTET STRING (SIZE (32)) } }
/// </code>
/// One fact about an event. A masked one is SM3(salt ‖ value) of a person's data, with a salt of 16 bytes and the value in UTF-8; both lie elsewhere
/// and may be erased.
/// </summary>
public abstract record AuditField : IDer<AuditField>
{
    public const int MaxOctets = 4096;

    private const string TooLong = "A field has up to 4,096 octets.";
    private static readonly Asn1Tag MaskedTag = new(TagClass.ContextSpecific, 0);

    private protected AuditField(string name) => Name = CustodyFields.Text(name, nameof(name));

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
            : tag.HasSameClassAndValue(Asn1Tag.PrimitiveOctetString) ? new Octets(name, ReadShort(sequence))
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

    private static ReadOnlyMemory<byte> ReadShort(AsnReader reader)
    {
        ReadOnlyMemory<byte> octets = reader.ReadOctets();
        return octets.Length <= MaxOctets ? octets : throw new AsnContentException(TooLong);
    }

    private static ReadOnlyMemory<byte> ReadHash(AsnReader reader)
    {
        ReadOnlyMemory<byte> hash = reader.ReadOctets(MaskedTag);
        return hash.Length == CustodyFields.HashLength ? hash : throw new AsnContentException("A masked value is a hash of 32 bytes.");
    }

    public sealed record Text : AuditField
    {
        /// <param name="value">1 to 256 characters.</param>
        public Text(string name, string value)
            : base(name) => Value = CustodyFields.Text(value, nameof(value));

        public string Value { get; }

        /// <summary>Of a text that others have written, such as the message of an exception: what no value may have becomes spaces, and it is cut off.</summary>
        public static Text Fit(string name, string value) => new(name, CustodyFields.FitText(value));

        private protected override void WriteValue(AsnWriter writer) => CustodyFields.WriteText(writer, Value);
    }

    public sealed record Number : AuditField
    {
        public Number(string name, long value)
            : base(name) => Value = value;

        public long Value { get; }

        private protected override void WriteValue(AsnWriter writer) => writer.WriteInteger(Value);
    }

    public sealed record Octets : AuditField
    {
        /// <param name="value">Mostly a hash; up to 4,096 bytes, for it is kept for ever.</param>
        public Octets(string name, ReadOnlyMemory<byte> value)
            : base(name) => Value = value.Length <= MaxOctets ? value : throw new ArgumentException(TooLong, nameof(value));

        public ReadOnlyMemory<byte> Value { get; }

        public bool Equals(Octets? other) => other is not null && Name == other.Name && Value.ContentEquals(other.Value);

        public override int GetHashCode() => HashCode.Combine(Name, Value.ContentHash());

        private protected override void WriteValue(AsnWriter writer) => writer.WriteOctetString(Value.Span);
    }

    public sealed record Masked : AuditField
    {
        /// <param name="hash">32 bytes.</param>
        public Masked(string name, ReadOnlyMemory<byte> hash)
            : base(name) => Hash = CustodyFields.Exactly(hash, CustodyFields.HashLength, nameof(hash));

        /// <summary>SM3(salt ‖ value).</summary>
        public ReadOnlyMemory<byte> Hash { get; }

        public bool Equals(Masked? other) => other is not null && Name == other.Name && Hash.ContentEquals(other.Hash);

        public override int GetHashCode() => HashCode.Combine(Name, Hash.ContentHash());

        private protected override void WriteValue(AsnWriter writer) => writer.WriteOctetString(Hash.Span, MaskedTag);
    }
}
