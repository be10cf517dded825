using Microsoft.Extensions.Diagnostics.HealthChecks;
using Quartz;
using ZwCa.Ca.Jobs;
using ZwCa.Data;

namespace ZwCa.Tests.Ca.Jobs;

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
        CaJob same = CaJob.Of<NotedJob>("same", new JobSchedule.Cron(Nightly));
        CaJob every = CaJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromHours(1)));
        CaJob changed = CaJob.Of<NotedJob>("changed", new JobSchedule.Cron(Nightly));
        DateTimeOffset? due;
        await using (JobNode first = await JobNode.StartAsync(test, [same, every, changed]))
        {
            IScheduler scheduler = await first.SchedulerAsync();
            due = (await scheduler.GetTrigger(same.TriggerKey, Token))!.NextFireTimeUtc;
        }

        // As if the last start had been long ago: what is set anew would be due at another time.
        DateTimeOffset marked = due!.Value.AddDays(7);
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
        CaJob kept = CaJob.Of<NotedJob>("kept", new JobSchedule.Every(TimeSpan.FromHours(1)));
        CaJob moved = CaJob.Of<NotedJob>("moved", new JobSchedule.Every(TimeSpan.FromHours(1)));
        var runs = new RunLog();
        await using (JobNode first = await JobNode.StartAsync(test, [kept, moved, CaJob.Of<NotedJob>("gone", new JobSchedule.Every(TimeSpan.FromSeconds(1)))], runs))
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
        CaJob[] jobs =
        [
            CaJob.Of<NotedJob>("cron-once", new JobSchedule.Cron(Nightly)),
            CaJob.Of<NotedJob>("cron-wait", new JobSchedule.Cron(Nightly)) with { Missed = WhenMissed.Wait },
            CaJob.Of<NotedJob>("every-once", new JobSchedule.Every(TimeSpan.FromHours(1))),
            CaJob.Of<NotedJob>("every-wait", new JobSchedule.Every(TimeSpan.FromHours(1))) with { Missed = WhenMissed.Wait },
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
        foreach (CaJob job in jobs)
        {
            Assert.True((await scheduler.GetTrigger(job.TriggerKey, Token))!.NextFireTimeUtc > DateTimeOffset.UtcNow, job.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RunThatAStopBrokeOff_IsTakenUpAtTheNextStart(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, JobTables.OnServers);
        CaJob[] jobs =
        [
            CaJob.Of<LongJob>("taken-up", new JobSchedule.Cron(Nightly)) with { TakeUp = true },
            CaJob.Of<LongJob>("left", new JobSchedule.Cron(Nightly)),
        ];
        var before = new RunLog();
        await using (JobNode first = await JobNode.StartAsync(test, jobs, before))
        {
            IScheduler scheduler = await first.SchedulerAsync();
            foreach (CaJob job in jobs)
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
            await using JobNode node = await JobNode.StartAsync(test, [CaJob.Of<NotedJob>("first", new JobSchedule.AtStart())], runs);
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
        CaJob job = CaJob.Of<NotedJob>("nightly", new JobSchedule.Cron(Nightly));
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
        CaJob job = CaJob.Of<NotedJob>("nightly", new JobSchedule.Cron(Nightly));
        await using (await JobNode.StartAsync(test, [job]))
        {
        }

        await ExecuteAsync(test, "UPDATE qrtz_triggers SET trigger_state = 'ERROR'", null);
        await using JobNode second = await JobNode.StartAsync(test, [job]);
        Assert.Equal(TriggerState.Normal, await (await second.SchedulerAsync()).GetTriggerState(job.TriggerKey, Token));
    }

    private static async Task ExecuteAsync(TestDatabase test, string sql, object? parameters)
    {
        await using Database store = JobNode.OpenStore(test);
        await store.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);
    }
}
