using ZwCa.Data;

namespace ZwCa.Jobs;

/// <summary>
/// Quartz's tables: on a server in the service's database, made by the verb migrate; with SQLite in a file of their own beside the service's, which has one writer, and that is not Quartz.
/// What is in that file is set again at each start: it may be lost.
/// </summary>
public static class JobTables
{
    private const string Module = "quartz";

    private static readonly MigrationSet InFile = new(Module, typeof(JobTables).Assembly, Module);

    public static MigrationSet OnServers { get; } = new(Module, typeof(JobTables).Assembly, Module) { OnServersOnly = true };

    /// <summary>The file, where there is one: <c>ca.jobs.db</c>.</summary>
    /// <param name="service">The service's database.</param>
    public static DatabaseOptions FileOf(DatabaseOptions service) => LibraryConnections.Beside(service, "jobs");

    /// <summary>Makes the file with its tables, for its owner alone, or brings it to the program's version. On a server does nothing.</summary>
    /// <exception cref="DatabaseVersionException">It is another program's.</exception>
    /// <exception cref="System.Data.Common.DbException">It cannot be had.</exception>
    public static async Task PrepareAsync(DatabaseOptions service, TimeProvider time, CancellationToken cancellationToken)
    {
        if (service.Kind != DatabaseKind.Sqlite)
        {
            return;
        }

        DatabaseOptions file = FileOf(service);
        await using var database = new Database(file);
        try
        {
            await new Migrator(database, [InFile], time).MigrateAsync(cancellationToken);
        }
        catch (DatabaseVersionException e)
        {
            throw new DatabaseVersionException($"The file of the jobs ({file.ConnectionString}): {e.Message} Or delete it: nothing but schedules is in it, and they are set again at each start.");
        }
    }
}
