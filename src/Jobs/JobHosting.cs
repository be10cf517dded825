using Microsoft.Extensions.DependencyInjection;
using Quartz;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Jobs;

/// <summary>Quartz with a store that survives a stop: clustered on a server, alone with SQLite. It only wakes jobs; what they do is decided by conditional updates, whoever runs them.</summary>
public static class JobHosting
{
    /// <summary>Needs <see cref="Database"/> and <see cref="TimeProvider"/> among the services.</summary>
    /// <param name="name">The same on all nodes of the service: they share the schedules under it.</param>
    /// <param name="database">The service's.</param>
    public static void AddJobs(this IServiceCollection services, string name, IReadOnlyList<ServiceJob> jobs, JobOptions options, DatabaseOptions database)
    {
        services.AddSingleton(jobs);
        services.AddSingleton(options);
        services.AddClockWatch();
        services.AddSingleton(provider => database.Kind == DatabaseKind.Sqlite
            ? new LibraryConnections(JobTables.FileOf(database))
            : new LibraryConnections(provider.GetRequiredService<Database>()));
        services.AddQuartz(quartz => Configure(quartz, name, options, database.Kind));

        services.AddHostedService(provider => ActivatorUtilities.CreateInstance<JobSchedules>(provider, database));
        services.AddHealthChecks().AddCheck<JobsHealth>(JobsHealth.Name);
    }

    /// <summary>For the start: that all of them can be made, for otherwise that is only a line of the log each time that one is due; and that they have their tables.</summary>
    public static async Task CheckAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await JobTables.PrepareAsync(services.GetRequiredService<ServiceOptions>().Database, services.GetRequiredService<TimeProvider>(), cancellationToken);
        foreach (ServiceJob job in services.GetRequiredService<IReadOnlyList<ServiceJob>>())
        {
            try
            {
                _ = ActivatorUtilities.CreateInstance(services, job.Type);
            }
            catch (InvalidOperationException e)
            {
                throw new StartCheckException($"The job {job.Name} cannot be made: {e.Message}");
            }
        }
    }

    private static void Configure(IQuartzBuilder quartz, string name, JobOptions options, DatabaseKind kind)
    {
        quartz.ConfigureScheduler(scheduler =>
        {
            scheduler.InstanceName = name;

            // All jobs go on where they were broken off: a stop waits for a step, not for a whole run.
            scheduler.ShutdownJobInterruption = ShutdownJobInterruption.Always;
        });
        quartz.UsePersistentStore(store =>
        {
            store.ConfigureStore(settings =>
            {
                settings.TablePrefix = "qrtz_";
                settings.StoreJobDataAsStrings = true;
                settings.MisfireThreshold = options.MisfireThreshold;
                settings.RecoverFiringsCancelledByShutdown = true;

                // After the database was away; and no thread of Quartz's keeps the process from ending meanwhile.
                settings.DbRetryInterval = options.CheckIn;
                settings.UseBackgroundThreads = true;

                // The verb migrate makes the tables, never Quartz.
                settings.SchemaProvisioning = SchemaProvisioning.Validate;
            });
            switch (kind)
            {
                case DatabaseKind.Sqlite:
                    store.UseSqlite(UseConnections);
                    return;
                case DatabaseKind.PostgreSql:
                    store.UsePostgres(UseConnections);
                    break;
                default:
                    store.UseSqlServer(UseConnections);
                    break;
            }

            store.UseClustering(cluster =>
            {
                cluster.CheckinInterval = options.CheckIn;
                cluster.CheckinMisfireThreshold = options.CheckIn;
            });
        });
    }

    /// <summary>Quartz gets connections, never the string, which may hold a password.</summary>
    private static void UseConnections(DataSourceOptions source) => source.DataSourceFactory = provider => provider.GetRequiredService<LibraryConnections>();
}
