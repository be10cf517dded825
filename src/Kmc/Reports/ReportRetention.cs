using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;

namespace ZwCa.Kmc.Reports;

/// <summary>Says how many keys of the history are older than they have to be kept. It deletes none: what was enciphered with one may still be needed, and who decides that is no program.</summary>
internal sealed partial class ReportRetention(CountKeys keys, Database database, AuditLog log, KmcOptions options, ILogger<ReportRetention> logger)
{
    public const string RetentionAction = "key.retention";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "retention");

    /// <returns>How many.</returns>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        long count = await keys.CountPastRetentionAsync(cancellationToken);
        if (count > 0)
        {
            LogPastRetention(logger, count, options.RetentionYears);
            await database.WriteAsync(
                transaction => log.AppendAsync(
                    transaction,
                    new AuditEvent(Actor, RetentionAction, new AuditObject("table", "escrowed_key"), AuditOutcome.Done)
                    {
                        Fields = [new AuditField.Number("count", count), new AuditField.Number("years", options.RetentionYears)],
                    }),
                cancellationToken);
        }

        return count;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} keys have been in history for more than {Years} years; none is deleted")]
    private static partial void LogPastRetention(ILogger logger, long count, int years);
}
