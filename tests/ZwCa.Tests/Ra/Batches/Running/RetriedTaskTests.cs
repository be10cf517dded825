using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Ra.Batches;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>Work on a batch that fails: it is tried again, less and less often, by whatever node, until it gets on or an officer gives the batch up.</summary>
public sealed class RetriedTaskTests
{
    private const string Words = "Nobody outside shall read this.";

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatAlwaysFails_IsTriedLessAndLess_WhicheverNodeLooks_AndIsLoggedEachTime(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var work = new ScriptedWork((_, _, _) => throw new InvalidOperationException(Words));
        BatchNode[] nodes = [new(records, work), new(records, work)];
        var pauses = new List<double>();
        for (int i = 0; i < 12; i++)
        {
            Assert.True(await nodes[i % 2].RunOneAsync());

            BatchTask task = await desk.LastAsync(id);
            Assert.Equal((BatchTaskState.Running, i + 1), (task.State, task.Failures));
            TimeSpan pause = task.RetryAt - records.Story.Clock.GetUtcNow();
            pauses.Add(pause.TotalSeconds);
            records.Story.Clock.Advance(pause - TimeSpan.FromMilliseconds(1));
            Assert.False(await nodes[0].RunOneAsync() || await nodes[1].RunOneAsync());
            records.Story.Clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300], pauses);
        Assert.Equal(12, work.Runs);
        Assert.Equal(12, nodes.Sum(node => node.Log.All.Count(line => line.StartsWith($"Error: Task 1 of batch {id} was interrupted", StringComparison.Ordinal))));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatGetsOn_BeginsWithAShortPauseAgain(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var node = new BatchNode(records, new ScriptedWork(async (run, times, _) =>
        {
            if (times == 4)
            {
                // Something written that is no progress, then some that is.
                await run.AdvanceAsync(run.Task, [], null, Token);
                Assert.Equal(3, run.Task.Failures);
                await run.AdvanceAsync(run.Task with { Reached = 500, Done = 500 }, [], null, Token);
            }

            if (times < 6)
            {
                throw new InvalidOperationException(Words);
            }

            await ScriptedWork.EndAsync(run);
        }));
        var failures = new List<long>();
        for (int i = 0; i < 6; i++)
        {
            Assert.True(await node.RunOneAsync());
            failures.Add((await desk.LastAsync(id)).Failures);
            records.Story.Clock.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.Equal([1, 2, 3, 1, 2, 2], failures);
        Assert.Equal((BatchTaskState.Done, 500), ((await desk.LastAsync(id)).State, (await desk.LastAsync(id)).Reached));
        Assert.False(await node.RunOneAsync());
    }

    [Fact]
    public async Task TheOfficerReadsThatItIsTriedAgain_AndMayGiveTheBatchUp_WhichEndsIt()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var answers = new BatchAnswers(records.Database, desk.Batches);
        var failing = new ScriptedWork((run, _, _) => run.Task.Kind == BatchTaskKind.Cancellation ? ScriptedWork.EndAsync(run) : throw new InvalidOperationException(Words));
        var node = new BatchNode(records, failing);
        Assert.Null((await ShowAsync()).Waiting);
        await node.RunOneAsync();
        records.Story.Clock.Advance(TimeSpan.FromSeconds(1));
        await node.RunOneAsync();

        BatchTaskAnswer waiting = await ShowAsync();
        Assert.Equal(("running", null), (waiting.State, waiting.Reason));
        Assert.Contains("已连续2次", waiting.Waiting, StringComparison.Ordinal);
        Assert.DoesNotContain(Words, waiting.Waiting, StringComparison.Ordinal);

        // Its own pause does not hold the cancellation up.
        await desk.Batches.DoAsync(records.OfCity, id, BatchTaskKind.Cancellation, "文件有误", _ => Task.CompletedTask, Token);
        Assert.True(await node.RunOneAsync());
        BatchAnswer after = await answers.ShowAsync(records.OfCity, id, Token);
        Assert.Equal([("checking", "refused"), ("cancellation", "done")], after.Tasks.Select(task => (task.Kind, task.State)));
        Assert.All(after.Tasks, task => Assert.Null(task.Waiting));
        records.Story.Clock.Advance(TimeSpan.FromHours(1));
        Assert.False(await node.RunOneAsync());
        Assert.Equal(3, failing.Runs);

        async Task<BatchTaskAnswer> ShowAsync() => Assert.Single((await answers.ShowAsync(records.OfCity, id, Token)).Tasks);
    }

    [Fact]
    public async Task WhatCannotBeDone_IsRefused_AndWhatAnotherTimeIsBetter_IsPutOff()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var node = new BatchNode(records, new ScriptedWork((_, times, _) => throw new RefusalException(times == 1 ? Refusal.Unavailable : Refusal.Malformed, "文件有误。")));
        await node.RunOneAsync();
        Assert.Equal((BatchTaskState.Running, 1), ((await desk.LastAsync(id)).State, (await desk.LastAsync(id)).Failures));
        records.Story.Clock.Advance(TimeSpan.FromSeconds(1));
        await node.RunOneAsync();
        Assert.Equal((BatchTaskState.Refused, "文件有误。"), ((await desk.LastAsync(id)).State, (await desk.LastAsync(id)).Reason));
    }

    [Fact]
    public async Task ANodeThatIsStopped_LeavesItsTaskToTheNextAtOnce()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        (ImportDesk desk, string id) = await OpenAsync(records);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var work = new ScriptedWork(async (run, times, cancellation) =>
        {
            if (times > 1)
            {
                await ScriptedWork.EndAsync(run);
                return;
            }

            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new BatchNode(records, work).RunOneAsync(stop.Token));
        Assert.Equal((BatchTaskState.Running, 0), ((await desk.LastAsync(id)).State, (await desk.LastAsync(id)).Failures));

        Assert.True(await new BatchNode(records, work).RunOneAsync());
        Assert.Equal(BatchTaskState.Done, (await desk.LastAsync(id)).State);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatAWrongClockHasPutOff_IsDue(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        (ImportDesk desk, string id) = await OpenAsync(records);
        await records.Story.RawAsync("UPDATE batch_task SET failures = 3, retry_at = @Never", new { Never = records.Story.Clock.GetUtcNow().AddYears(10) });

        Assert.True(await new BatchNode(records, new ScriptedWork((run, _, _) => ScriptedWork.EndAsync(run))).RunOneAsync());
        Assert.Equal(BatchTaskState.Done, (await desk.LastAsync(id)).State);
    }

    private static async Task<(ImportDesk Desk, string Id)> OpenAsync(RaRecords records)
    {
        var desk = new ImportDesk(records);
        return (desk, await desk.OpenAsync(ApplicantText.File(ApplicantText.Person(1))));
    }
}
