using System.Data.Common;
using Dapper;

namespace ZwCa.Data;

/// <summary>
/// One unit of work on one connection; ends when the unit returns. Statements are one text for the three databases, their parameters an object
/// with properties of these names: long, short, int, string, byte[], DateTimeOffset (stored as Unix milliseconds), enums and bool (stored as smallint).
/// A unit in which a statement failed does not commit, whoever catches the exception: PostgreSQL would have undone it all.
/// </summary>
public sealed class Transaction
{
    private const string Savepoint = "attempt";

    private readonly DbConnection _connection;
    private readonly DbTransaction? _transaction;
    private readonly CancellationToken _cancellationToken;

    /// <summary>On SQLite the writer's: nobody else may touch its connection.</summary>
    private readonly int? _onlyThread;
    private bool _ended;

    /// <param name="transaction">Null on SQLite, where the connection is in it.</param>
    /// <param name="onlyThread">Null: any that it goes on in.</param>
    internal Transaction(Dialect dialect, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken, int? onlyThread = null)
    {
        Dialect = dialect;
        _connection = connection;
        _transaction = transaction;
        _cancellationToken = cancellationToken;
        _onlyThread = onlyThread;
    }

    public Dialect Dialect { get; }

    /// <summary>What a statement failed with, but for the refusals that <see cref="TryInsertAsync"/> and <see cref="TryUpdateAsync"/> answer.</summary>
    internal Exception? Failure { get; private set; }

    /// <returns>The number of rows affected: it decides races.</returns>
    /// <exception cref="DbException">The database refused or failed.</exception>
    public Task<int> ExecuteAsync(string sql, object? parameters = null) => NotingFailureAsync(_connection.ExecuteAsync(Command(sql, parameters)));

    /// <summary>Inserts a row; the transaction goes on also where that row is there already.</summary>
    /// <returns>False where a primary key or unique index has the value.</returns>
    /// <exception cref="DbException">The database refused for another reason, or failed.</exception>
    public async Task<bool> TryInsertAsync(string sql, object? parameters = null) => await TryUpdateAsync(sql, parameters) is not null;

    /// <summary>Changes rows; the transaction goes on also where another row has what they would become.</summary>
    /// <returns>The number of rows affected. Null: a primary key or unique index has the value, and nothing is changed.</returns>
    /// <exception cref="DbException">The database refused for another reason, or failed.</exception>
    public async Task<int?> TryUpdateAsync(string sql, object? parameters = null)
    {
        CommandDefinition statement = Command(sql, parameters);

        // PostgreSQL gives up the whole transaction after a failed statement; the others only the statement.
        bool guarded = _transaction is { SupportsSavepoints: true };
        try
        {
            if (guarded)
            {
                await _transaction!.SaveAsync(Savepoint, _cancellationToken);
            }

            int rows = await _connection.ExecuteAsync(statement);
            if (guarded)
            {
                await _transaction!.ReleaseAsync(Savepoint, _cancellationToken);
            }

            return rows;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e))
        {
            if (guarded)
            {
                await NotingFailureAsync(_transaction!.RollbackAsync(Savepoint, _cancellationToken));
            }

            return null;
        }
        catch (Exception e) when (IsFailure(e))
        {
            Failure ??= e;
            throw;
        }
    }

    /// <returns>The only row, or the default of the type: ask for <c>long?</c> where 0 may be there.</returns>
    /// <exception cref="InvalidOperationException">Several rows.</exception>
    public Task<T?> FindAsync<T>(string sql, object? parameters = null) =>
        NotingFailureAsync(_connection.QuerySingleOrDefaultAsync<T?>(Command(sql, parameters)));

    /// <returns>The only row.</returns>
    /// <exception cref="InvalidOperationException">None, or several.</exception>
    public Task<T> GetAsync<T>(string sql, object? parameters = null) => NotingFailureAsync(_connection.QuerySingleAsync<T>(Command(sql, parameters)));

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters = null) =>
        (await NotingFailureAsync(_connection.QueryAsync<T>(Command(sql, parameters)))).AsList();

    /// <summary>Rows one after the other as they arrive, for what there are a million of: none is kept, and none becomes an object.</summary>
    /// <param name="row">Reads the columns by their place; runs no statement.</param>
    /// <returns>How many there were.</returns>
    public Task<long> ReadEachAsync(string sql, object? parameters, Action<DbDataReader> row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return NotingFailureAsync(ReadAsync(Command(sql, parameters)));

        async Task<long> ReadAsync(CommandDefinition command)
        {
            long count = 0;
            await using DbDataReader reader = await _connection.ExecuteReaderAsync(command);
            while (await reader.ReadAsync(_cancellationToken))
            {
                row(reader);
                count++;
            }

            return count;
        }
    }

    /// <inheritdoc cref="Dialect.BulkInsertAsync"/>
    public Task BulkInsertAsync(string table, IReadOnlyList<string> columns, IReadOnlyList<object?[]> rows)
    {
        return NotingFailureAsync(InsertAsync());

        // What is thrown before there is a task is noted as well.
        async Task InsertAsync() => await Dialect.BulkInsertAsync(this, table, columns, rows, _cancellationToken);
    }

    /// <summary>Of a transaction on SQLite.</summary>
    internal SqliteStatements Sqlite
    {
        get
        {
            ThrowIfNotMine();
            return (SqliteStatements)_connection;
        }
    }

    internal DbCommand CreateCommand(string sql)
    {
        ThrowIfNotMine();
        (_connection as SqliteStatements)?.Expect(sql);
        DbCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        return command;
    }

    internal void End() => _ended = true;

    /// <exception cref="InvalidOperationException">A statement failed and the unit went on.</exception>
    internal void ThrowIfFailed()
    {
        if (Failure is not null)
        {
            throw new InvalidOperationException("A statement failed and the unit of work went on: nothing of it is kept. For a row that may be there use TryInsertAsync.", Failure);
        }
    }

    private CommandDefinition Command(string sql, object? parameters)
    {
        ThrowIfNotMine();
        (_connection as SqliteStatements)?.Expect(sql);
        return new CommandDefinition(sql, parameters, _transaction, cancellationToken: _cancellationToken);
    }

    private void ThrowIfNotMine()
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_onlyThread is { } thread && thread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(SqliteWriter.Awaited);
        }

        // A full disk may have ended the transaction on SQLite: what is run now would stand for itself, and stay.
        ThrowIfFailed();
    }

    /// <summary>PostgreSQL gives up the transaction after a cancelled statement as after a refused one.</summary>
    private static bool IsFailure(Exception e) => e is DbException or OperationCanceledException;

    private async Task<T> NotingFailureAsync<T>(Task<T> statement)
    {
        try
        {
            return await statement;
        }
        catch (Exception e) when (IsFailure(e))
        {
            Failure ??= e;
            throw;
        }
    }

    private async Task NotingFailureAsync(Task statement)
    {
        try
        {
            await statement;
        }
        catch (Exception e) when (IsFailure(e))
        {
            Failure ??= e;
            throw;
        }
    }
}
