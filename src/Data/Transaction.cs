using System.Data.Common;
using Dapper;

namespace ZwCa.Data;

/// <summary>
/// One unit of work on one connection; ends when the unit returns. Statements are one text for the three databases, their parameters an object
/// with properties of these names: long, short, string, byte[], DateTimeOffset (stored as Unix milliseconds), enums (stored as smallint).
/// </summary>
public sealed class Transaction
{
    private const string Savepoint = "insertion";

    private readonly DbConnection _connection;
    private readonly DbTransaction? _transaction;
    private readonly CancellationToken _cancellationToken;
    private bool _ended;

    internal Transaction(Dialect dialect, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken)
    {
        Dialect = dialect;
        _connection = connection;
        _transaction = transaction;
        _cancellationToken = cancellationToken;
    }

    public Dialect Dialect { get; }

    /// <returns>The number of rows affected: it decides races.</returns>
    /// <exception cref="DbException">The database refused or failed.</exception>
    public Task<int> ExecuteAsync(string sql, object? parameters = null) => _connection.ExecuteAsync(Command(sql, parameters));

    /// <summary>Inserts a row; the transaction goes on also where that row is there already.</summary>
    /// <returns>False where a primary key or unique index has the value.</returns>
    /// <exception cref="DbException">The database refused for another reason, or failed.</exception>
    public async Task<bool> TryInsertAsync(string sql, object? parameters = null)
    {
        // PostgreSQL gives up the whole transaction after a failed statement; the others only the statement.
        bool guarded = _transaction is { SupportsSavepoints: true };
        if (guarded)
        {
            await _transaction!.SaveAsync(Savepoint, _cancellationToken);
        }

        try
        {
            await ExecuteAsync(sql, parameters);
            return true;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e))
        {
            if (guarded)
            {
                await _transaction!.RollbackAsync(Savepoint, _cancellationToken);
            }

            return false;
        }
    }

    /// <returns>The only row, or null.</returns>
    /// <exception cref="InvalidOperationException">Several rows.</exception>
    public Task<T?> FindAsync<T>(string sql, object? parameters = null) => _connection.QuerySingleOrDefaultAsync<T?>(Command(sql, parameters));

    /// <returns>The only row.</returns>
    /// <exception cref="InvalidOperationException">None, or several.</exception>
    public Task<T> GetAsync<T>(string sql, object? parameters = null) => _connection.QuerySingleAsync<T>(Command(sql, parameters));

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null) =>
        (await _connection.QueryAsync<T>(Command(sql, parameters))).AsList();

    /// <inheritdoc cref="Dialect.BulkInsertAsync"/>
    public Task BulkInsertAsync(string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows) =>
        Dialect.BulkInsertAsync(this, table, columns, rows, _cancellationToken);

    internal DbCommand CreateCommand(string sql)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        DbCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        return command;
    }

    internal void End() => _ended = true;

    private CommandDefinition Command(string sql, object? parameters)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        return new CommandDefinition(sql, parameters, _transaction, cancellationToken: _cancellationToken);
    }
}
