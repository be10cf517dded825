using System.Diagnostics;
using ZwCa.Ra.Batches;
using ZwCa.Tests.Ra.Officers;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>A node's part that works on batches, of which a test says what the work is.</summary>
internal sealed class BatchNode(RaRecords records, ScriptedWork work, TimeSpan? claimFor = null, TimeProvider? time = null)
{
    public Lines<RunBatches> Log { get; } = new();

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <returns>False: none waits.</returns>
    public async Task<bool> RunOneAsync(CancellationToken? cancellationToken = null)
    {
        using var node = new RunBatches(
            RaDesk.Options with { BatchClaimFor = claimFor ?? TimeSpan.FromSeconds(30) },
            records.Database,
            records.Story.Log,
            records.Story.Directory,
            [work],
            new BatchSignal(),
            time ?? records.Story.Clock,
            Log);
        return await node.RunOneAsync(cancellationToken ?? Token);
    }
}

/// <summary>Whatever is asked for of a batch, this is done.</summary>
internal sealed class ScriptedWork(Func<BatchRun, int, CancellationToken, Task> script) : IBatchWork
{
    private int _runs;

    /// <summary>How often it was begun.</summary>
    public int Runs => _runs;

    public bool Does(Batch batch, BatchTaskKind kind) => true;

    public Task RunAsync(BatchRun run, CancellationToken cancellationToken) => script(run, Interlocked.Increment(ref _runs), cancellationToken);

    public static Task EndAsync(BatchRun run) => run.AdvanceAsync(run.Task with { State = BatchTaskState.Done }, [], null, BatchNode.Token);
}

/// <summary>A clock that goes by itself, from the story's time on.</summary>
internal sealed class RunningClock(DateTimeOffset start) : TimeProvider
{
    private readonly long _started = Stopwatch.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => start + Stopwatch.GetElapsedTime(_started);
}
