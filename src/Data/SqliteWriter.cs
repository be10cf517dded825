using System.Data.Common;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace ZwCa.Data;

/// <summary>
/// The one connection that writes to an SQLite file, and the thread that it belongs to. Units that wait at the same time share one transaction, and so
/// one write to the disk, each in a savepoint of its own: one that fails takes nobody with it. Nobody is answered before COMMIT.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    public const int MaxGroup = 64;
    private const int QueueLength = 1024;

    private readonly Dialect _dialect;
    private readonly string _connectionString;
    private readonly Channel<Unit> _queue =
        Channel.CreateBounded<Unit>(new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Task _loop;
    private SqliteConnection? _connection;

    public SqliteWriter(Dialect dialect, string connectionString)
    {
        _dialect = dialect;
        _connectionString = connectionString;

        // A thread of its own: it waits for the disk.
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <param name="work">Awaits nothing but its transaction. May be run again where a group was lost.</param>
    public async Task WriteAsync(Func<Transaction, Task> work, CancellationToken cancellationToken)
    {
        var unit = new Unit(work, cancellationToken);
        try
        {
            await _queue.Writer.WriteAsync(unit, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(Database));
        }

        await unit.Done;
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        _connection?.Dispose();
    }

    private void Run()
    {
        var group = new List<Unit>(MaxGroup);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            group.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out Unit? unit))
            {
                if (!unit.IsCancelled())
                {
                    group.Add(unit);
                }
            }

            if (group.Count > 0)
            {
                Commit(group);
            }
        }
    }

    private void Commit(IReadOnlyList<Unit> group)
    {
        try
        {
            SqliteConnection connection = _connection ??= Open();
            Execute(connection, "BEGIN IMMEDIATE");
            foreach (Unit unit in group)
            {
                RunInSavepoint(connection, unit);
            }

            Execute(connection, "COMMIT");
        }
#pragma warning disable CA1031 // Whatever it is, it goes to the callers.
        catch (Exception e)
#pragma warning restore CA1031
        {
            GiveUp();
            if (group.Count == 1)
            {
                group[0].Fail(e);
                return;
            }

            // One of them filled the disk, or the disk itself failed: each is tried alone, so that it answers only for itself.
            foreach (Unit unit in group)
            {
                Commit([unit]);
            }

            return;
        }

        foreach (Unit unit in group)
        {
            unit.Answer();
        }
    }

    private void RunInSavepoint(SqliteConnection connection, Unit unit)
    {
        Execute(connection, "SAVEPOINT unit");
        var transaction = new Transaction(_dialect, connection, null, CancellationToken.None);
        unit.Run(transaction);
        transaction.End();

        // On a full disk SQLite may roll back everything at once: then the savepoint is gone, and the others with it.
        if (sqlite3_get_autocommit(connection.Handle) != 0)
        {
            throw unit.Failure ?? new InvalidOperationException("The unit ended the transaction.");
        }

        if (unit.Failure is not null)
        {
            Execute(connection, "ROLLBACK TO unit");
        }

        Execute(connection, "RELEASE unit");
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");

            // Without it REPLACE deletes a row of an insert-only table past its trigger.
            Execute(connection, "PRAGMA recursive_triggers = ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Whatever state the connection is in, the next unit gets a fresh one; closing rolls back.</summary>
    private void GiveUp()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class Unit(Func<Transaction, Task> work, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public Exception? Failure { get; private set; }

        /// <summary>Whether its caller has gone before it began.</summary>
        public bool IsCancelled() => cancellationToken.IsCancellationRequested && _done.TrySetCanceled(cancellationToken);

        public void Run(Transaction transaction)
        {
            try
            {
                Failure = null;
                Task run = work(transaction);
                bool waited = !run.IsCompleted;
                run.GetAwaiter().GetResult();
                if (waited)
                {
                    throw new InvalidOperationException("A unit of work awaits nothing but its transaction: everybody else waits for it.");
                }
            }
#pragma warning disable CA1031 // Whatever it is, it goes to the caller.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Failure = e;
            }
        }

        public void Answer()
        {
            if (Failure is null)
            {
                _done.SetResult();
            }
            else
            {
                _done.SetException(Failure);
            }
        }

        public void Fail(Exception e) => _done.SetException(e);
    }
}
