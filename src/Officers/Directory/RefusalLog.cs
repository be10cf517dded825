using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;

namespace ZwCa.Officers;

/// <summary>Runs a unit of work; an attempt that says something about who made it is an event of its own, for the unit itself leaves nothing behind.</summary>
internal sealed class RefusalLog(Database database, AuditLog log)
{
    public async Task<T> RunAsync<T>(
        AuditActor actor, string action, AuditObject target, Func<Transaction, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await database.WriteAsync(work, cancellationToken);
        }
        catch (RefusalException e) when (HasWeight(e.Kind))
        {
            await RecordAsync(actor, action, target, e.Kind);
            throw;
        }
    }

    /// <summary>Not cancelled: whoever hangs up after a refused attempt is in the log as well.</summary>
    public Task RecordAsync(AuditActor actor, string action, AuditObject target, Refusal kind) =>
        database.WriteAsync(
            transaction => log.AppendAsync(
                transaction,
                new AuditEvent(actor, action, target, AuditOutcome.Refused) { Fields = [new AuditField.Text("refusal", kind.ToString())] }),
            CancellationToken.None);

    /// <summary>Not those that anybody can bring about by sending rubbish: they would fill the log.</summary>
    private static bool HasWeight(Refusal kind) =>
        kind is Refusal.NotAllowed or Refusal.OutOfScope or Refusal.SecondOfficerRequired or Refusal.RolesNotDisjoint or Refusal.RecertificationDue;
}
