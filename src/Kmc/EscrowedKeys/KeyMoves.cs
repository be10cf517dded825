using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>The events of a key's moves: each has the version and the MAC that came of it, by which <see cref="CheckRows"/> knows the row again.</summary>
internal static class KeyMoves
{
    public const string BindAction = "key.bind";
    public const string DeliverAction = "key.deliver";
    public const string EndAction = "key.end";

    /// <param name="ca">Name of the CA that the key is bound for.</param>
    /// <param name="row">As it is after the move.</param>
    public static Task RecordAsync(Transaction transaction, AuditLog log, AuditActor actor, string action, string ca, EscrowedKey row, AuditOutcome outcome) => log.AppendAsync(
        transaction,
        new AuditEvent(actor, action, new AuditObject("key", Convert.ToHexStringLower(row.KeyId)), outcome)
        {
            Fields =
            [
                new AuditField.Text("ca", ca), new AuditField.Text("serial", row.Serial!), new AuditField.Octets("recipient", row.Recipient!),
                new AuditField.Number("stateVersion", row.StateVersion), new AuditField.Octets("mac", row.Mac),
            ],
        });
}
