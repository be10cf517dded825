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

    private const int Doublings = 9;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>By which clocks of nodes may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>What another time may be better.</summary>
    private static readonly HashSet<Refusal> Passing = [Refusal.Unavailable, Refusal.AuditUnavailable, Refusal.InProgress, Refusal.TooManyRequests];

    /// <summary>Whether another time may be better.</summary>
    public static bool IsPassing(RefusalException refusal) => Passing.Contains(refusal.Kind) || refusal.RetryAfter is not null;

    /// <summary>One task, as far as it gets: to its end, or until something fails.</summary>
    /// <returns>False: none waits.</returns>
    public async Task<bool> RunOneAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        byte[] claim = RandomNumberGenerator.GetBytes(16);
        BatchTask? task = await database.WriteAsync(transaction => BatchStore.ClaimAsync(transaction, claim, now, now + options.BatchClaimFor, now + Longest + Skew), cancellationToken);
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
            await run.KeepAsync(cancellation => WorkAsync(run, officer, cancellation), cancellationToken);
        }
        catch (ClaimLostException)
        {
            LogTakenOver(logger, Convert.ToHexStringLower(task.BatchId), task.Number);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // This node ends: whichever is there next has it at once.
            await database.WriteAsync(transaction => BatchStore.ReleaseAsync(transaction, task, claim), CancellationToken.None);
            throw;
        }
        catch (Exception e)
        {
            await PutOffAsync(run?.Task ?? task, claim, e);
        }

        return true;
    }

    /// <summary>Longer from failure to failure.</summary>
    public static TimeSpan PauseAfter(long failures)
    {
        TimeSpan pause = First * Math.Pow(2, Math.Min(failures - 1, Doublings));
        return pause < Longest ? pause : Longest;
    }

    /// <summary>It is tried again from where it was, by whatever node: what is away comes back; what never works keeps no other waiting, and nobody busy.</summary>
    private async Task PutOffAsync(BatchTask task, byte[] claim, Exception trouble)
    {
        long failures = task.Failures + 1;
        TimeSpan pause = PauseAfter(failures);
        LogPutOff(logger, Convert.ToHexStringLower(task.BatchId), task.Number, failures, pause, trouble);
        await database.WriteAsync(transaction => BatchStore.PutOffAsync(transaction, task, claim, failures, time.GetUtcNow() + pause), CancellationToken.None);
    }

    /// <summary>Ends a task that is refused as a whole.</summary>
    private async Task WorkAsync(BatchRun run, Officer? officer, CancellationToken cancellationToken)
    {
        try
        {
            (officer ?? throw new RefusalException(Refusal.NotAllowed, BatchRun.Gone)).RequireStanding(time.GetUtcNow());
            await works.Single(each => each.Does(run.Batch, run.Task.Kind)).RunAsync(run, cancellationToken);
        }
        catch (RefusalException e) when (!IsPassing(e))
        {
            await run.AdvanceAsync(run.Task with { State = BatchTaskState.Refused, Reason = e.Message }, [], null, cancellationToken);
        }
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
                // The service ends.
            }
            catch (Exception e)
            {
                LogFailed(logger, e);
                await Task.WhenAny(Task.Delay(Look, stoppingToken));
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Tasks of batches could not be claimed or put off; in a moment again")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Task {Number} of batch {Batch} was interrupted, {Failures} times since its last part; it is tried again in {Pause}")]
    private static partial void LogPutOff(ILogger logger, string batch, short number, long failures, TimeSpan pause, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Task {Number} of batch {Batch} was ended, or another node goes on with it")]
    private static partial void LogTakenOver(ILogger logger, string batch, short number);
}

/// <summary>A task waits.</summary>
internal sealed class BatchSignal : Signal;
