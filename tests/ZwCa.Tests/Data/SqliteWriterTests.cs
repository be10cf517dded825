using System.Data.Common;
using Microsoft.Data.Sqlite;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>Group commit, and what must not disturb it.</summary>
public sealed class SqliteWriterTests
{
    private const int Busy = 5;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;
    private const string NoLimit = "1073741823";

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneFailingUnitOf64_Leaves63()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        Task[] units;
        int runs = 0;
        long seenByOthers = -1;
        await using (HeldWriter held = await HeldWriter.OfAsync(test.Database))
        {
            units = [.. Enumerable.Range(0, SqliteWriter.MaxGroup).Select(i => test.Database.WriteAsync(
                async transaction =>
                {
                    runs++;
                    await Sample.InsertAsync(transaction, Sample.NewItem($"{i}"));
                    if (i == 40)
                    {
                        await Sample.InsertAsync(transaction, Sample.NewItem("0"));
                    }

                    if (i == SqliteWriter.MaxGroup - 1)
                    {
                        seenByOthers = await Sample.CountAsync(test.Database, Token);
                    }
                },
                Token))];
        }

        Assert.Equal(SqliteWriter.MaxGroup - 1, units.Count(unit => Record.ExceptionAsync(() => unit).Result is null));
        Assert.True(test.Database.Dialect.IsUniqueViolation(await Assert.ThrowsAnyAsync<DbException>(() => units[40])));
        Assert.Equal(
            Enumerable.Range(0, SqliteWriter.MaxGroup).Where(i => i != 40).Select(i => $"{i}").Order(StringComparer.Ordinal),
            await test.Database.QueryAsync<string>("SELECT name FROM item ORDER BY name", cancellationToken: Token));

