using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace ZwCa.Data;

/// <summary>
/// Connections that only read an SQLite file, each for one reader at a time; those that are free stay open, with what they have prepared: to open one and to prepare its statements takes
/// longer than to run them. Safe for concurrent use.
/// </summary>
internal sealed class SqliteReaders(string connectionString) : IDisposable
{
    /// <summary>Free ones that are kept.</summary>
    private const int Most = 16;

    // Not pooled a second time.
    private readonly string _connectionString =
        new SqliteConnectionStringBuilder(connectionString) { Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString();

    private readonly ConcurrentBag<SqliteStatements> _free = [];
    private int _freeCount;
    private volatile bool _disposed;

    /// <summary>Runs something that reads, and nothing else meanwhile on its connection.</summary>
    /// <exception cref="SqliteException">The file cannot be opened or read.</exception>
    public async Task<T> ReadAsync<T>(Func<SqliteStatements, Task<T>> work)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(Database));
        SqliteStatements? connection = Take();
        try
        {
            connection ??= SqliteLibrary.Open(new SqliteStatements(_connectionString), "PRAGMA trusted_schema = OFF");
            T result = await work(connection);
            Give(ref connection);
            return result;
        }
        finally
        {
            // After an exception nobody knows what state it is in.
            connection?.Dispose();
        }
    }

    public void Dispose()
    {
        _disposed = true;
        while (Take() is { } connection)
        {
            connection.Dispose();
        }
    }

    private SqliteStatements? Take()
    {
        if (!_free.TryTake(out SqliteStatements? connection))
        {
            return null;
        }

        Interlocked.Decrement(ref _freeCount);
        return connection;
    }

    /// <param name="connection">Null afterwards where it is kept.</param>
    private void Give(ref SqliteStatements? connection)
    {
        if (Interlocked.Increment(ref _freeCount) > Most)
        {
            Interlocked.Decrement(ref _freeCount);
            return;
        }

        _free.Add(connection!);
        connection = null;

        // Whoever disposed of all of them may have been faster.
        if (_disposed)
        {
            Dispose();
        }
    }
}
