using System.Data.Common;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Hsm;

namespace ZwCa.Ca.Certificates;

/// <summary>
/// Brings to an end what a crash or a device left standing: reservations without an intention are closed, intentions signed or given up. Each step is decided by rows affected: any
/// number of nodes may run it, and beside requests.
/// </summary>
internal sealed partial class RecoverIssuance(Database database, IssueCertificate issuance, FinishIssuance finish, CaOptions options, TimeProvider time, ILogger<RecoverIssuance> logger)
{
    private const int Batch = 100;

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "recovery");

    /// <param name="Closed">Reservations.</param>
    /// <param name="Issued">Intentions that became certificates.</param>
    /// <param name="Abandoned">Intentions that were given up.</param>
    public sealed record Result(int Closed, int Issued, int Abandoned);

    /// <exception cref="HsmException">The device is away: what is left waits.</exception>
    public async Task<Result> RunAsync(CancellationToken cancellationToken)
    {
        int closed = 0;
        int issued = 0;
        int abandoned = 0;
        byte[] after = new byte[Ulid.Length];
        byte[] before = Ulid.FirstOf(time.GetUtcNow() - options.RecoverAfter);
        while (true)
        {
            IReadOnlyList<CertificateRow> rows = await database.QueryAsync<CertificateRow>(
                $"""
                 SELECT {CertificateRow.Columns} FROM certificate WHERE state < 2 AND certificate_id > @After AND certificate_id < @Before
                 ORDER BY certificate_id {database.Dialect.Limit(Batch)}
                 """,
                new { After = after, Before = before },
                cancellationToken);
            foreach (CertificateRow row in rows)
            {
                after = row.CertificateId;
                try
                {
                    if (row.State == CertificateState.Reserved)
                    {
                        closed += await issuance.CloseUnusedAsync(row, "recovery") ? 1 : 0;
                        continue;
                    }

                    await finish.RunAsync(row, Actor, asked: false, static (_, _) => Task.CompletedTask, cancellationToken);
                    issued++;
                }
                catch (RefusalException e) when (e.Kind is Refusal.WrongState or Refusal.InProgress)
                {
                    abandoned += e.Kind == Refusal.WrongState ? 1 : 0;
                }
#pragma warning disable CA1031 // One row that makes no sense must not keep the others waiting; the operator hears of it each time.
                catch (Exception e) when (e is not (HsmException or DbException or OperationCanceledException))
#pragma warning restore CA1031
                {
                    LogFailed(logger, row.ToString(), e);
                }
            }

            if (rows.Count < Batch)
            {
                break;
            }
        }

        if (closed + issued + abandoned > 0)
        {
            LogRecovered(logger, closed, issued, abandoned);
        }

        return new Result(closed, issued, abandoned);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Recovery cannot end {Row}")]
    private static partial void LogFailed(ILogger logger, string row, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Recovered: {Closed} reservations closed, {Issued} intentions signed, {Abandoned} given up")]
    private static partial void LogRecovered(ILogger logger, int closed, int issued, int abandoned);
}
