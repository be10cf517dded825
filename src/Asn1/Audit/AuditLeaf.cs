using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>
/// <code>
/// AuditLeaf ::= SEQUENCE {
///     type    OBJECT IDENTIFIER,
///     version INTEGER { v1(1) },
///     id      OCTET STRING (SIZE (16)),
///     time    INTEGER,
///     actor   AuditActor,
///     action  UTF8String,
///     object  AuditObject,
///     outcome ENUMERATED { done(0), refused(1), failed(2), intended(3) },
///     fields  SEQUENCE SIZE (0..64) OF AuditField }
/// </code>
/// One event of the log; its encoding is what the Merkle tree covers. The id is a ULID, the time Unix milliseconds.
/// </summary>
public sealed class AuditLeaf : IDer<AuditLeaf>
{
    public const int IdLength = CustodyFields.IdLength;
    public const int MaxFields = 64;

    private const int Version = 1;
    private const string WrongFields = "A leaf has up to 64 fields, each with a name of its own.";

    /// <param name="id">16 bytes.</param>
    /// <param name="time">Milliseconds count, less is cut off.</param>
    /// <param name="action">1 to 256 characters.</param>
    /// <exception cref="ArgumentException">A field of another form.</exception>
    public AuditLeaf(
        ReadOnlyMemory<byte> id, DateTimeOffset time, AuditActor actor, string action, AuditObject @object, AuditOutcome outcome, IReadOnlyList<AuditField> fields)
    {
        Id = CustodyFields.Exactly(id, IdLength, nameof(id));
        Time = AuditTime.Truncate(time, nameof(time));
        Actor = Require.NotNull(actor);
        Action = CustodyFields.Text(action, nameof(action));
        Object = Require.NotNull(@object);
        Outcome = Enum.IsDefined(outcome) ? outcome : throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "No such outcome.");
        Fields = Require.NoNull(fields);
        if (!AreFields(Fields))
        {
            throw new ArgumentException(WrongFields, nameof(fields));
        }
    }

    /// <summary>A ULID, 16 bytes.</summary>
    public ReadOnlyMemory<byte> Id { get; }

    /// <summary>In milliseconds, UTC.</summary>
    public DateTimeOffset Time { get; }

    public AuditActor Actor { get; }

    /// <summary>What was done: <c>certificate.issue</c>.</summary>
    public string Action { get; }

    public AuditObject Object { get; }

    public AuditOutcome Outcome { get; }

    public IReadOnlyList<AuditField> Fields { get; }

    public static AuditLeaf Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        CustodyFields.ReadType(sequence, Oids.AuditLeaf);
        sequence.ReadVersion(Version);
        ReadOnlyMemory<byte> id = CustodyFields.ReadExactly(sequence, IdLength);
        DateTimeOffset time = AuditTime.Read(sequence);
        AuditActor actor = AuditActor.Read(sequence);
        string action = CustodyFields.ReadText(sequence);
        AuditObject @object = AuditObject.Read(sequence);
        AuditOutcome outcome = CustodyFields.ReadEnumerated<AuditOutcome>(sequence);
        IReadOnlyList<AuditField> fields = sequence.ReadSequence().ReadAll<AuditField>();
        sequence.ThrowIfNotEmpty();
        return AreFields(fields) ? new AuditLeaf(id, time, actor, action, @object, outcome, fields) : throw new AsnContentException(WrongFields);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(Oids.AuditLeaf);
            writer.WriteInteger(Version);
            writer.WriteOctetString(Id.Span);
            AuditTime.Write(writer, Time);
            Actor.Write(writer);
            CustodyFields.WriteText(writer, Action);
            Object.Write(writer);
            writer.WriteEnumeratedValue(Outcome);
            writer.WriteSequenceOf(Fields);
        }
    }

    private static bool AreFields(IReadOnlyList<AuditField> fields) =>
        fields.Count <= MaxFields && fields.Select(field => field.Name).Distinct(StringComparer.Ordinal).Count() == fields.Count;
}
