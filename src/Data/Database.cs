using System.Data;
using System.Data.Common;
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

    private readonly string _connectionString;
    private readonly NpgsqlDataSource? _source;
    private readonly SqliteWriter? _writer;

    static Database()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new UnixMilliseconds());
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
                var settings = new SqliteConnectionStringBuilder(options.ConnectionString) { Mode = SqliteOpenMode.ReadWriteCreate, ForeignKeys = true };
                Dialect = new SqliteDialect();
                _writer = new SqliteWriter(Dialect, settings.ToString());
                settings.Mode = SqliteOpenMode.ReadOnly;
                _connectionString = settings.ToString();
                break;
            case DatabaseKind.PostgreSql:
                Dialect = new PostgreSqlDialect();
                _connectionString = options.ConnectionString;
                _source = NpgsqlDataSource.Create(options.ConnectionString);
                break;
            case DatabaseKind.SqlServer:
                Dialect = new SqlServerDialect();
                _connectionString = new SqlConnectionStringBuilder(options.ConnectionString).ToString();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(options), options.Kind, "No such database.");
        }
    }

    public DatabaseKind Kind { get; }

    public Dialect Dialect { get; }

    /// <summary>
    /// Runs a unit of work: all of it is on stable storage when the call returns, or nothing of it where it throws. The unit awaits nothing but its
    /// transaction (no HSM, no HTTP), has no effect outside it, and may be run more than once.
    /// </summary>
    /// <exception cref="DbException">The database refused, or failed; after a failed commit the work may have been done.</exception>
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

    /// <summary>Several queries that see the same state of the database.</summary>
    public async Task<T> ReadAsync<T>(Func<Transaction, Task<T>> work, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using DbConnection connection = await OpenAsync(cancellationToken);
        await using DbTransaction snapshot = connection is SqliteConnection sqlite
            ? sqlite.BeginTransaction(deferred: true)
            : await connection.BeginTransactionAsync(Kind == DatabaseKind.PostgreSql ? IsolationLevel.RepeatableRead : IsolationLevel.ReadCommitted, cancellationToken);
        var transaction = new Transaction(Dialect, connection, snapshot, cancellationToken);
        T result = await work(transaction);
        transaction.End();
        return result;
    }

    /// <returns>The only row, or null.</returns>
    /// <exception cref="InvalidOperationException">Several rows.</exception>
    public async Task<T?> FindAsync<T>(string sql, object? parameters = null, CancellationToken cancellationToken = default)
    {
        await using DbConnection connection = await OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<T?>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null, CancellationToken cancellationToken = default)
    {
        await using DbConnection connection = await OpenAsync(cancellationToken);
        return (await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken))).AsList();
    }

    public async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }

        if (_source is not null)
        {
            await _source.DisposeAsync();
        }
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
            }
            catch (DbException e) when (e.IsTransient && attempt < Attempts)
            {
                // A deadlock, which the server ended by giving this one up: nothing of it was done.
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

    private async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        DbConnection connection = Kind switch
        {
            DatabaseKind.Sqlite => new SqliteConnection(_connectionString),
            DatabaseKind.PostgreSql => _source!.CreateConnection(),
            _ => new SqlConnection(_connectionString),
        };
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
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            parameter.DbType = DbType.Int64;
            parameter.Value = value.ToUnixTimeMilliseconds();
        }

        public override DateTimeOffset Parse(object value) => DateTimeOffset.FromUnixTimeMilliseconds((long)value);
    }
}
