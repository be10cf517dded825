using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Kmc.Requests;

namespace ZwCa.Kmc.EscrowedKeys;

/// <summary>Moves keys in use whose time is over into history, page by page. On several nodes at once too: who moves a row first has it. What is left, the next run finds.</summary>
internal sealed partial class ExpireKeys(Database database, AuditLog log, RowMac mac, TimeProvider time, ILogger<ExpireKeys> logger)
{
    private const int Page = 200;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "expiry");

    /// <returns>Keys that were moved.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        int moved = 0;
        var names = (await database.ReadAsync(ServedCa.ListAsync, cancellationToken)).ToDictionary(ca => ca.CaId, ca => ca.Name);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        for (EscrowedKey? after = null; ;)
        {
            IReadOnlyList<EscrowedKey> due = await database.ReadAsync(transaction => EscrowedKeyStore.ListExpiredAsync(transaction, now, after, Page), cancellationToken);
            if (due.Count == 0)
            {
                return moved;
            }

            after = due[^1];
            EscrowedKey[] ended = [.. due.Where(IsIntact).Select(row => mac.End(row, KeyEnd.Expired, now))];
            moved += await database.WriteAsync(transaction => EndAsync(transaction, ended, names), cancellationToken);
        }
    }

    private async Task<int> EndAsync(Transaction transaction, IReadOnlyList<EscrowedKey> ended, Dictionary<short, string> names)
    {
        int moved = 0;
        foreach (EscrowedKey row in ended)
        {
            // One that a message moved meanwhile is left for the next run.
            if (await EscrowedKeyStore.EndAsync(transaction, row))
            {
                await KeyMoves.RecordAsync(transaction, log, Actor, KeyMoves.EndAction, names[row.CaId!.Value], row, AuditOutcome.Done);
                moved++;
            }
        }

        return moved;
    }

    /// <summary>A row that was changed past the service is not moved: sealed anew, it would pass for a right one.</summary>
    private bool IsIntact(EscrowedKey row)
    {
        bool isIntact = mac.IsIntact(row);
        if (!isIntact)
        {
            LogTampered(logger, Convert.ToHexStringLower(row.KeyId));
        }

        return isIntact;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of the key {Key} was changed past the service: it is not moved into history")]
    private static partial void LogTampered(ILogger logger, string key);
}