        // One group indeed: when its last unit ran, nothing of the others was committed, and none was run again.
        Assert.Equal(0, seenByOthers);
        Assert.Equal(SqliteWriter.MaxGroup, runs);
    }

    [Fact]
    public async Task NobodyIsAnsweredBeforeCommit()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        Task first, second;
        using var go = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (HeldWriter held = await HeldWriter.OfAsync(test.Database))
        {
            first = test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("a")), Token);
            second = test.Database.WriteAsync(
                _ =>
                {
                    begun.SetResult();
                    go.Wait(Token);
                    return Task.CompletedTask;
                },
                Token);
        }

        await begun.Task;
        await Task.Delay(50, Token);
        Assert.False(first.IsCompleted);
        go.Set();
        await first;
        await second;
        Assert.Equal(1, await Sample.CountAsync(test.Database, Token));
    }

    [Fact]
    public async Task DiskFull_WhatFitsIsThereAndNothingElseIsAnswered()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        string limit = $"{await test.Database.FindAsync<long>("PRAGMA page_count", cancellationToken: Token) + 60}";
        Item[] items = [.. Enumerable.Range(0, SqliteWriter.MaxGroup).Select(i => Sample.NewItem($"{i}") with { Content = _random.Bytes(_random.Next(100, 20_000)) })];
        int runs = 0;
        Task[] units;
        await using (HeldWriter held = await HeldWriter.OfAsync(test.Database))
        {
            units = [.. items.Select(item => test.Database.WriteAsync(transaction => WriteAsync(transaction, item), Token))];
        }

        await Task.WhenAll(units).ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        string[] answered = [.. items.Zip(units).Where(each => each.Second.IsCompletedSuccessfully).Select(each => each.First.Name)];
        Assert.InRange(answered.Length, 1, items.Length - 1);
        Assert.All(
            units.Where(unit => !unit.IsCompletedSuccessfully),
            unit => Assert.Equal(Full, Assert.IsType<SqliteException>(unit.Exception!.InnerException).SqliteErrorCode));
        Assert.True(runs > items.Length, "SQLite rolled back no group: this test tests nothing");
        Assert.Equal(
            answered.Order(StringComparer.Ordinal), await test.Database.QueryAsync<string>("SELECT name FROM item ORDER BY name", cancellationToken: Token));

        limit = NoLimit;
        await Task.WhenAll(items.Where(item => !answered.Contains(item.Name)).Select(item => test.Database.WriteAsync(transaction => WriteAsync(transaction, item), Token)));
        Assert.Equal(items.Length, await Sample.CountAsync(test.Database, Token));
        Assert.Equal("ok", await test.Database.FindAsync<string>("PRAGMA integrity_check", cancellationToken: Token));

        async Task WriteAsync(Transaction transaction, Item item)
        {
            // A setting of the connection, which the writer may have replaced.
            runs++;
            await transaction.GetAsync<long>($"PRAGMA max_page_count = {limit}");
            await Sample.InsertAsync(transaction, item);
        }
    }

    [Fact]
    public async Task UnitThatAwaitsSomethingElse_IsRefusedAndMayNotGoOn()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("before"));
                await wait.Task;
                late.SetResult(await Record.ExceptionAsync(() => Sample.InsertAsync(transaction, Sample.NewItem("after"))));
            },
            Token));
        Assert.Contains("awaits", refusal.Message);
        wait.SetResult();
        Assert.IsType<ObjectDisposedException>(await late.Task);
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    [Fact]
    public async Task AnotherThread_HasNoPartInTheTransaction()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            transaction =>
            {
                Task.Run(() => Sample.InsertAsync(transaction, Sample.NewItem("a")), Token).GetAwaiter().GetResult();
                return Task.CompletedTask;
            },
            Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    /// <summary>Awaited or blocked upon, it would be a wait for itself, and everybody's.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UnitInsideAUnit_IsRefused(bool blocks)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            async _ =>
            {
                Task inner = test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("a")), Token);
                if (blocks)
                {
                    inner.GetAwaiter().GetResult();
                }

                await inner;
            },
            Token));
        Assert.Contains("inside", refusal.Message);
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    [Fact]
    public async Task CancelledWhileItWaits_IsAnsweredAtOnceAndNeverRun()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        using var source = new CancellationTokenSource();
        await using (HeldWriter held = await HeldWriter.OfAsync(test.Database))
        {
            Task waiting = test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("a")), source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(10), Token));
        }

        await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("b")), Token);
        Assert.Equal(["b"], await test.Database.QueryAsync<string>("SELECT name FROM item", cancellationToken: Token));
    }

    [Fact]
    public async Task Dispose_WhatWaitsIsStillDone()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        var database = new Database(test.Options);
        Task[] units;
        Task disposed;
        await using (HeldWriter held = await HeldWriter.OfAsync(database))
        {
            // More than the queue holds: the last ones wait before its door, and are refused.
            units = [.. Enumerable.Range(0, 1100).Select(i => database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem($"{i}")), Token))];
            disposed = database.DisposeAsync().AsTask();
            Assert.False(disposed.IsCompleted);
        }

        await disposed;
        long done = 0;
        foreach (Task unit in units)
        {
            Exception? refusal = await Record.ExceptionAsync(() => unit);
            Assert.True(refusal is null or ObjectDisposedException, $"{refusal}");
            done += refusal is null ? 1 : 0;
        }

        Assert.InRange(done, 1000, 1100);
        Assert.Equal(done, await Sample.CountAsync(test.Database, Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => database.WriteAsync(_ => Task.CompletedTask, Token));
    }

    [Fact]
    public async Task AnotherProcessHoldsTheLock_AllHearItAndLaterItWorks()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await using var database = new Database(test.Options with { ConnectionString = test.Options.ConnectionString + ";Default Timeout=1" });
        await using (var foreign = new SqliteConnection(test.Options.ConnectionString))
        {
            await foreign.OpenAsync(Token);
            await using SqliteTransaction holding = foreign.BeginTransaction();
            Task[] units = [.. Enumerable.Range(0, 8).Select(i => database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem($"{i}")), Token))];
            foreach (Task unit in units)
            {
                Assert.Equal(Busy, (await Assert.ThrowsAsync<SqliteException>(() => unit)).SqliteErrorCode);
            }

            // Short enough to wait for.
            Task patient = database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("patient")), Token);
            await Task.Delay(200, Token);
            await holding.RollbackAsync(Token);
            await patient;
        }

        Assert.Equal(["patient"], await database.QueryAsync<string>("SELECT name FROM item", cancellationToken: Token));
    }

    [Fact]
    public async Task FolderMissing_IsSaidAndLaterItWorks()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.File("missing"), "ca.db");
        await using var database = new Database(new DatabaseOptions { ConnectionString = $"Data Source={file};Pooling=False" });
        var migrator = new Migrator(database, [Sample.Tables], TimeProvider.System);
        foreach (Func<Task> attempt in (Func<Task>[])[() => migrator.MigrateAsync(Token), () => Sample.CountAsync(database, Token)])
        {
            SqliteException refusal = await Assert.ThrowsAsync<SqliteException>(attempt);
            Assert.Equal(CannotOpen, refusal.SqliteErrorCode);
            Assert.Contains(file, refusal.Message);
        }

        await RefusesToCheckAsync();
        Directory.CreateDirectory(folder.File("missing"));
        await RefusesToCheckAsync();
        Assert.False(File.Exists(file));
        await migrator.MigrateAsync(Token);
        await migrator.CheckAsync(Token);
        Assert.Equal(0, await Sample.CountAsync(database, Token));

        async Task RefusesToCheckAsync()
        {
            DatabaseVersionException refusal = await Assert.ThrowsAsync<DatabaseVersionException>(() => migrator.CheckAsync(Token));
            Assert.Contains(file, refusal.Message);
            Assert.Contains("verb migrate", refusal.Message);
        }
    }

    [Fact]
    public async Task NewFile_IsItsOwners()
    {
        Requires.Condition(!OperatingSystem.IsWindows(), "files with modes");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        string file = new SqliteConnectionStringBuilder(test.Options.ConnectionString).DataSource;
        foreach (string each in (string[])[file, file + "-wal", file + "-shm"])
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(each));
        }
    }

    [Fact]
    public async Task FileThatIsNoDatabase_IsSaidAndLeftAlone()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("ca.db");
        byte[] content = _random.Bytes(5000);
        await File.WriteAllBytesAsync(file, content, Token);
        await using var database = new Database(new DatabaseOptions { ConnectionString = $"Data Source={file};Pooling=False" });
        var migrator = new Migrator(database, [Sample.Tables], TimeProvider.System);
        foreach (Func<Task> attempt in (Func<Task>[])[() => migrator.MigrateAsync(Token), () => migrator.CheckAsync(Token)])
        {
            Assert.Equal(NotADatabase, (await Assert.ThrowsAsync<SqliteException>(attempt)).SqliteErrorCode);
        }

        Assert.Equal(content, await File.ReadAllBytesAsync(file, Token));
    }

    /// <summary>What stands on stable storage when, depends on these.</summary>
    [Fact]
    public async Task WriterConnection_IsDurable()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await test.Database.WriteAsync(
            async transaction =>
            {
                Assert.Equal("wal", await transaction.GetAsync<string>("PRAGMA journal_mode"));
                Assert.Equal(2, await transaction.GetAsync<long>("PRAGMA synchronous"));
                Assert.Equal(1, await transaction.GetAsync<long>("PRAGMA foreign_keys"));
                Assert.Equal(0, await transaction.GetAsync<long>("PRAGMA trusted_schema"));
                Assert.Equal(1, await transaction.GetAsync<long>("PRAGMA secure_delete"));
            },
            Token);
    }
}
