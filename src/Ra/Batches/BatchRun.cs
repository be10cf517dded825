using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Batches;

/// <summary>A kind of work on batches. What it does it can do again: a node may die before it has told how far it was.</summary>
internal interface IBatchWork
{
    bool Does(Batch batch, BatchTaskKind kind);

    /// <summary>Goes on from where the run's task is, a part after the other, each written by <see cref="BatchRun.AdvanceAsync"/>; the last with the state done.</summary>
    /// <exception cref="RefusalException">It cannot be done at all. Where another time is better, of a kind that says so: it is tried again.</exception>
    Task RunAsync(BatchRun run, CancellationToken cancellationToken);
}

/// <summary>Another node is at it, or it was ended.</summary>
internal sealed class ClaimLostException() : Exception("Another node has taken this task over, or it was ended.");

/// <summary>One task in the hands of one node.</summary>
/// <param name="officer">Who asked for it, in office.</param>
/// <param name="claimFor">Where a node dies, so long its task waits.</param>
internal sealed class BatchRun(Database database, AuditLog log, TimeProvider time, Batch batch, BatchTask task, Officer? officer, byte[] claim, TimeSpan claimFor)
{
    public const string Gone = "提出该任务的人员已不在任，或已换发证书，请由在任人员重新提出。";

    /// <summary>So often a claim is renewed before it would expire.</summary>
    private const int Renewals = 3;

    /// <summary>So many claims a part may take: what stands still for longer is to be tried again, and seen.</summary>
    private const int ClaimsOfPart = 20;

    private long _advancedAt = time.GetTimestamp();

    public Batch Batch { get; } = batch;

    /// <summary>How far it is.</summary>
    public BatchTask Task { get; private set; } = task;

    /// <summary>In office when the claim began.</summary>
    public Officer Officer => officer ?? throw new InvalidOperationException("Nobody is in office by that certificate.");

    /// <summary>Writes in one transaction how far the work is, what it refused, and what else belongs to that part.</summary>
    /// <param name="now">The task with what has changed of it.</param>
    /// <param name="part">May run twice; null: nothing else.</param>
    /// <exception cref="ClaimLostException">Nothing was written.</exception>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: the officer is in office no longer; nothing was written.</exception>
    public async Task AdvanceAsync(BatchTask now, IReadOnlyList<BatchRefusal> refusals, Func<Transaction, Task>? part, CancellationToken cancellationToken)
    {
        DateTimeOffset at = time.GetUtcNow();
        BatchTask next = now with
        {
            ClaimedUntil = at + claimFor, Failures = now.Reached > Task.Reached ? 0 : now.Failures, EndedAt = now.State == BatchTaskState.Running ? null : at,
        };
        bool isWritten = await database.WriteAsync(
            async transaction =>
            {
                if (!await BatchStore.AdvanceAsync(transaction, next, claim))
                {
                    return false;
                }

                if (next.State != BatchTaskState.Refused)
                {
                    await RequireOfficerAsync(transaction);
                }

                await BatchStore.RefuseAsync(transaction, next, refusals);
                if (part is not null)
                {
                    await part(transaction);
                }

                if (next.State != BatchTaskState.Running)
                {
                    await log.AppendAsync(transaction, EventOf(next));
                }

                return true;
            },
            cancellationToken);
        Task = isWritten ? next : throw new ClaimLostException();
        Volatile.Write(ref _advancedAt, time.GetTimestamp());
    }

    /// <summary>
    /// Does the work and keeps the claim meanwhile, however long a part takes; so no other node begins it too. That two do not both write it, each part's transaction sees to, not this: a node that is
    /// cut off from the database loses its claim.
    /// </summary>
    /// <param name="work">Is told to stop when the claim is lost.</param>
    /// <exception cref="ClaimLostException">It has been told so.</exception>
    /// <exception cref="TimeoutException">A part stood still.</exception>
    public async Task KeepAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<Exception?> keeping = RenewAsync(stop);
        try
        {
            await work(stop.Token);
        }
        catch (Exception) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw (await keeping)!;
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
        }
    }

    /// <returns>Why the work was told to stop. Null: it was not.</returns>
    private async Task<Exception?> RenewAsync(CancellationTokenSource stop)
    {
        using var timer = new PeriodicTimer(claimFor / Renewals);
        Exception? trouble = null;
        while (trouble is null)
        {
            try
            {
                await timer.WaitForNextTickAsync(stop.Token);
                trouble = time.GetElapsedTime(Volatile.Read(ref _advancedAt)) > claimFor * ClaimsOfPart ? new TimeoutException($"A part has not ended within {claimFor * ClaimsOfPart}.")
                    : !await database.WriteAsync(transaction => BatchStore.RenewAsync(transaction, Task, claim, time.GetUtcNow() + claimFor), stop.Token) ? new ClaimLostException()
                    : null;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception)
            {
                // The database is away: whether the claim is still there is asked next time, and by the transaction of the part.
            }
        }

        await stop.CancelAsync();
        return trouble;
    }

    /// <summary>Whatever is done in an officer's name is done while he is in office: asked in each transaction.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>.</exception>
    public async Task RequireOfficerAsync(Transaction transaction)
    {
        if (!await OfficerDirectory.IsInOfficeAsync(transaction, SerialNumber.Parse(Task.OfficerSerial)))
        {
            throw new RefusalException(Refusal.NotAllowed, Gone);
        }
    }

    private AuditEvent EventOf(BatchTask ended) =>
        new(new AuditActor(AuditActorKind.Officer, ended.OfficerSerial), $"batch.{ended.Kind.ToString().ToLowerInvariant()}", new AuditObject("batch", Batch.Id), ended.State == BatchTaskState.Done ? AuditOutcome.Done : AuditOutcome.Refused)
        {
            Fields =
            [
                new AuditField.Number("task", ended.Number),
                new AuditField.Number("rows", ended.Reached),
                new AuditField.Number("done", ended.Done),
                new AuditField.Number("refused", ended.Refused),
                .. ended.ApprovalHash is null ? [] : (AuditField[])[new AuditField.Octets("approval", ended.ApprovalHash)],
            ],
        };
}
