using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;
using ZwCa.Ca.Jobs;
using ZwCa.Jobs;
using ZwCa.Data;

namespace ZwCa.Tests.Jobs;

/// <summary>One node with jobs and nothing else, as a service has them.</summary>
internal sealed class JobNode : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly KeptLog _log = new();
    private readonly IHost _host;
    private readonly Database _database;
    private int _disposed;

    private JobNode(DatabaseOptions database, IReadOnlyList<ServiceJob> jobs, RunLog runs, string name, TimeProvider time)
    {
        _database = new Database(database);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.Logging.AddProvider(_log);
        builder.Services.AddSingleton(_database);
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton(runs);
        builder.Services.AddSingleton(new NodeName(name));
        builder.Services.AddJobs(CaJobs.Scheduler, jobs, new JobOptions { CheckIn = TimeSpan.FromSeconds(1), MisfireThreshold = TimeSpan.FromSeconds(2) }, database);
        _host = builder.Build();
    }

    public string Log => _log.ToString();

    public static JobNode Create(TestDatabase test, IReadOnlyList<ServiceJob> jobs, RunLog? runs = null, string name = "a", string? connection = null, TimeProvider? time = null) =>
        new(connection is null ? test.Options : test.Options with { ConnectionString = connection }, jobs, runs ?? new RunLog(), name, time ?? TimeProvider.System);

    public static async Task<JobNode> StartAsync(TestDatabase test, IReadOnlyList<ServiceJob> jobs, RunLog? runs = null, string name = "a", string? connection = null, TimeProvider? time = null)
    {
        JobNode node = Create(test, jobs, runs, name, connection, time);
        await node.StartAsync();
        return node;
    }

    /// <summary>The database that Quartz has its tables in.</summary>
    public static Database OpenStore(TestDatabase test) =>
        new(test.Options.Kind == DatabaseKind.Sqlite ? JobTables.FileOf(test.Options) : test.Options);

    public Task StartAsync() => _host.StartAsync();

    public Task<IScheduler> SchedulerAsync() => _host.Services.GetRequiredService<ISchedulerFactory>().GetScheduler().AsTask();

    public async Task<HealthReportEntry> HealthAsync() => (await _host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries[JobsHealth.Name];

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // Shorter than the host's own thirty seconds: a run that cannot be recorded as ended is waited for as long.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await _host.StopAsync(limit.Token);
        _host.Dispose();
        await _database.DisposeAsync();
    }

    private sealed class KeptLog : ILoggerProvider, ILogger
    {
        private readonly StringBuilder _text = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_text)
            {
                _text.Append(logLevel).Append(": ").AppendLine(formatter(state, exception));
                if (exception is not null)
                {
                    _text.AppendLine(exception.ToString());
                }
            }
        }

        public override string ToString()
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }

        public void Dispose()
        {
        }
    }
}

internal sealed record NodeName(string Name);

/// <summary>What ran, where, and for when.</summary>
internal sealed record Run(string Job, string Node, DateTimeOffset? Due, bool Recovering);

/// <summary>What the jobs of all nodes of a test write down.</summary>
internal sealed class RunLog
{
    private readonly ConcurrentQueue<Run> _runs = new();

    public IReadOnlyList<Run> Runs => [.. _runs];

    public void Add(Run run) => _runs.Enqueue(run);

    public IReadOnlyList<Run> Of(string job) => [.. _runs.Where(run => run.Job == job)];

    /// <summary>Waits until a job has run so often.</summary>
    public async Task<IReadOnlyList<Run>> WaitAsync(string job, int count)
    {
        DateTime end = DateTime.UtcNow + JobNode.Patience;
        while (Of(job).Count < count)
        {
            Assert.True(DateTime.UtcNow < end, $"{job} ran {Of(job).Count} times, not {count}.");
            await Task.Delay(50);
        }

        return Of(job);
    }
}

[DisallowConcurrentExecution]
internal sealed class NotedJob(RunLog runs, NodeName node) : IJob
{
    public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        runs.Add(new Run(context.JobDetail.Key.Name, node.Name, context.ScheduledFireTimeUtc, context.Recovering));
        return default;
    }
}

/// <summary>Never ends the first time, unless it is told to; ends at once where it was taken up.</summary>
[DisallowConcurrentExecution]
internal sealed class LongJob(RunLog runs, NodeName node) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        runs.Add(new Run(context.JobDetail.Key.Name, node.Name, context.ScheduledFireTimeUtc, context.Recovering));
        if (!context.Recovering)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }
}
