using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;

namespace ZwCa.Kmc.Registrations;

/// <summary>
/// Holds the rows of served CAs, which have no MAC, against what officers have last decided by the log: who writes to the database past the service could thaw one, or give one another key or link.
/// </summary>
internal static class CheckCas
{
    /// <summary>What disagrees at this moment: a command that is being done, and has no place in the log yet, too.</summary>
    public static async Task<IReadOnlyList<RowFinding>> RunAsync(Database database, CancellationToken cancellationToken)
    {
        IReadOnlyList<ServedCa> rows = await database.ReadAsync(ServedCa.ListAsync, cancellationToken);
        IReadOnlyList<byte[]> decisions = await database.QueryAsync<byte[]>(
            """
            SELECT e.leaf FROM audit_search s JOIN audit_event e ON e.event_id = s.event_id
            WHERE s.object_kind = 'ca' AND s.action IN (@Register, @Change, @Freeze, @Unfreeze) ORDER BY s.event_id
            """,
            new { CaActions.Register, CaActions.Change, CaActions.Freeze, CaActions.Unfreeze },
            cancellationToken);
        ILookup<string, AuditLeaf> log = decisions.Select(leaf => Der.Decode<AuditLeaf>(leaf))
            .Where(leaf => leaf.Outcome == AuditOutcome.Done).ToLookup(leaf => leaf.Object.Id);
        return
        [
            .. log.Where(ca => rows.All(row => row.Name != ca.Key))
                .Select(ca => new RowFinding(new AuditObject("ca", ca.Key), "the log has it as registered, and there is no row of it: it was deleted or renamed past the service")),

            // By its number: a name that the log does not have may be anything.
            .. rows.Where(row => !log.Contains(row.Name)).Select(row => new RowFinding(
                new AuditObject("served_ca", row.CaId.ToString(CultureInfo.InvariantCulture)), "the log knows of no registration: it was added or renamed past the service")),
            .. rows.Where(row => log.Contains(row.Name)).Select(row => (row.Name, Why: WhyNot(row, [.. log[row.Name]])))
                .Where(row => row.Why is not null).Select(row => new RowFinding(new AuditObject("ca", row.Name), row.Why!)),
        ];
    }

    /// <param name="events">Of the CA, in their order.</param>
    private static string? WhyNot(ServedCa row, IReadOnlyList<AuditLeaf> events)
    {
        ServedCaState state = events.Any(leaf => leaf.Action is CaActions.Freeze or CaActions.Unfreeze)
            && events.Last(leaf => leaf.Action is CaActions.Freeze or CaActions.Unfreeze).Action == CaActions.Freeze ? ServedCaState.Frozen : ServedCaState.Served;
        return events.LastOrDefault(leaf => leaf.Action is CaActions.Register or CaActions.Change) is not { } last ? "the log knows of no registration"
            : row.State != state ? $"it is {row.State}, and the log has it as {state}"
            : !IsAs(last, "certificate", Sm3.HashData(row.Certificate)) || !IsAs(last, "key", row.KeyHash) ? "its message certificate or key is another than the log has"
            : TextOf(last, "link") != row.LinkName ? "its link is another than the log has"
            : TextOf(last, "signedPart") != row.SignedPart.ToString() || TextOf(last, "signatureForm") != row.SignatureForm.ToString() ? "its switches are others than the log has"
            : null;
    }

    private static bool IsAs(AuditLeaf leaf, string name, byte[] value) =>
        leaf.Fields.OfType<AuditField.Octets>().FirstOrDefault(field => field.Name == name) is { } field && field.Value.Span.SequenceEqual(value);

    private static string? TextOf(AuditLeaf leaf, string name) => leaf.Fields.OfType<AuditField.Text>().FirstOrDefault(field => field.Name == name)?.Value;
}
