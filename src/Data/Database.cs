using System.Data;
using System.Data.Common;
using System.Globalization;
using Dapper;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ZwCa.Data;

/// <summary>
/// A service's records, in one of three databases. Every change goes through <see cref="WriteAsync{T}"/>. Safe for concurrent use.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private const int Attempts = 3;
    private const int SqlServerDeadlock = 1205;

    private readonly string _connectionString;
    private readonly NpgsqlDataSource? _source;
    private readonly SqliteWriter? _writer;
    private readonly SqliteReaders? _readers;

    static Database()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new UnixMilliseconds());
        SqlMapper.RemoveTypeMap(typeof(bool));
        SqlMapper.AddTypeHandler(new ZeroOrOne());
    }

    /// <summary>Connects to nothing yet.</summary>
    /// <exception cref="ArgumentException">The connection string is not one of that driver's.</exception>
    public Database(DatabaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Kind = options.Kind;
        switch (options.Kind)
        {
            case DatabaseKind.Sqlite:
                SqliteLibrary.Ensure();
                var settings = new SqliteConnectionStringBuilder(options.ConnectionString)
                {
                    Mode = SqliteOpenMode.ReadWriteCreate, Cache = SqliteCacheMode.Private, ForeignKeys = true,
                };
                if (settings.DataSource.Length == 0 || settings.DataSource.Contains(":memory:", StringComparison.OrdinalIgnoreCase))
                {
                    throw new ArgumentException("Records are in a file: Data Source=…", nameof(options));
                }

                Dialect = new SqliteDialect();
                _connectionString = settings.ToString();
                _writer = new SqliteWriter(Dialect, _connectionString);
                _readers = new SqliteReaders(_connectionString);
                break;
            case DatabaseKind.PostgreSql:
                Dialect = new PostgreSqlDialect();
                _connectionString = options.ConnectionString;
                var builder = new NpgsqlDataSourceBuilder(options.ConnectionString);
                builder.UsePhysicalConnectionInitializer(RequireDurable, RequireDurableAsync);
                _source = builder.Build();
                break;
            case DatabaseKind.SqlServer:
                Dialect = new SqlServerDialect();
                var server = new SqlConnectionStringBuilder(options.ConnectionString);
                if (!server.ShouldSerialize("Encrypt"))
                {
                    server.Encrypt = true;
                }

                _connectionString = server.ToString();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "No such database.");
        }
    }

    public DatabaseKind Kind { get; }

    public Dialect Dialect { get; }

    /// <summary>As it is used; may hold a password.</summary>
    internal string ConnectionString => _connectionString;

    /// <summary>
    /// Runs a unit of work: all of it is on stable storage when the call returns, or nothing of it where it throws. The unit awaits nothing but its
    /// transaction (no HSM, no HTTP), has no effect outside it, and may be run more than once.
    /// </summary>
    /// <exception cref="DbException">The database refused, or failed; after a failed commit the work may have been done.</exception>
    /// <exception cref="InvalidOperationException">The unit went on after a failed statement, or awaited something else; PostgreSQL commits without waiting for the disk.</exception>
    public async Task<T> WriteAsync<T>(Func<Transaction, Task<T>> work, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (_writer is null)
        {
            return await WriteOnServerAsync(work, cancellationToken);
        }

        T result = default!;
        await _writer.WriteAsync(async transaction => result = await work(transaction), cancellationToken);
        return result;
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Func<Transaction, Task> work, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        return WriteAsync<object?>(
            async transaction =>
            {
                await work(transaction);
                return null;
            },
            cancellationToken);
    }

    /// <summary>Several queries that see the same state of the database. What they change is lost, where it is not refused.</summary>
    public async Task<T> ReadAsync<T>(Func<Transaction, Task<T>> work, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (_readers is not null)
        {
            return await _readers.ReadAsync(async connection =>
            {
                connection.Execute("BEGIN");
                T result = await RunAsync(work, new Transaction(Dialect, connection, null, cancellationToken));
                connection.Execute("ROLLBACK");
                return result;
            });
        }

        await using DbConnection server = await OpenAsync(cancellationToken);
        await using DbTransaction snapshot = await server.BeginTransactionAsync(
            Kind == DatabaseKind.PostgreSql ? IsolationLevel.RepeatableRead : IsolationLevel.Snapshot, cancellationToken);
        return await RunAsync(work, new Transaction(Dialect, server, snapshot, cancellationToken));
    }

    /// <returns>The only row, or the default of the type: ask for <c>long?</c> where 0 may be there.</returns>
    /// <exception cref="InvalidOperationException">Several rows.</exception>
    public Task<T?> FindAsync<T>(string sql, object? parameters = null, CancellationToken cancellationToken = default) =>
        AskAsync(connection => connection.QuerySingleOrDefaultAsync<T?>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)), sql, cancellationToken);

    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null, CancellationToken cancellationToken = default) => AskAsync<IReadOnlyList<T>>(
        async connection => (await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken))).AsList(), sql, cancellationToken);

    /// <returns>The SQLite file that no verb has made yet; null where there is one, or a server.</returns>
    internal string? FindMissingFile()
    {
        if (Kind != DatabaseKind.Sqlite)
        {
            return null;
        }

        string file = new SqliteConnectionStringBuilder(_connectionString).DataSource;
        return file.StartsWith("file:", StringComparison.OrdinalIgnoreCase) || File.Exists(file) ? null : file;
    }

    public async ValueTask DisposeAsync()
    {
        // Who writes closes last: then all of the log is moved into the file, and the log removed.
        _readers?.Dispose();
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }

        if (_source is not null)
        {
            await _source.DisposeAsync();
        }
    }

    private static async Task<T> RunAsync<T>(Func<Transaction, Task<T>> work, Transaction transaction)
    {
        try
        {
            return await work(transaction);
        }
        finally
        {
            transaction.End();
        }
    }

    /// <summary>One query.</summary>
    private async Task<T> AskAsync<T>(Func<DbConnection, Task<T>> query, string sql, CancellationToken cancellationToken)
    {
        if (_readers is not null)
        {
            return await _readers.ReadAsync(connection =>
            {
                connection.Expect(sql);
                return query(connection);
            });
        }

        await using DbConnection server = await OpenAsync(cancellationToken);
        return await query(server);
    }

    private async Task<T> WriteOnServerAsync<T>(Func<Transaction, Task<T>> work, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            await using DbConnection connection = await OpenAsync(cancellationToken);
            await using DbTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            var unit = new Transaction(Dialect, connection, transaction, cancellationToken);
            T result;
            try
            {
                result = await work(unit);
                unit.ThrowIfFailed();
            }
            catch (DbException e) when (MayTryAgain(e) && attempt < Attempts)
            {
                // Before COMMIT nothing is done.
                continue;
            }
            finally
            {
                unit.End();
            }

            // From here on nobody may go: whether it was done would be unknown.
            await transaction.CommitAsync(CancellationToken.None);
            return result;
        }
    }

    private static void RequireDurable(NpgsqlConnection connection)
    {
        using NpgsqlCommand ask = AskDurability(connection);
        RequireDurable((string)ask.ExecuteScalar()!);
    }

    private static async Task RequireDurableAsync(NpgsqlConnection connection)
    {
        await using NpgsqlCommand ask = AskDurability(connection);
        RequireDurable((string)(await ask.ExecuteScalarAsync())!);
    }

    private static NpgsqlCommand AskDurability(NpgsqlConnection connection) => new("SELECT current_setting('synchronous_commit')", connection);

    /// <summary>Otherwise a checkpoint could be signed, and an answer given, over rows that a power failure takes back.</summary>
    private static void RequireDurable(string synchronousCommit)
    {
        if (synchronousCommit == "off")
        {
            throw new InvalidOperationException("PostgreSQL's synchronous_commit is off for this connection: what is answered would not be on stable storage. Turn it on.");
        }
    }

    /// <summary>A deadlock, which the server ended by giving this one up (Npgsql does not call that transient), or a connection that broke.</summary>
    private static bool MayTryAgain(DbException e) =>
        e.IsTransient || e is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected } or SqlException { Number: SqlServerDeadlock };

    /// <summary>To the server, not open yet.</summary>
    internal DbConnection CreateConnection() => Kind == DatabaseKind.PostgreSql ? _source!.CreateConnection() : new SqlConnection(_connectionString);

    private async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        DbConnection connection = CreateConnection();
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private sealed class UnixMilliseconds : SqlMapper.TypeHandler<DateTimeOffset>
    {
        private static readonly long First = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
        private static readonly long Last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            parameter.DbType = DbType.Int64;
            parameter.Value = value.ToUnixTimeMilliseconds();
        }

        /// <summary>A number that is no time is the first or the last: one such row must not keep others from being read, and whoever compares it finds it.</summary>
        public override DateTimeOffset Parse(object value) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp((long)value, First, Last));
    }

    private sealed class ZeroOrOne : SqlMapper.TypeHandler<bool>
    {
        public override void SetValue(IDbDataParameter parameter, bool value)
        {
            parameter.DbType = DbType.Int16;
            parameter.Value = (short)(value ? 1 : 0);
        }

        public override bool Parse(object value) => Convert.ToInt64(value, CultureInfo.InvariantCulture) != 0;
    }
}
