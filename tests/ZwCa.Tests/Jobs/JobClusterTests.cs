using System.Security.Cryptography;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Quartz;
using ZwCa.Jobs;
using ZwCa.Data;

namespace ZwCa.Tests.Jobs;

/// <summary>Several nodes on one PostgreSQL.</summary>
public sealed class JobClusterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EachRun_IsOnOneOfTheNodes()
    {
        await using TestDatabase test = await CreateAsync();
        ServiceJob[] jobs = [.. Enumerable.Range(0, 4).Select(i => ServiceJob.Of<NotedJob>($"often-{i}", new JobSchedule.Every(TimeSpan.FromMilliseconds(500))))];
        var runs = new RunLog();
        await using JobNode a = await JobNode.StartAsync(test, jobs, runs, "a");
        await using JobNode b = await JobNode.StartAsync(test, jobs, runs, "b");
        foreach (ServiceJob job in jobs)
        {
            IReadOnlyList<Run> all = await runs.WaitAsync(job.Name, 10);
            Assert.Equal(all.Count, all.Select(run => run.Due).Distinct().Count());
        }

        Assert.Equal(2, (await (await a.SchedulerAsync()).QueryClusterNodes(Token)).Count);
    }

    /// <summary>A run of the one goes on undisturbed while another starts, and is not begun a second time.</summary>
    [Fact]
    public async Task NodeThatStarts_DisturbsNoOther()
    {
        await using TestDatabase test = await CreateAsync();
        ServiceJob[] jobs = [ServiceJob.Of<LongJob>("long", new JobSchedule.Every(TimeSpan.FromSeconds(1)))];
        var runs = new RunLog();
        await using JobNode a = await JobNode.StartAsync(test, jobs, runs, "a");
        await runs.WaitAsync("long", 1);
        await using JobNode b = await JobNode.StartAsync(test, jobs, runs, "b");
        await Task.Delay(TimeSpan.FromSeconds(4), Token);

        Assert.Single(runs.Runs);
        Assert.Equal(HealthStatus.Healthy, (await a.HealthAsync()).Status);
        Assert.Equal(HealthStatus.Healthy, (await b.HealthAsync()).Status);
    }

    /// <summary>To the others it is dead, though its run goes on: that is why leases and conditional updates decide, not the scheduler.</summary>
    [Fact]
    public async Task NodeThatIsCutOffInTheMiddleOfARun_IsTakenForDead_AndAnotherTakesTheRunUp()
    {
        await using TestDatabase test = await CreateAsync();
        await using ServiceRole role = await ServiceRole.CreateAsync(test);
        ServiceJob once = ServiceJob.Of<LongJob>("taken-up", new JobSchedule.AtStart()) with { TakeUp = true };
        ServiceJob next = ServiceJob.Of<NotedJob>("next", new JobSchedule.Every(TimeSpan.FromSeconds(1)));
        var runs = new RunLog();
        await using JobNode a = await JobNode.StartAsync(test, [once, next], runs, "a", role.ConnectionString);
        await runs.WaitAsync("taken-up", 1);
        await using JobNode b = await JobNode.StartAsync(test, [once with { Schedule = new JobSchedule.Cron("0 0 3 1 1 ?") }, next], runs, "b");
        await role.LockOutAsync();

        IReadOnlyList<Run> taken = await runs.WaitAsync("taken-up", 2);
        Assert.Equal(("b", true), (taken[1].Node, taken[1].Recovering));
        await runs.WaitAsync("next", runs.Of("next").Count + 3);
        Assert.Equal("b", runs.Of("next")[^1].Node);

        // What is seen of it there; and it can be stopped all the same.
        HealthReportEntry health = await a.HealthAsync();
        Assert.Equal((HealthStatus.Degraded, "The jobs' database does not answer."), (health.Status, health.Description));
        Assert.Equal(HealthStatus.Healthy, (await b.HealthAsync()).Status);
        Assert.Contains("Error:", a.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(role.Password, a.Log, StringComparison.Ordinal);
        Task stop = a.DisposeAsync().AsTask();
        Assert.True(await Task.WhenAny(stop, Task.Delay(JobNode.Patience, Token)) == stop, a.Log);
    }

    /// <summary>Another took it for dead, and removed what was known of it.</summary>
    [Fact]
    public async Task NodeThatTheDatabaseDoesNotKnow_SaysSo()
    {
        await using TestDatabase test = await CreateAsync();
        await using JobNode node = await JobNode.StartAsync(test, [ServiceJob.Of<NotedJob>("nightly", new JobSchedule.Cron("0 0 3 * * ?"))]);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);
        HealthReportEntry said = default;
        for (int i = 0; i < 20 && said.Status != HealthStatus.Degraded; i++)
        {
            // It puts itself back at its next check-in.
            await test.Database.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM qrtz_scheduler_state"), Token);
            said = await node.HealthAsync();
        }

        Assert.Equal((HealthStatus.Degraded, "The jobs' database does not know this node: others took it for dead."), (said.Status, said.Description));
    }

    /// <summary>All that the service's role may do is enough for Quartz.</summary>
    [Fact]
    public async Task ServicesRole_RunsJobs_AndNoSecretIsLogged()
    {
        await using TestDatabase test = await CreateAsync();
        await using ServiceRole role = await ServiceRole.CreateAsync(test);
        var runs = new RunLog();
        ServiceJob[] jobs = [ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromSeconds(1))), ServiceJob.Of<NotedJob>("first", new JobSchedule.AtStart())];
        await using JobNode node = await JobNode.StartAsync(test, jobs, runs, connection: role.ConnectionString);
        await runs.WaitAsync("every", 3);
        await runs.WaitAsync("first", 1);

        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);
        Assert.NotEmpty(node.Log);
        Assert.DoesNotContain(role.Password, node.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutTheTables_TheStartIsRefused()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, MigrationSet.Data);
        DatabaseVersionException refusal = await Assert.ThrowsAsync<DatabaseVersionException>(
            () => new Migrator(test.Database, [MigrationSet.Data, JobTables.OnServers], TimeProvider.System).CheckAsync(Token));
        Assert.Equal("The database is older than this program: quartz is at 0, 1 is needed. Run the verb migrate.", refusal.Message);

        // Also by Quartz itself, which makes none.
        await using JobNode node = JobNode.Create(test, [ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromSeconds(1)))]);
        await Assert.ThrowsAnyAsync<SchedulerException>(node.StartAsync);
        Assert.Equal(0, await test.Database.FindAsync<long>("SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'qrtz%'", cancellationToken: Token));
    }

    private static async Task<TestDatabase> CreateAsync()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        return await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, MigrationSet.Data, JobTables.OnServers);
    }

    /// <summary>A role that the jobs' tables were granted to.</summary>
    private sealed class ServiceRole(TestDatabase test) : IAsyncDisposable
    {
        private readonly string _name = "zwca-test-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

        public string Password { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

        public string ConnectionString => new NpgsqlConnectionStringBuilder(test.Options.ConnectionString) { Username = _name, Password = Password, Pooling = false }.ToString();

        public static async Task<ServiceRole> CreateAsync(TestDatabase test)
        {
            var role = new ServiceRole(test);
            await role.ExecuteAsync($"CREATE ROLE \"{role._name}\" LOGIN PASSWORD '{role.Password}'");
            await new Migrator(test.Database, [MigrationSet.Data, JobTables.OnServers], TimeProvider.System).GrantAsync(role._name, Token);
            return role;
        }

        public async Task LockOutAsync()
        {
            await ExecuteAsync($"ALTER ROLE \"{_name}\" NOLOGIN");
            await ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{_name}'");
        }

        public async ValueTask DisposeAsync() => await ExecuteAsync($"DROP OWNED BY \"{_name}\"; DROP ROLE \"{_name}\"");

        private Task ExecuteAsync(string statement) => test.Database.WriteAsync(transaction => transaction.ExecuteAsync(statement), Token);
    }
}
