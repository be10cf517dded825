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

    public const string Awaited = "A unit of work awaits nothing but its transaction: everybody else waits for it.";

    /// <summary>Where a crash test ends the process, see <see cref="FaultPoint"/>.</summary>
    public const string BeforeCommit = "sqlite.before-commit";

    /// <inheritdoc cref="BeforeCommit"/>
    public const string AfterCommit = "sqlite.after-commit";

    private const int QueueLength = 1024;

    /// <summary>
    /// Recursive triggers: REPLACE deletes, and meets the triggers of insert-only tables only with them. In memory: what a savepoint keeps of its pages.
    /// 128 MiB of cache and 64 MiB of log before a checkpoint: keys are random, so that among a million rows each commit touches pages of its own, and those are read and moved less
    /// often. What is deleted is overwritten, and a log that has grown is cut to those 64 MiB when it begins anew: an erased personal value is not left lying behind what is in use.
    /// </summary>
    private const string Settings =
        """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON;
        PRAGMA temp_store = MEMORY; PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 16384;
        PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864
        """;

    private readonly Dialect _dialect;
    private readonly string _connectionString;
    private readonly Channel<Unit> _queue =
        Channel.CreateBounded<Unit>(new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Task _loop;
    private SqliteStatements? _connection;
    private volatile int _thread;

    public SqliteWriter(Dialect dialect, string connectionString)
    {
        _dialect = dialect;

        // Not pooled: only closing ends a transaction whatever its state is.
        _connectionString = new SqliteConnectionStringBuilder(connectionString) { Pooling = false }.ToString();

        // A thread of its own: it waits for the disk.
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <param name="work">Awaits nothing but its transaction. May be run again where a group was lost.</param>
    /// <param name="cancellationToken">Only while it waits: what has begun is ended and answered.</param>
    public async Task WriteAsync(Func<Transaction, Task> work, CancellationToken cancellationToken)
    {
        if (Environment.CurrentManagedThreadId == _thread)
        {
            throw new InvalidOperationException("A unit of work inside a unit of work would wait for itself.");
        }

        var unit = new Unit(work);
        try
        {
            await _queue.Writer.WriteAsync(unit, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(Database));
        }

        await using (cancellationToken.UnsafeRegister(static (unit, token) => ((Unit)unit!).Cancel(token), unit))
        {
            await unit.Done;
        }
    }

    /// <summary>What waits is still done.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        _connection?.Dispose();
    }

    private void Run()
    {
        _thread = Environment.CurrentManagedThreadId;
        var group = new List<Unit>(MaxGroup);
        try
        {
            RunGroups(group);
        }
#pragma warning disable CA1031 // Whatever it is: nobody waits for a thread that is gone.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _queue.Writer.TryComplete();
            foreach (Unit unit in group)
            {
                unit.Fail(e);
            }

            while (_queue.Reader.TryRead(out Unit? waiting))
            {
                if (waiting.TryBegin())
                {
                    waiting.Fail(e);
                }
            }
        }

        // The number may be another's from now on.
        _thread = 0;
    }

    private void RunGroups(List<Unit> group)
    {
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            group.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out Unit? unit))
            {
                if (unit.TryBegin())
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
        Step step = Step.Begin;
        try
        {
            SqliteStatements connection = _connection ??= Open();
            connection.Execute("BEGIN IMMEDIATE");
            step = Step.Units;
            foreach (Unit unit in group)
            {
                RunInSavepoint(connection, unit);
            }

            step = Step.Commit;
            FaultPoint.Reach(BeforeCommit);
            connection.Execute("COMMIT");
            FaultPoint.Reach(AfterCommit);
        }
#pragma warning disable CA1031 // Whatever it is, it goes to the callers.
        catch (Exception e)
#pragma warning restore CA1031
        {
            GiveUp();

            // One of them filled the disk: each is tried alone, so that it answers only for itself. Not where the file or its lock cannot be
            // had, which concerns all of them, nor where a commit may have reached the disk in spite of its error and a second run would be one too many.
            if (group.Count > 1 && (step == Step.Units || (step == Step.Commit && IsUndone(e))))
            {
                foreach (Unit unit in group)
                {
                    Commit([unit]);
                }
            }
            else
            {
                foreach (Unit unit in group)
                {
                    unit.Fail(e);
                }
            }

            return;
        }

        foreach (Unit unit in group)
        {
            unit.Answer();
        }
    }

    private SqliteStatements Open()
    {
        var connection = new SqliteStatements(_connectionString);
        SqliteLibrary.CreateFile(connection.DataSource);
        return SqliteLibrary.Open(connection, Settings);
    }

    /// <summary>A COMMIT that failed before its last frame was written; after other errors a recovery may still find it.</summary>
    private static bool IsUndone(Exception e) => e is SqliteException { SqliteErrorCode: SQLITE_FULL or SQLITE_CONSTRAINT or SQLITE_BUSY };

    private void RunInSavepoint(SqliteStatements connection, Unit unit)
    {
        connection.Execute("SAVEPOINT unit");
        var transaction = new Transaction(_dialect, connection, null, CancellationToken.None, Environment.CurrentManagedThreadId);
        unit.Run(transaction);
        transaction.End();

        // On a full disk SQLite may roll back everything at once: then the savepoint is gone, and the others with it.
        if (sqlite3_get_autocommit(connection.Handle) != 0)
        {
            throw unit.Failure ?? new InvalidOperationException("The unit ended the transaction.");
        }

        connection.Execute(unit.Failure is null ? "RELEASE unit" : "ROLLBACK TO unit; RELEASE unit");
    }

    /// <summary>Whatever state the connection is in, the next unit gets a fresh one; closing rolls back.</summary>
    private void GiveUp()
    {
        SqliteStatements? connection = _connection;
        _connection = null;
        connection?.Dispose();
    }

    private enum Step
    {
        Begin,
        Units,
        Commit,
    }

    private sealed class Unit(Func<Transaction, Task> work)
    {
        private const int Waiting = 0;
        private const int Begun = 1;
        private const int Cancelled = 2;

        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _state;

        public Task Done => _done.Task;

        public Exception? Failure { get; private set; }

        /// <returns>False where its caller has gone.</returns>
        public bool TryBegin() => Interlocked.CompareExchange(ref _state, Begun, Waiting) == Waiting;

        public void Cancel(CancellationToken token)
        {
            if (Interlocked.CompareExchange(ref _state, Cancelled, Waiting) == Waiting)
            {
                _done.SetCanceled(token);
            }
        }

        public void Run(Transaction transaction)
        {
            try
            {
                Failure = null;
                Task run = work(transaction);

                // It is not waited for: it may itself wait for this thread. Its transaction answers no other thread.
                if (!run.IsCompleted)
                {
                    throw new InvalidOperationException(Awaited);
                }

                run.GetAwaiter().GetResult();
                transaction.ThrowIfFailed();
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

        public void Fail(Exception e) => _done.TrySetException(e);
    }
}
