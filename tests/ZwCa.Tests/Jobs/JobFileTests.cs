using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ZwCa.Jobs;
using ZwCa.Data;

namespace ZwCa.Tests.Jobs;

/// <summary>With SQLite: a file of the jobs' own.</summary>
public sealed class JobFileTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FileOfTheJobs_IsForItsOwnerAlone_AndTheServicesFileHasNothingOfIt()
    {
        Requires.Condition(!OperatingSystem.IsWindows(), "files with modes");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, MigrationSet.Data, JobTables.OnServers);
        var runs = new RunLog();
        await using JobNode node = await JobNode.StartAsync(test, [ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromSeconds(1)))], runs);
        await runs.WaitAsync("every", 1);

        await using Database store = JobNode.OpenStore(test);
        string file = FileOf(test);
        Assert.EndsWith("/test.jobs.db", file, StringComparison.Ordinal);
        Assert.All(Directory.GetFiles(Path.GetDirectoryName(file)!, "test.jobs.db*"), each => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(each)));
        Assert.NotEqual(0, await CountAsync(store));
        Assert.Equal(0, await CountAsync(test.Database));
        Assert.Equal("wal", await store.FindAsync<string>("PRAGMA journal_mode", cancellationToken: Token));
    }

    [Fact]
    public async Task FileThatIsLost_IsMadeAgain()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, JobTables.OnServers);
        ServiceJob[] jobs = [ServiceJob.Of<NotedJob>("every", new JobSchedule.Every(TimeSpan.FromHours(1)))];
        for (int start = 1; start <= 2; start++)
        {
            var runs = new RunLog();
            await using (JobNode node = await JobNode.StartAsync(test, jobs, runs))
            {
                await runs.WaitAsync("every", 1);
            }

            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            foreach (string each in Directory.GetFiles(Path.GetDirectoryName(FileOf(test))!, "test.jobs.db*"))
            {
                File.Delete(each);
            }
        }
    }

    [Fact]
    public async Task FileOfANewerProgram_IsRefused_AndMayBeDeleted()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, JobTables.OnServers);
        await JobTables.PrepareAsync(test.Options, TimeProvider.System, Token);
        await using (Database store = JobNode.OpenStore(test))
        {
            await store.WriteAsync(
                transaction => transaction.ExecuteAsync("INSERT INTO schema_version (module, version, name, digest, applied_at) VALUES ('quartz', 2, '0002_more.sql', '', 0)"), Token);
        }

        DatabaseVersionException refusal = await Assert.ThrowsAsync<DatabaseVersionException>(() => JobTables.PrepareAsync(test.Options, TimeProvider.System, Token));
        Assert.Contains("test.jobs.db", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Or delete it", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Data Source=/var/lib/zwca/ca.db", "/var/lib/zwca/ca.jobs.db")]
    [InlineData("Data Source=ca", "ca.jobs")]
    [InlineData("Data Source=/v1.2/ca.db;Default Timeout=5", "/v1.2/ca.jobs.db")]
    public void FileOfTheJobs_IsBesideTheServices(string service, string expected) =>
        Assert.Equal($"Data Source={expected}", JobTables.FileOf(new DatabaseOptions { ConnectionString = service }).ConnectionString);

    [Fact]
    public void UriOrServer_HasNoFileBesideIt()
    {
        Assert.Throws<ArgumentException>(() => JobTables.FileOf(new DatabaseOptions { ConnectionString = "Data Source=file:ca.db" }));
        Assert.Throws<ArgumentException>(() => JobTables.FileOf(new DatabaseOptions { Kind = DatabaseKind.PostgreSql, ConnectionString = "Host=localhost" }));
    }

    [Fact]
    public async Task ServicesFile_GivesNoConnections()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        Assert.Throws<NotSupportedException>(() => new LibraryConnections(test.Database));
    }

    /// <summary>The whole service: its jobs run, its readiness says so.</summary>
    [Fact]
    public async Task Ca_RunsItsJobs()
    {
        await using CaStage stage = await CaStage.StartAsync();
        HealthReportEntry health;
        DateTime end = DateTime.UtcNow + JobNode.Patience;
        do
        {
            await Task.Delay(50, Token);
            health = (await stage.App.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token)).Entries[JobsHealth.Name];
        }
        while (health.Status != HealthStatus.Healthy && DateTime.UtcNow < end);

        Assert.True(health.Status == HealthStatus.Healthy, health.Description);
        Assert.DoesNotContain("\"level\":\"Error\"", stage.Logged, StringComparison.OrdinalIgnoreCase);
    }

    private static string FileOf(TestDatabase test) => JobTables.FileOf(test.Options).ConnectionString["Data Source=".Length..];

    private static async Task<long> CountAsync(Database database) =>
        await database.FindAsync<long>("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'qrtz%'", cancellationToken: Token);
}
