using ZwCa.Data;
using ZwCa.Ra.Batches;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Ra.Batches.Running;

/// <summary>Whose task it is, while a part takes longer than a claim.</summary>
public sealed class KeptClaimTests
{
    private static readonly TimeSpan Claim = TimeSpan.FromSeconds(0.9);

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task APartThatTakesLongerThanAClaim_NoOtherNodeBegins(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var clock = new RunningClock(records.Story.Clock.GetUtcNow());
        var work = new ScriptedWork(async (run, _, cancellation) =>
        {
            await Task.Delay(Claim * 4, cancellation);
            await ScriptedWork.EndAsync(run);
        });
        Task<bool> first = new BatchNode(records, work, Claim, clock).RunOneAsync();
        await RaWaiting.UntilAsync(() => Task.FromResult(work.Runs == 1), "the first has begun");
        var second = new BatchNode(records, work, Claim, clock);
        while (!first.IsCompleted)
        {
            Assert.False(await second.RunOneAsync());
            await Task.Delay(50, Token);
        }

        Assert.True(await first);
        Assert.Equal((1, BatchTaskState.Done), (work.Runs, (await desk.LastAsync(id)).State));
    }

    [Fact]
    public async Task WhenTheBatchIsGivenUpInTheMiddleOfAPart_TheWorkIsToldToStop()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var work = new ScriptedWork((_, _, cancellation) => Task.Delay(Timeout.Infinite, cancellation));
        var node = new BatchNode(records, work, Claim, new RunningClock(records.Story.Clock.GetUtcNow()));
        Task<bool> run = node.RunOneAsync();
        await RaWaiting.UntilAsync(() => Task.FromResult(work.Runs == 1), "it has begun");

        await desk.Batches.DoAsync(records.OfCity, id, BatchTaskKind.Cancellation, "文件有误", _ => Task.CompletedTask, Token);

        Assert.True(await run.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.StartsWith("Warning: Task 1 of batch", Assert.Single(node.Log.All), StringComparison.Ordinal);
        Assert.Equal((BatchTaskKind.Cancellation, 0), ((await desk.LastAsync(id)).Kind, (await desk.LastAsync(id)).Failures));
    }

    [Fact]
    public async Task APartThatStandsStill_IsPutOff_LikeOneThatFails()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        (ImportDesk desk, string id) = await OpenAsync(records);
        var node = new BatchNode(
            records, new ScriptedWork((_, _, cancellation) => Task.Delay(Timeout.Infinite, cancellation)), TimeSpan.FromSeconds(0.15), new RunningClock(records.Story.Clock.GetUtcNow()));

        Assert.True(await node.RunOneAsync().WaitAsync(TimeSpan.FromSeconds(60), Token));

        Assert.Equal((BatchTaskState.Running, 1), ((await desk.LastAsync(id)).State, (await desk.LastAsync(id)).Failures));
        Assert.StartsWith("Error: Task 1 of batch", Assert.Single(node.Log.All), StringComparison.Ordinal);
    }

    private static async Task<(ImportDesk Desk, string Id)> OpenAsync(RaRecords records)
    {
        var desk = new ImportDesk(records);
        return (desk, await desk.OpenAsync(ApplicantText.File(ApplicantText.Person(1))));
    }
}
