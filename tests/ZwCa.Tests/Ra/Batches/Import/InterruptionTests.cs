using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Batches;
using ZwCa.Ra.Batches.Import;
using static ZwCa.Tests.Ra.Batches.Import.ApplicantText;

namespace ZwCa.Tests.Ra.Batches.Import;

/// <summary>Nodes die, others go on, clerks are faster: nothing is made twice, and nothing is missing.</summary>
public sealed class InterruptionTests
{
    /// <summary>Three parts; the last row is the first once more, one in the middle is bad, and an organisation stands in another part than who works there.</summary>
    private static readonly byte[] Applicants = File([Organization(), .. Enumerable.Range(1, Good).Select(i => i == Bad - 1 ? Person(i, region: "350199") : Person(i, organization: i > (2 * Part) + 100 ? RaRecords.Code : "")), Person(1)]);

    private const int Part = ApplicantParts.Length;
    private const int Rows = (2 * Part) + 249;
    private const int Bad = Part + 101;
    private const int Good = Rows - 2;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ATask_ThatIsInterruptedAtEachPart_EndsAsIfItWereNot(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(Applicants);
        await InterruptAsync(records, desk, id);
        Assert.Equal([Bad, Rows], (await desk.RefusalsAsync(id)).Keys.Order());
        await desk.MakeAsync(id);

        await InterruptAsync(records, desk, id);

        BatchTask made = await desk.LastAsync(id);
        Assert.Equal((BatchTaskState.Done, Rows, Rows, Good, 2), (made.State, made.Reached, made.RowCount, made.Done, made.Refused));
        Assert.Equal([Bad, Rows], (await desk.RefusalsAsync(id)).Keys.Order());
        await AssertMadeOnceAsync(records, desk);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TheSameFileTwice_MakesNothingTwice(DatabaseKind kind)
    {
        await using RaRecords records = await RaRecords.CreateAsync(kind);
        var desk = new ImportDesk(records);
        string first = await desk.OpenAsync(Applicants), second = await desk.OpenAsync(Applicants);
        await desk.RunAsync(first);
        await desk.RunAsync(second);
        await desk.MakeAsync(first);
        await desk.MakeAsync(second);

        // On two nodes at once.
        await Task.WhenAll(Task.Run(() => desk.RunAsync(first), Token), Task.Run(() => desk.RunAsync(second), Token));

        BatchTask[] tasks = [await desk.LastAsync(first), await desk.LastAsync(second)];
        Assert.All(tasks, task => Assert.Equal((BatchTaskState.Done, Rows), (task.State, task.Done + task.Refused)));
        Assert.Equal(Good, tasks.Sum(task => task.Done));
        await AssertMadeOnceAsync(records, desk);

        string third = await desk.OpenAsync(Applicants);
        Assert.Equal((0, Rows), ((await desk.RunAsync(third)).Done, (await desk.LastAsync(third)).Refused));
    }

    [Fact]
    public async Task WhoeverLosesTheClaim_WritesNothing()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(Applicants);
        await desk.RunAsync(id);
        await desk.MakeAsync(id);

        await Assert.ThrowsAsync<ClaimLostException>(() => desk.RunAsync(id, new Moment(records.Story.Clock, 2, () => records.Story.RawAsync("UPDATE batch_task SET claim = @Other", new { Other = new byte[16] }).Wait(Token))));

        Assert.Equal((Part, Part), ((await desk.LastAsync(id)).Reached, await desk.CountAsync("batch_row")));
        await desk.RunAsync(id);
        await AssertMadeOnceAsync(records, desk);
    }

    [Fact]
    public async Task ARowThatHasBecomeImpossible_IsRefusedUnderTheMaking()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(File(Person(1), Person(2), Person(3)));
        Assert.Equal(3, (await desk.RunAsync(id)).Done);
        await desk.MakeAsync(id);

