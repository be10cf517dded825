using ZwCa.Asn1.Audit;

namespace ZwCa.Audit;

/// <summary>What happened, as a service tells it; <see cref="AuditLog.AppendAsync"/> gives it its id, its time and its salts.</summary>
/// <param name="Actor">Who did it.</param>
/// <param name="Action">Subject and verb, lower case: <c>certificate.issue</c>. Up to 64 characters.</param>
/// <param name="Object">What it was done to; its kind has up to 64 characters.</param>
public sealed record AuditEvent(AuditActor Actor, string Action, AuditObject Object, AuditOutcome Outcome)
{
    /// <summary>Facts that anybody may read: hashes, numbers, names of profiles. Never a person's data.</summary>
    public IReadOnlyList<AuditField> Fields { get; init; } = [];

    /// <summary>
    /// A person's data by name, up to 1,024 characters each. Only a salted hash of each gets into the log; the value lies in the database as it is given here:
    /// an ID number is given masked or encrypted.
    /// </summary>
    public IReadOnlyDictionary<string, string> Personal { get; init; } = new Dictionary<string, string>();
}
