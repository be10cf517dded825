using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace ZwCa.Data;

/// <summary>
/// Connections for a library that has tables of its own and runs its own SQL: to the service's database where that is on a server, to an SQLite file of the library's own otherwise, for the
/// service's file has one writer. The library never sees the connection string. Safe for concurrent use.
/// </summary>
public sealed class LibraryConnections : DbDataSource
{
    private readonly Func<DbConnection> _create;

    /// <summary>To the service's database.</summary>
    /// <exception cref="NotSupportedException">It is an SQLite file.</exception>
    public LibraryConnections(Database database)
    {
        ArgumentNullException.ThrowIfNull(database);
        if (database.Kind == DatabaseKind.Sqlite)
        {
            throw new NotSupportedException("An SQLite file has one writer.");
        }

        _create = database.CreateConnection;
    }

    /// <summary>
    /// To an SQLite file that is there. What a power failure takes back may be the last seconds of it, so it is for what can be lost: in exchange no commit waits for the disk, which the
    /// service's own commits wait for.
    /// </summary>
    /// <exception cref="ArgumentException">The options are of a server.</exception>
    public LibraryConnections(DatabaseOptions file)
    {
        RequireFile(file);
        SqliteLibrary.Ensure();
        string connectionString = new SqliteConnectionStringBuilder(file.ConnectionString) { Mode = SqliteOpenMode.ReadWrite, Cache = SqliteCacheMode.Private, ForeignKeys = true }.ToString();
        _create = () => new RelaxedConnection(connectionString);
    }

    /// <summary>Empty: it may hold a password.</summary>
    public override string ConnectionString => "";

    /// <summary>An SQLite file beside the service's: <c>ca.jobs.db</c> beside <c>ca.db</c>.</summary>
    /// <param name="service">The service's file.</param>
    /// <exception cref="ArgumentException">The options are of a server, or name the file by a URI.</exception>
    public static DatabaseOptions Beside(DatabaseOptions service, string name)
    {
        RequireFile(service);
        string file = new SqliteConnectionStringBuilder(service.ConnectionString).DataSource;
        if (file.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException("The database's file is named by a URI: name it by its path.", nameof(service));
        }

        string beside = Path.ChangeExtension(file, $"{name}{Path.GetExtension(file)}");
        return new DatabaseOptions { ConnectionString = new SqliteConnectionStringBuilder { DataSource = beside }.ToString() };
    }

    protected override DbConnection CreateDbConnection() => _create();

    private static void RequireFile(DatabaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Kind != DatabaseKind.Sqlite)
        {
            throw new ArgumentException("Not an SQLite file.", nameof(options));
        }
    }

    private sealed class RelaxedConnection(string connectionString) : SqliteConnection(connectionString)
    {
        public override void Open()
        {
            base.Open();
            using SqliteCommand relax = CreateCommand();
            relax.CommandText = "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF";
            relax.ExecuteNonQuery();
        }
    }
}
