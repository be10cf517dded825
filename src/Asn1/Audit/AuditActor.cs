using System.Formats.Asn1;
using ZwCa.Asn1.Custody;

namespace ZwCa.Asn1.Audit;

/// <summary>How what an event tells of ended.</summary>
public enum AuditOutcome
{
    Done = 0,

    /// <summary>The service said no; nothing changed.</summary>
    Refused = 1,

    /// <summary>It broke; what became of it, another event says.</summary>
    Failed = 2,

    /// <summary>About to be done: recorded before a signature is made.</summary>
    Intended = 3,
}

/// <summary>What kind of actor.</summary>
public enum AuditActorKind
{
    /// <summary>A person in office; the id is the serial number of the officer certificate.</summary>
    Officer = 0,

    /// <summary>Another service or RA; the id is its registered name.</summary>
    Service = 1,

    /// <summary>The service itself: a job; the id is the job's name.</summary>
    Job = 2,

    /// <summary>Somebody not identified.</summary>
    Unknown = 3,
}

/// <summary>
/// <code>
/// AuditActor ::= SEQUENCE { kind ENUMERATED { officer(0), service(1), job(2), unknown(3) }, id UTF8String }
/// </code>
/// </summary>
/// <param name="Id">1 to 256 characters.</param>
public sealed record AuditActor(AuditActorKind Kind, string Id) : IDer<AuditActor>
{
    public AuditActorKind Kind { get; } = Enum.IsDefined(Kind) ? Kind : throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "No such kind of actor.");

    public string Id { get; } = CustodyFields.Text(Id, nameof(Id));

    public static AuditActor Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var actor = new AuditActor(CustodyFields.ReadEnumerated<AuditActorKind>(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return actor;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteEnumeratedValue(Kind);
            CustodyFields.WriteText(writer, Id);
        }
    }
}

/// <summary>
/// <code>
/// AuditObject ::= SEQUENCE { kind UTF8String, id UTF8String }
/// </code>
/// What an event is about: <c>certificate</c> and its serial number, <c>officer</c> and its id.
/// </summary>
/// <param name="Kind">1 to 256 characters, as is the id.</param>
public sealed record AuditObject(string Kind, string Id) : IDer<AuditObject>
{
    public string Kind { get; } = CustodyFields.Text(Kind, nameof(Kind));

    public string Id { get; } = CustodyFields.Text(Id, nameof(Id));

    public static AuditObject Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var value = new AuditObject(CustodyFields.ReadText(sequence), CustodyFields.ReadText(sequence));
        sequence.ThrowIfNotEmpty();
        return value;
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            CustodyFields.WriteText(writer, Kind);
            CustodyFields.WriteText(writer, Id);
        }
    }
}
