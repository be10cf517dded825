using System.Data.Common;
using Microsoft.Data.Sqlite;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>What units of work and queries may count on, on each database.</summary>
public sealed class DatabaseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Read_SeesOneState(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        const string count = "SELECT COUNT(*) FROM item";
        await test.Database.ReadAsync(
            async transaction =>
            {
                Assert.Equal(0, await transaction.GetAsync<long>(count));
                await test.Database.WriteAsync(inner => Sample.InsertAsync(inner, Sample.NewItem("a")), Token);
                Assert.Equal(0, await transaction.GetAsync<long>(count));
                return true;
            },
            Token);
        Assert.Equal(1, await test.Database.ReadAsync(transaction => transaction.GetAsync<long>(count), Token));
    }

    /// <summary>What was erased is not left behind, and whoever copies the file alone has all of it: only who may write, and closes last, moves the log into it.</summary>
    [Fact]
    public async Task SqliteThatIsClosed_IsOneFile()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("a")), Token);
        Assert.Equal(1, await test.Database.FindAsync<long>("SELECT COUNT(*) FROM item", cancellationToken: Token));
        string file = new SqliteConnectionStringBuilder(test.Options.ConnectionString).DataSource;
        Assert.True(File.Exists(file + "-wal"));

        await test.Database.DisposeAsync();

        Assert.False(File.Exists(file + "-wal"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Read_KeepsNoChange(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Exception? refusal = await Record.ExceptionAsync(() => test.Database.ReadAsync(
            transaction => transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 1)"), Token));
        Assert.Equal(kind == DatabaseKind.Sqlite, refusal is SqliteException);
        Assert.Null(await test.Database.FindAsync<long?>("SELECT total FROM account", cancellationToken: Token));
    }

    /// <summary>Connections are used again: what one reader saw, or left behind when it failed, is nothing to the next.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Readers_OneAfterTheOtherAndManyAtOnce_SeeWhatIsThereWhenTheyBegin(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        const string count = "SELECT COUNT(*) FROM item";
        for (int i = 0; i < 40; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.ReadAsync<long>(
                async transaction => throw new InvalidOperationException($"{await transaction.GetAsync<long>(count)}"), Token));
            await Assert.ThrowsAnyAsync<DbException>(() => test.Database.QueryAsync<long>("SELECT nothing FROM item", cancellationToken: Token));
            await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem($"{i}")), Token);
            long[] seen = await Task.WhenAll(Enumerable.Range(0, 24).Select(n => Task.Run(async () => n % 2 == 0
                ? await test.Database.ReadAsync(transaction => transaction.GetAsync<long>(count), Token)
                : await test.Database.FindAsync<long>(count, cancellationToken: Token))));
            Assert.All(seen, each => Assert.Equal(i + 1, each));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task CancelledBeforeItsStart_IsNotRun(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        bool ran = false;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => test.Database.WriteAsync(
            transaction =>
            {
                ran = true;
                return Task.CompletedTask;
            },
            new CancellationToken(true)));
        Assert.False(ran);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task CancelledAfterItsLastStatement_IsDoneAndAnswered(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        using var source = new CancellationTokenSource();
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a"));
                source.Cancel();
            },
            source.Token);
        Assert.Equal(1, await Sample.CountAsync(test.Database, Token));
    }

    [Fact]
    public async Task CancelledInTheMiddle_LeavesNothing() => await OnServersAsync(async kind =>
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        using var source = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a"));
                await source.CancelAsync();
                await Sample.InsertAsync(transaction, Sample.NewItem("b"));
            },
            source.Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    });

    [Fact]
    public async Task Deadlock_IsTriedAgain() => await OnServersAsync(async kind =>
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        await test.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 0), (2, 0)"), Token);
        int runs = 0;
        using var bothHoldOne = new CountdownEvent(2);
        await Task.WhenAll(Run(1, 2), Run(2, 1));
        // The victim may take its first row again before the other one wakes, and they meet once more.
        Assert.True(runs > 2, "no transaction was tried again");
        Assert.Equal([2, 2], await test.Database.QueryAsync<long>("SELECT total FROM account ORDER BY account_number", cancellationToken: Token));

        Task Run(long first, long second) => Task.Run(
            () => test.Database.WriteAsync(
                async transaction =>
                {
                    bool meet = Interlocked.Increment(ref runs) <= 2;
                    const string add = "UPDATE account SET total = total + 1 WHERE account_number = @Number";
                    await transaction.ExecuteAsync(add, new { Number = first });
                    if (meet)
                    {
                        bothHoldOne.Signal();
                        bothHoldOne.Wait(Token);
                    }

                    await transaction.ExecuteAsync(add, new { Number = second });
                },
                Token),
            Token);
    });

    [Fact]
    public async Task LostConnection_IsReplacedBeforeTheEnd_AndAnErrorAtCommit()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, Sample.Tables);
        int runs = 0;
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a"));
                if (runs++ == 0)
                {
                    await transaction.ExecuteAsync("SELECT pg_terminate_backend(pg_backend_pid())");
                }
            },
            Token);
        Assert.Equal(2, runs);

        await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                runs++;
                await Sample.InsertAsync(transaction, Sample.NewItem("b"));
                int backend = await transaction.GetAsync<int>("SELECT pg_backend_pid()");
                await test.Database.QueryAsync<bool>("SELECT pg_terminate_backend(@Backend)", new { Backend = backend }, Token);
            },
            Token));
        Assert.Equal(3, runs);
        Assert.Equal(["a"], await test.Database.QueryAsync<string>("SELECT name FROM item", cancellationToken: Token));
    }

    [Theory]
    [InlineData("off", false)]
    [InlineData("local", true)]
    public async Task PostgreSqlThatAnswersBeforeTheDisk_IsRefused(string synchronousCommit, bool isTaken)
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, Sample.Tables);
        await using var database = new Database(
            test.Options with { ConnectionString = $"{test.Options.ConnectionString};Options=-c synchronous_commit={synchronousCommit}" });
        Exception? refusal = await Record.ExceptionAsync(
            () => database.WriteAsync(transaction => Sample.InsertAsync(transaction, Sample.NewItem("a")), Token));
        Assert.Equal(isTaken, refusal is null);
        Assert.True(isTaken || refusal is InvalidOperationException && refusal.Message.Contains("synchronous_commit", StringComparison.Ordinal), $"{refusal}");
        Assert.Equal(isTaken ? 1 : 0, await Sample.CountAsync(test.Database, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ManyWritersOfOneRow_LoseNothing(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        await test.Database.WriteAsync(transaction => transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 0)"), Token);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(
            async () =>
            {
                for (int i = 0; i < 10; i++)
                {
                    await test.Database.WriteAsync(transaction => transaction.ExecuteAsync("UPDATE account SET total = total + 1 WHERE account_number = 1"), Token);
                }
            },
            Token)));
        Assert.Equal(320, await test.Database.FindAsync<long>("SELECT total FROM account", cancellationToken: Token));
    }

    [Fact]
    public async Task SqlServer_IsReachedOverTlsUnlessItsStringSaysOtherwise()
    {
        await using var asked = new Database(new DatabaseOptions { Kind = DatabaseKind.SqlServer, ConnectionString = "Server=db.example;Database=ca" });
        await using var told = new Database(new DatabaseOptions { Kind = DatabaseKind.SqlServer, ConnectionString = "Server=db.example;Database=ca;Encrypt=false" });
        Assert.Contains("Encrypt=True", asked.ConnectionString);
        Assert.Contains("Encrypt=False", told.ConnectionString);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, "")]
    [InlineData(DatabaseKind.Sqlite, "Data Source=:memory:")]
    [InlineData(DatabaseKind.Sqlite, "Data Source=file::memory:?cache=shared")]
    [InlineData(DatabaseKind.Sqlite, "Host=db.example")]
    [InlineData(DatabaseKind.PostgreSql, "Data Source=ca.db")]
    [InlineData(DatabaseKind.SqlServer, "Host=db.example")]
    [InlineData((DatabaseKind)7, "Host=db.example")]
    public void ConnectionStringOfAnother_IsRefused(DatabaseKind kind, string connectionString) =>
        Assert.ThrowsAny<ArgumentException>(() => new Database(new DatabaseOptions { Kind = kind, ConnectionString = connectionString }));

    /// <summary>SQLite has one writer: no deadlocks, and no unit is left in its middle.</summary>
    private static async Task OnServersAsync(Func<DatabaseKind, Task> test)
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await test(DatabaseKind.PostgreSql);
        if (TestDatabase.IsHere(DatabaseKind.SqlServer))
        {
            await test(DatabaseKind.SqlServer);
        }
    }
}
