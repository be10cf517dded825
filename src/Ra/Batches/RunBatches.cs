using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Batches;

/// <summary>Does what was asked for of batches, on every node: which node is at a task, its claim says. What is interrupted goes on where it was, on whatever node.</summary>
internal sealed partial class RunBatches(
    RaOptions options, Database database, AuditLog log, OfficerDirectory directory, IEnumerable<IBatchWork> works, BatchSignal signal, TimeProvider time, ILogger<RunBatches> logger)
    : BackgroundService
{
    /// <summary>A long one keeps a short one waiting only where there are several long ones.</summary>
    private const int AtOnce = 2;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    /// <summary>What another time may be better.</summary>
    private static readonly HashSet<Refusal> Passing = [Refusal.Unavailable, Refusal.AuditUnavailable, Refusal.InProgress, Refusal.TooManyRequests];

    /// <summary>Whether another time may be better.</summary>
    public static bool IsPassing(RefusalException refusal) => Passing.Contains(refusal.Kind) || refusal.RetryAfter is not null;

    /// <summary>One task, as far as it gets.</summary>
    /// <returns>False: none waits.</returns>
    public async Task<bool> RunOneAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        byte[] claim = RandomNumberGenerator.GetBytes(16);
        BatchTask? task = await database.WriteAsync(transaction => BatchStore.ClaimAsync(transaction, claim, now, now + options.BatchClaimFor), cancellationToken);
        if (task is null)
        {
            return false;
        }

        FaultPoint.Reach("batch-claimed");
        BatchRun? run = null;
        try
        {
            Batch batch = (await database.ReadAsync(transaction => BatchStore.FindAsync(transaction, task.BatchId), cancellationToken))!;
            Officer? officer = await FindOfficerAsync(task, cancellationToken);
            run = new BatchRun(database, log, time, batch, task, officer, claim, options.BatchClaimFor);
            (officer ?? throw new RefusalException(Refusal.NotAllowed, BatchRun.Gone)).RequireStanding(now);
            await works.Single(each => each.Does(batch, task.Kind)).RunAsync(run, cancellationToken);
        }
        catch (ClaimLostException)
        {
            LogTakenOver(logger, Convert.ToHexStringLower(task.BatchId), task.Number);
        }
        catch (RefusalException e) when (run is not null && !IsPassing(e))
        {
            await run.AdvanceAsync(run.Task with { State = BatchTaskState.Refused, Reason = e.Message }, [], null, cancellationToken);
        }
        catch
        {
            // Whatever it is: soon again, from where it was.
            await database.WriteAsync(transaction => BatchStore.ReleaseAsync(transaction, task, claim, time.GetUtcNow() + Look), CancellationToken.None);
            throw;
        }

        return true;
    }

    /// <returns>Null: nobody is in office by that certificate, whatever the reason.</returns>
    private async Task<Officer?> FindOfficerAsync(BatchTask task, CancellationToken cancellationToken)
    {
        try
        {
            return await directory.FindAsync(SerialNumber.Parse(task.OfficerSerial), cancellationToken);
        }
        catch (RefusalException e) when (!IsPassing(e))
        {
            return null;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => LoopAsync(stoppingToken)));

    private async Task LoopAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!await RunOneAsync(stoppingToken))
                {
                    await signal.WaitAsync(Look, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The service ends; the claim expires, and the task goes on elsewhere or later.
            }
            catch (Exception e)
            {
                LogFailed(logger, e);
                await Task.WhenAny(Task.Delay(Look, stoppingToken));
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Work on a batch was interrupted; it goes on in a moment")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Task {Number} of batch {Batch} was ended, or another node goes on with it")]
    private static partial void LogTakenOver(ILogger logger, string batch, short number);
}

/// <summary>A task waits.</summary>
internal sealed class BatchSignal : Signal;
