using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;

namespace ZwCa.Kmc.Requests;

/// <summary>
/// Subscribers have what was answered (trust.md §9): from now on the hash of the answer is all that there is of it, and to the same signing keys it is not given again by a CA's message
/// alone. Whoever steals such a key later finds no envelope for it here.
/// </summary>
internal sealed class KeepReceipts(Database database, AuditLog log, TimeProvider time)
{
    public const string ReceiveAction = "key.receipt";

    /// <summary>Done again it changes nothing.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: the CA has sent no such message; <see cref="Refusal.WrongState"/>: it is not answered yet.</exception>
    public Task RunAsync(ServedCa ca, KeyReceipt receipt, CancellationToken cancellationToken) => database.WriteAsync(
        async transaction =>
        {
            TaskRow task = await TaskStore.FindAsync(transaction, ca.CaId, receipt.TaskNo) ?? throw new RefusalException(Refusal.NotFound, "没有该任务。");
            if (task.AnsweredAt is null)
            {
                throw new RefusalException(Refusal.WrongState, "该任务尚未应答，不能签收。");
            }

            if (await TaskStore.ReceiveAsync(transaction, task, time.GetUtcNow()))
            {
                await log.AppendAsync(transaction, new AuditEvent(new AuditActor(AuditActorKind.Service, ca.Name), ReceiveAction, new AuditObject("task", $"{ca.Name}/{task.TaskNo}"), AuditOutcome.Done)
                {
                    Fields = [new AuditField.Octets("reply", task.ReplyHash!)],
                });
            }
        },
        cancellationToken);
}
