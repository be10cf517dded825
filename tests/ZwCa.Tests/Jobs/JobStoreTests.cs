using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quartz;
using ZwCa.Jobs;
using ZwCa.Data;

namespace ZwCa.Tests.Jobs;

/// <summary>A minute of a timer is a second.</summary>
internal sealed class HastyTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Hasten(dueTime), Hasten(period));

    private static TimeSpan Hasten(TimeSpan time) => time < TimeSpan.FromMinutes(1) ? time : time / 60;
}

/// <summary>What is left of the jobs between two starts, on each database.</summary>
public sealed class JobStoreTests
{
    private const string Nightly = "0 0 3 * * ?";

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ChangedSchedule_TakesEffectAtTheNextStart_AndTheUnchangedStaysAsItIs(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob same = ServiceJob.Of<NotedJob>("same", new JobSchedule.Cron("0 0 3 29 2 ?"));
        ServiceJob every = ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromHours(1)));
        ServiceJob changed = ServiceJob.Of<NotedJob>("changed", new JobSchedule.Cron(Nightly));
        await using (await JobNode.StartAsync(test, [same, every, changed]))
        {
        }

        // What is set anew would be due at another time.
        DateTimeOffset marked = DateTimeOffset.UtcNow.AddHours(1);
        await ExecuteAsync(test, "UPDATE qrtz_triggers SET next_fire_time = @Ticks WHERE trigger_name = 'same'", new { Ticks = marked.UtcTicks });

        changed = changed with { Schedule = new JobSchedule.Cron("0 0 4 * * ?") };
        every = every with { Schedule = new JobSchedule.Every(TimeSpan.FromHours(2)), Missed = WhenMissed.Wait, TakeUp = true };
        await using JobNode second = await JobNode.StartAsync(test, [same, every, changed]);
        IScheduler now = await second.SchedulerAsync();

        Assert.Equal(marked, (await now.GetTrigger(same.TriggerKey, Token))!.NextFireTimeUtc);
        Assert.Equal("0 0 4 * * ?", ((ICronTrigger)(await now.GetTrigger(changed.TriggerKey, Token))!).CronExpressionString);
        var simple = (ISimpleTrigger)(await now.GetTrigger(every.TriggerKey, Token))!;
        Assert.Equal((TimeSpan.FromHours(2), SimpleTriggerMisfireInstruction.NextWithExistingCount), (simple.RepeatInterval, simple.MisfireInstruction));
        Assert.True((await now.GetJobDetail(every.Key, Token))!.RequestsRecovery);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RemovedJob_VanishesAtTheNextStart_AlsoWhereItsClassIsGone(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob kept = ServiceJob.Of<NotedJob>("kept", new JobSchedule.Every(TimeSpan.FromHours(1)));
        ServiceJob moved = ServiceJob.Of<NotedJob>("moved", new JobSchedule.Every(TimeSpan.FromHours(1)));
        var runs = new RunLog();
        await using (JobNode first = await JobNode.StartAsync(test, [kept, moved, ServiceJob.Of<NotedJob>("gone", new JobSchedule.Every(TimeSpan.FromSeconds(1)))], runs))
        {
            await runs.WaitAsync("gone", 1);
        }

        await ExecuteAsync(test, "UPDATE qrtz_job_details SET job_class_name = 'Gone.Job, Gone' WHERE job_name <> 'kept'", null);
        var later = new RunLog();
        await using JobNode second = await JobNode.StartAsync(test, [kept, moved], later);
        IScheduler scheduler = await second.SchedulerAsync();

        Assert.Equal(["kept", "moved"], (await scheduler.QueryJobs(new JobQuery(), Token)).Items.Select(each => each.Key.Name));

        // The class of before is replaced by that of now.
        await later.WaitAsync("moved", 1);
        Assert.Empty(later.Of("gone"));
        Assert.Equal(HealthStatus.Healthy, (await second.HealthAsync()).Status);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RunsThatWereMissedWhileItWasStopped_AreMadeUpForOnce(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob[] jobs =
        [
            ServiceJob.Of<NotedJob>("cron-once", new JobSchedule.Cron(Nightly)),
            ServiceJob.Of<NotedJob>("cron-wait", new JobSchedule.Cron(Nightly)) with { Missed = WhenMissed.Wait },
            ServiceJob.Of<NotedJob>("every-once", new JobSchedule.Every(TimeSpan.FromHours(1))),
            ServiceJob.Of<NotedJob>("every-wait", new JobSchedule.Every(TimeSpan.FromHours(1))) with { Missed = WhenMissed.Wait },
        ];
        var before = new RunLog();
        await using (JobNode first = await JobNode.StartAsync(test, jobs, before))
        {
            await before.WaitAsync("every-once", 1);
            await before.WaitAsync("every-wait", 1);
        }

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET next_fire_time = @Ticks", new { Ticks = DateTimeOffset.UtcNow.AddDays(-5).UtcTicks });
        var after = new RunLog();
        await using JobNode second = await JobNode.StartAsync(test, jobs, after);
        await after.WaitAsync("cron-once", 1);
        await after.WaitAsync("every-once", 1);
        await Task.Delay(TimeSpan.FromSeconds(1), Token);

        Assert.Equal(["cron-once", "every-once"], after.Runs.Select(run => run.Job).Order());
        IScheduler scheduler = await second.SchedulerAsync();
        foreach (ServiceJob job in jobs)
        {
            Assert.True((await scheduler.GetTrigger(job.TriggerKey, Token))!.NextFireTimeUtc > DateTimeOffset.UtcNow, job.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RunThatAStopBrokeOff_IsTakenUpAtTheNextStart(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob[] jobs =
        [
            ServiceJob.Of<LongJob>("taken-up", new JobSchedule.Cron(Nightly)) with { TakeUp = true },
            ServiceJob.Of<LongJob>("left", new JobSchedule.Cron(Nightly)),
        ];
        var before = new RunLog();
        await using (JobNode first = await JobNode.StartAsync(test, jobs, before))
        {
            IScheduler scheduler = await first.SchedulerAsync();
            foreach (ServiceJob job in jobs)
            {
                await scheduler.TriggerJob(job.Key, cancellationToken: Token);
                await before.WaitAsync(job.Name, 1);
            }
        }

        var after = new RunLog();
        await using JobNode second = await JobNode.StartAsync(test, jobs, after);
        Assert.True((await after.WaitAsync("taken-up", 1))[0].Recovering);
        await Task.Delay(TimeSpan.FromSeconds(1), Token);
        Assert.Single(after.Runs);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AtStart_RunsAfterEachStart(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        var runs = new RunLog();
        for (int start = 1; start <= 2; start++)
        {
            await using JobNode node = await JobNode.StartAsync(test, [ServiceJob.Of<NotedJob>("first", new JobSchedule.AtStart())], runs);
            await runs.WaitAsync("first", start);
            Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);
        }

        Assert.Equal(2, runs.Runs.Count);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Health_SaysWhatIsWrong(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob job = ServiceJob.Of<NotedJob>("nightly", new JobSchedule.Cron(Nightly));
        await using JobNode node = JobNode.Create(test, [job]);
        await JobTables.PrepareAsync(test.Options, TimeProvider.System, Token);
        await SaysAsync("The jobs do not run: the scheduler is Created.");

        await node.StartAsync();
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET trigger_state = 'ERROR'", null);
        await SaysAsync("The job nightly cannot be started");
        await ExecuteAsync(test, "UPDATE qrtz_triggers SET trigger_state = 'WAITING'", null);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);

        IScheduler scheduler = await node.SchedulerAsync();
        await scheduler.PauseTrigger(job.TriggerKey, Token);
        await SaysAsync("The job nightly is paused");
        await scheduler.ResumeTrigger(job.TriggerKey, Token);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET next_fire_time = @Ticks", new { Ticks = DateTimeOffset.UtcNow.AddDays(2).UtcTicks });
        await SaysAsync("The job nightly is due only at");
        await scheduler.DeleteJob(job.Key, Token);
        await SaysAsync("The job nightly is not scheduled");

        await ExecuteAsync(test, "DROP TABLE qrtz_cron_triggers", null);
        await ExecuteAsync(test, "DROP TABLE qrtz_simple_triggers", null);
        await ExecuteAsync(test, "DROP TABLE qrtz_simprop_triggers", null);
        await ExecuteAsync(test, "DROP TABLE qrtz_blob_triggers", null);
        await ExecuteAsync(test, "DROP TABLE qrtz_triggers", null);
        await SaysAsync("The jobs' database does not answer.");

        async Task SaysAsync(string words)
        {
            HealthReportEntry said = await node.HealthAsync();
            Assert.Equal(HealthStatus.Degraded, said.Status);
            Assert.StartsWith(words, said.Description, StringComparison.Ordinal);
        }
    }

    /// <summary>A trigger that nobody can start (an older node met a job that it did not know) is set right by the next start.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TriggerInError_IsResetByTheNextStart(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob job = ServiceJob.Of<NotedJob>("nightly", new JobSchedule.Cron(Nightly));
        await using (await JobNode.StartAsync(test, [job]))
        {
        }

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET trigger_state = 'ERROR'", null);
        await using JobNode second = await JobNode.StartAsync(test, [job]);
        Assert.Equal(TriggerState.Normal, await (await second.SchedulerAsync()).GetTriggerState(job.TriggerKey, Token));
    }

    /// <summary>A run that has not ended, long after the next was due.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RunThatDoesNotEnd_IsSeen(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob job = ServiceJob.Of<LongJob>("long", new JobSchedule.Every(TimeSpan.FromSeconds(1))) with { LongestRun = TimeSpan.FromSeconds(5) };
        var runs = new RunLog();
        await using JobNode node = await JobNode.StartAsync(test, [job], runs);
        await runs.WaitAsync("long", 1);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET next_fire_time = @Ticks", new { Ticks = DateTimeOffset.UtcNow.AddSeconds(-7).UtcTicks });
        HealthReportEntry said = await node.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, said.Status);
        Assert.EndsWith("the run before has not ended.", said.Description, StringComparison.Ordinal);
    }

    /// <summary>A node with a clock that was a year ahead found every run missed, and moved the next ones into its future.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhatAClockAheadHasMoved_IsBroughtBack_AtTheStartAndWhileItRuns_AndWhatIsLostIsSetAgain(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        ServiceJob[] jobs =
        [
            ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromHours(1))),
            ServiceJob.Of<NotedJob>("wait", new JobSchedule.Every(TimeSpan.FromHours(1))) with { Missed = WhenMissed.Wait },
            ServiceJob.Of<NotedJob>("cron", new JobSchedule.Cron(Nightly)),
            ServiceJob.Of<NotedJob>("first", new JobSchedule.AtStart()),
        ];
        await using (await JobNode.StartAsync(test, jobs))
        {
        }

        var runs = new RunLog();
        await MoveAsync();
        await using JobNode node = await JobNode.StartAsync(test, jobs, runs, time: new HastyTime());
        await runs.WaitAsync("every", 1);
        await runs.WaitAsync("wait", 1);
        await runs.WaitAsync("first", 1);
        await BroughtBackAsync();

        await MoveAsync();
        await runs.WaitAsync("every", 2);
        await runs.WaitAsync("wait", 2);
        await BroughtBackAsync();
        Assert.Contains("later than its schedule says", node.Log, StringComparison.Ordinal);

        // By an older program, say.
        IScheduler scheduler = await node.SchedulerAsync();
        await scheduler.DeleteJob(jobs[0].Key, Token);
        await runs.WaitAsync("every", 3);

        // What was right was left alone, and what runs once has run once.
        Assert.Equal((3, 2, 0, 1), (runs.Of("every").Count, runs.Of("wait").Count, runs.Of("cron").Count, runs.Of("first").Count));

        Task MoveAsync() => ExecuteAsync(test, "UPDATE qrtz_triggers SET next_fire_time = @Ticks", new { Ticks = DateTimeOffset.UtcNow.AddDays(365).UtcTicks });

        async Task BroughtBackAsync()
        {
            IScheduler scheduler = await node.SchedulerAsync();
            DateTime end = DateTime.UtcNow + JobNode.Patience;
            foreach (ServiceJob job in jobs[..3])
            {
                while ((await scheduler.GetTrigger(job.TriggerKey, Token))!.NextFireTimeUtc > DateTimeOffset.UtcNow.AddDays(1).AddHours(2))
                {
                    Assert.True(DateTime.UtcNow < end, job.Name);
                    await Task.Delay(50, Token);
                }
            }
        }
    }

    /// <summary>By its own clock, which the database's contradicts, it brings nothing back.</summary>
    [Fact]
    public async Task NodeWhoseClockIsBehind_MovesNothing()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, MigrationSet.Data, JobTables.OnServers);
        ServiceJob job = ServiceJob.Of<NotedJob>("cron", new JobSchedule.Cron(Nightly));
        DateTimeOffset? due;
        await using (JobNode right = await JobNode.StartAsync(test, [job]))
        {
            due = (await (await right.SchedulerAsync()).GetTrigger(job.TriggerKey, Token))!.NextFireTimeUtc;
        }

        var behind = new Ca.Crls.MovedTime();
        behind.Set(TimeSpan.FromDays(-30));
        await using JobNode node = await JobNode.StartAsync(test, [job], time: behind);
        Assert.Equal(due, (await (await node.SchedulerAsync()).GetTrigger(job.TriggerKey, Token))!.NextFireTimeUtc);
    }

    private static async Task ExecuteAsync(TestDatabase test, string sql, object? parameters)
    {
        await using Database store = JobNode.OpenStore(test);
        await store.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);
    }
}