        // Between what the node has read and what it writes.
        SubscriberRequest other = RaRecords.Person(IdNumber.Parse(Number(2)), name: "李四");
        BatchTask made = await desk.RunAsync(id, new Moment(records.Story.Clock, 1, () => records.RegisterAsync(records.OfCity, other).Wait(Token)));

        Assert.Equal((2, 1), (made.Done, made.Refused));
        Assert.Contains("已以另一姓名或名称登记", Assert.Single(await desk.RefusalsAsync(id)).Value, StringComparison.Ordinal);
        Assert.Equal((3, 2), (await desk.CountAsync("subscriber"), await desk.CountAsync("enrollment")));
    }

    [Fact]
    public async Task WhatTheDryRunRefused_StaysRefused()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        var desk = new ImportDesk(records);
        string id = await desk.OpenAsync(File(Person(1), Person(2, organization: RaRecords.Code)));
        Assert.Equal(1, (await desk.RunAsync(id)).Refused);
        await records.RegisterAsync(records.OfCity, RaRecords.Organization());
        await desk.MakeAsync(id);

        Assert.Equal((1, 1), ((await desk.RunAsync(id)).Done, (await desk.LastAsync(id)).Refused));
        Assert.Contains("没有该所属单位", (await desk.RefusalsAsync(id))[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task EachSubscriberAndEachDraft_HasItsEvents_AsSingleOnesHave()
    {
        await using RaRecords records = await RaRecords.CreateAsync(DatabaseKind.Sqlite);
        BatchTask made = await new ImportDesk(records).ImportAsync(File(Organization(), Person(1, organization: RaRecords.Code)));

        Assert.Equal(2, made.Done);
        Assert.Equal(2, (await records.EventsAsync("subscriber.register")).Count);
        Assert.Equal(2, (await records.EventsAsync("enrollment.take-in")).Count);
        Assert.All(await records.EventsAsync("enrollment.take-in"), leaf => Assert.Equal(records.OfCity.Actor, leaf.Actor));
        Assert.Equal(["batch.checking", "batch.making"], [(await records.EventsAsync("batch.checking"))[0].Action, (await records.EventsAsync("batch.making"))[0].Action]);
    }

    /// <summary>At each part once: the node is told to stop, and another goes on.</summary>
    private static async Task InterruptAsync(RaRecords records, ImportDesk desk, string id)
    {
        var reached = new List<long>();
        while (true)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
            try
            {
                await desk.RunAsync(id, new Moment(records.Story.Clock, 2, stop.Cancel), stop.Token);
                Assert.Equal([Part, 2 * Part, Rows], reached);
                return;
            }
            catch (OperationCanceledException)
            {
                reached.Add((await desk.LastAsync(id)).Reached);
                Assert.True(reached.Count <= 3);
            }
        }
    }

    private static async Task AssertMadeOnceAsync(RaRecords records, ImportDesk desk)
    {
        Assert.Equal(Good, await desk.CountAsync("subscriber"));
        Assert.Equal(Good, await desk.CountAsync("enrollment"));
        Assert.Equal(Good, await desk.CountAsync("enrollment_step"));
        Assert.Equal(Good, await desk.CountAsync("batch_row"));
        Assert.Equal(Good, (await records.EventsAsync("subscriber.register")).Count);
        Assert.Equal(Good, (await records.EventsAsync("enrollment.take-in")).Count);
        Assert.Equal(147, await desk.CountAsync("subscriber WHERE organization_id IS NOT NULL"));
        Assert.Equal(Good, await desk.CountAsync("(SELECT DISTINCT subscriber_id FROM enrollment) AS each_one"));
    }

    /// <summary>A clock by which something happens when it is asked for the n-th time.</summary>
    private sealed class Moment(TimeProvider clock, int number, Action action) : TimeProvider
    {
        private int _left = number;

        public override DateTimeOffset GetUtcNow()
        {
            if (Interlocked.Decrement(ref _left) == 0)
            {
                action();
            }

            return clock.GetUtcNow();
        }
    }
}
