using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Audit;

/// <summary>The events that the log records about itself. Their names and fields are in docs/AUDIT-FORMAT.md: a verifier reads them.</summary>
public static class LogEvents
{
    public const string KeyAction = "log.key";
    public const string OverrideAction = "log.override";
    public const string EraseAction = "personal.erase";

    internal const string KeyObject = "log-key";
    internal const string KeyField = "key";

    /// <summary>Announces the key that signs the log's checkpoints from some time on. To be recorded, and under a checkpoint, before the key is put to use.</summary>
    public static AuditEvent Key(AuditActor actor, SubjectPublicKeyInfo key) =>
        new(actor, KeyAction, new AuditObject(KeyObject, KeyId(key)), AuditOutcome.Done) { Fields = [new AuditField.Octets(KeyField, Der.Encode(key))] };

    internal static AuditEvent Overridden(AuditActor actor, string origin, LogOverride decided, long keptSize) =>
        new(actor, OverrideAction, new AuditObject("log", origin), AuditOutcome.Done)
        {
            Fields =
            [
                new AuditField.Octets("decision", decided.Decision),
                new AuditField.Number("abandonedSize", decided.AbandonedSize),
                new AuditField.Octets("abandonedRoot", decided.AbandonedRoot),
                new AuditField.Number("keptSize", keptSize),
            ],
        };

    internal static AuditEvent Erased(AuditActor actor, byte[] eventId, string name) =>
        new(actor, EraseAction, new AuditObject("event", Convert.ToHexStringLower(eventId)), AuditOutcome.Done) { Fields = [new AuditField.Text("name", name)] };

    /// <returns>As text: 64 hexadecimal digits.</returns>
    internal static string KeyId(SubjectPublicKeyInfo key) => Convert.ToHexStringLower(Checkpoint.KeyIdOf(key));

    /// <summary>Whether the leaf announces that key.</summary>
    internal static bool Announces(AuditLeaf leaf, SubjectPublicKeyInfo key) =>
        leaf.Action == KeyAction
        && leaf.Outcome == AuditOutcome.Done
        && leaf.Fields.OfType<AuditField.Octets>().Any(field => field.Name == KeyField && field.Value.Span.SequenceEqual(Der.Encode(key)));
}
