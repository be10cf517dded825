using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Kmc.Recoveries;

/// <summary>What has come of a judicial recovery, for officers. Each time that the envelope is handed out is an event.</summary>
internal sealed class FetchJudicialRecovery(Database database, AuditLog log, TimeProvider time)
{
    public const string FetchAction = "judicial.fetch";

    /// <param name="also">What else belongs into the transaction.</param>
    /// <returns>The envelope for administrators only, until the case has ended.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>.</exception>
    public Task<JudicialRecoveryAnswer> RunAsync(Officer officer, byte[] id, Func<Transaction, Task> also, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            JudicialRow row = await JudicialRecoveryStore.FindAsync(transaction, id) ?? throw new RefusalException(Refusal.NotFound, "没有该司法恢复。");
            bool isGiven = row.State == JudicialState.Delivered && time.GetUtcNow() <= row.NotAfter && officer.Kind == OfficerKind.Administrator;
            if (isGiven)
            {
                await log.AppendAsync(
                    transaction, JudicialActions.EventOf(officer.Actor, FetchAction, row, AuditOutcome.Done, new AuditField.Octets("envelope", row.EnvelopeHash!)));
            }

            await also(transaction);
            return new JudicialRecoveryAnswer
            {
                Id = Convert.ToHexStringLower(row.RecoveryId),
                State = row.State.ToString(),
                KeyId = Convert.ToHexStringLower(row.KeyId),
                NotAfter = row.NotAfter,
                OrderedAt = row.OrderedAt,
                EndedAt = row.EndedAt,
                Detail = row.Detail,
                Envelope = isGiven ? row.Envelope : null,
                EnvelopeHash = row.EnvelopeHash,
            };
        },
        cancellationToken);
}
