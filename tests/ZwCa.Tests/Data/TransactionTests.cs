using System.Data.Common;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>What a statement may count on, on each database.</summary>
public sealed class TransactionTests
{
    private static readonly DateTimeOffset Time = new(2026, 2, 28, 23, 59, 59, 123, TimeSpan.FromHours(8));

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task EveryType_ComesBackAsItWentIn(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item full = Sample.NewItem("张三 李四 𠮷 ß 'quoted' @x") with
        {
            Amount = long.MinValue, State = ItemState.Landed, Active = true, MadeAt = Time, Content = _random.Bytes(100_000),
        };
        Item empty = Sample.NewItem("") with { Active = false, Content = [] };
        Item nothing = Sample.NewItem("没有");
        foreach (Item item in (Item[])[full, empty, nothing])
        {
            await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, item), Token);
            Item? back = await test.Database.FindAsync<Item>("SELECT * FROM item WHERE id = @Id", new { item.Id }, Token);
            Assert.Equal(item.Id, back!.Id);
            Assert.Equal(item.Content, back.Content);
            Assert.Equal(item, back with { Id = item.Id, Content = item.Content });
        }

        Whole whole = await test.Database.WriteAsync(
            transaction => transaction.GetAsync<Whole>(
                "SELECT 7 AS amount, state, active, made_at FROM item WHERE active = @Active AND state = @State AND made_at = @MadeAt AND name = @Name",
                new { full.Active, State = ItemState.Landed, full.MadeAt, full.Name }),
            Token);
        Assert.Equal(new Whole { Amount = 7, State = ItemState.Landed, Active = true, MadeAt = Time }, whole);
        Assert.Equal(TimeSpan.Zero, whole.MadeAt.Offset);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SingleValue_IsRead(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item item = Sample.NewItem("a") with { Amount = 5, State = ItemState.Draft, Active = true, MadeAt = Time };
        await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, item), Token);
        await test.Database.ReadAsync(
            async transaction =>
            {
                Assert.Equal(5, await transaction.GetAsync<long>("SELECT amount FROM item"));
                Assert.Equal(1, await transaction.GetAsync<int>("SELECT COUNT(*) FROM item"));
                Assert.Equal(ItemState.Draft, await transaction.GetAsync<ItemState>("SELECT state FROM item"));
                Assert.True(await transaction.GetAsync<bool>("SELECT active FROM item"));
                Assert.Equal(Time, await transaction.GetAsync<DateTimeOffset>("SELECT made_at FROM item"));
                Assert.Equal(item.Id, await transaction.GetAsync<byte[]>("SELECT id FROM item"));
                Assert.Null(await transaction.FindAsync<string>("SELECT name FROM item WHERE amount = 6"));
                Assert.Null(await transaction.FindAsync<long?>("SELECT amount FROM item WHERE amount = 6"));
                Assert.Null(await transaction.FindAsync<DateTimeOffset?>("SELECT made_at FROM item WHERE amount = 6"));
                Assert.Equal(0, await transaction.FindAsync<long>("SELECT amount FROM item WHERE amount = 6"));
                Assert.Empty(await transaction.QueryAsync<string>("SELECT name FROM item WHERE amount = 6"));
                await Assert.ThrowsAsync<InvalidOperationException>(() => transaction.GetAsync<long>("SELECT amount FROM item WHERE amount = 6"));
                return true;
            },
            Token);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ConditionalUpdate_SaysWhetherItWon(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item item = Sample.NewItem("a") with { State = ItemState.Draft };
        await test.Database.WriteAsync(transaction => Sample.InsertAsync(transaction, item), Token);
        int[] won = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => test.Database.WriteAsync(
                transaction => transaction.ExecuteAsync(
                    "UPDATE item SET state = @To WHERE id = @Id AND state = @From", new { item.Id, From = ItemState.Draft, To = ItemState.Landed }),
                Token))));
        Assert.Equal(1, won.Sum());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RowThatIsThere_TheTransactionGoesOn(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item first = Sample.NewItem("a"), sameName = Sample.NewItem("a"), second = Sample.NewItem("b");
        const string insert = "INSERT INTO item (id, name) VALUES (@Id, @Name)";
        await test.Database.WriteAsync(
            async transaction =>
            {
                Assert.True(await transaction.TryInsertAsync(insert, first));
                Assert.False(await transaction.TryInsertAsync(insert, first));
                Assert.False(await transaction.TryInsertAsync(insert, sameName));
                Assert.True(await transaction.TryInsertAsync(insert, second));
                Assert.Equal(1, await transaction.ExecuteAsync("UPDATE item SET amount = 1 WHERE id = @Id", first));
            },
            Token);
        Assert.Equal(["a", "b"], await test.Database.QueryAsync<string>("SELECT name FROM item ORDER BY name", cancellationToken: Token));
        Assert.Equal(1, await test.Database.FindAsync<long>("SELECT SUM(amount) FROM item", cancellationToken: Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RowThatWouldBecomeAnother_TheTransactionGoesOn(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item first = Sample.NewItem("a"), second = Sample.NewItem("b");
        const string rename = "UPDATE item SET name = @To, amount = 1 WHERE name = @From";
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, first);
                await Sample.InsertAsync(transaction, second);
                Assert.Null(await transaction.TryUpdateAsync(rename, new { From = "b", To = "a" }));
                Assert.Equal(0, await transaction.TryUpdateAsync(rename, new { From = "c", To = "a" }));
                Assert.Equal(1, await transaction.TryUpdateAsync(rename, new { From = "b", To = "c" }));
            },
            Token);
        Assert.Equal(["a", "c"], await test.Database.QueryAsync<string>("SELECT name FROM item ORDER BY name", cancellationToken: Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TryInsert_AnotherRefusal_IsThrown(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        DbException missing = await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
            transaction => transaction.TryInsertAsync("INSERT INTO item (id, name) VALUES (@Id, @Name)", new { Id = new byte[16], Name = (string?)null }), Token));
        Assert.False(test.Database.Dialect.IsUniqueViolation(missing));
        DbException orphan = await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
            transaction => transaction.TryInsertAsync("INSERT INTO note (note_number, item_id) VALUES (1, @Id)", new { Id = new byte[16] }), Token));
        Assert.False(test.Database.Dialect.IsUniqueViolation(orphan));
    }

    /// <summary>PostgreSQL answers such a COMMIT with a rollback, and no error.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task FailureThatIsSwallowed_IsNotAnsweredAsDone(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item item = Sample.NewItem("a");
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, item);
                await Assert.ThrowsAnyAsync<DbException>(() => Sample.InsertAsync(transaction, item));
            },
            Token));
        Assert.Contains("TryInsertAsync", refusal.Message);
        Assert.IsType<DbException>(refusal.InnerException, exactMatch: false);
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    /// <summary>A full disk may end the transaction on SQLite: what came after it would stay.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AfterAFailedStatement_NothingIsRun(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        long pages = kind == DatabaseKind.Sqlite ? await test.Database.FindAsync<long>("PRAGMA page_count", cancellationToken: Token) : 0;
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                if (kind == DatabaseKind.Sqlite)
                {
                    await transaction.GetAsync<long>($"PRAGMA max_page_count = {pages + 60}");
                    await Assert.ThrowsAnyAsync<DbException>(() => FillAsync(transaction));
                }
                else
                {
                    await Assert.ThrowsAnyAsync<DbException>(() => transaction.ExecuteAsync("INSERT INTO item (id) VALUES (@Id)", new { Id = new byte[16] }));
                }

                await transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 1)");
            },
            Token));
        Assert.Contains("TryInsertAsync", refusal.Message);
        Assert.Equal(0, await test.Database.FindAsync<long>("SELECT COUNT(*) FROM account", cancellationToken: Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));

        async Task FillAsync(Transaction transaction)
        {
            for (int i = 0; i < 1000; i++)
            {
                await Sample.InsertAsync(transaction, Sample.NewItem($"{i}") with { Content = _random.Bytes(20_000) });
            }
        }
    }

    /// <summary>PostgreSQL gives up the transaction after a cancelled statement too.</summary>
    [Fact]
    public async Task CancellationThatIsSwallowed_IsNotAnsweredAsDone()
    {
        Requires.Condition(TestDatabase.IsHere(DatabaseKind.PostgreSql), "a PostgreSQL (ZWCA_TEST_POSTGRES)");
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, Sample.Tables);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a"));
                source.CancelAfter(100);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transaction.ExecuteAsync("SELECT pg_sleep(60)"));
            },
            source.Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task UnitThatThrows_LeavesNothing(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        await Assert.ThrowsAsync<TimeoutException>(() => test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a"));
                throw new TimeoutException();
            },
            Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AfterItsEnd_NothingWorks(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Transaction? written = null, read = null;
        await test.Database.WriteAsync(
            transaction =>
            {
                written = transaction;
                return Task.CompletedTask;
            },
            Token);
        await test.Database.ReadAsync(transaction => Task.FromResult(read = transaction), Token);
        foreach (Transaction ended in (Transaction[])[written!, read!])
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.ExecuteAsync("SELECT 1"));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.TryInsertAsync("SELECT 1"));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.FindAsync<long>("SELECT 1"));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.GetAsync<long>("SELECT 1"));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.QueryAsync<long>("SELECT 1"));
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ended.BulkInsertAsync("item", ["id"], [[new byte[16]]]));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Keys_AreInTheOrderOfTheirCode_AndPagesMeet(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        string[] names = ["Z", "a", "_", "10", "9", "é", "z", "中", "丁", "A", "-", "aa", "a b", ""];
        await test.Database.WriteAsync(
            async transaction =>
            {
                foreach (string name in names)
                {
                    await Sample.InsertAsync(transaction, Sample.NewItem(name));
                }
            },
            Token);
        var seen = new List<string>();
        for (string? last = null; seen.Count < names.Length; last = seen[^1])
        {
            IReadOnlyList<string> page = await test.Database.QueryAsync<string>(
                $"SELECT name FROM item WHERE name > @Last OR @First = 1 ORDER BY name {test.Database.Dialect.Limit(5)}",
                new { Last = last ?? "", First = last is null },
                Token);
            Assert.InRange(page.Count, 1, 5);
            seen.AddRange(page);
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), seen);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task InsertOnlyTable_RefusesChanges(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item item = Sample.NewItem("a");
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, item);
                await transaction.ExecuteAsync("INSERT INTO note (note_number, item_id, words) VALUES (1, @Id, 'so')", item);
            },
            Token);
        string[] changes =
        [
            "UPDATE note SET words = 'not so'", "UPDATE note SET words = words WHERE note_number = 1", "DELETE FROM note", "DELETE FROM note WHERE note_number = 1",
            .. kind == DatabaseKind.PostgreSql ? ["TRUNCATE note", "TRUNCATE item CASCADE"] : Array.Empty<string>(),
            .. kind == DatabaseKind.Sqlite ? ["REPLACE INTO note (note_number, item_id, words) SELECT note_number, item_id, 'not so' FROM note"] : Array.Empty<string>(),
        ];
        foreach (string change in changes)
        {
            DbException refusal = await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(transaction => transaction.ExecuteAsync(change), Token));
            Assert.Contains("insert-only", refusal.Message);
        }

        Assert.Equal("so", await test.Database.FindAsync<string>("SELECT words FROM note", cancellationToken: Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ForeignKey_IsEnforced(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        Item item = Sample.NewItem("a");
        await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
            transaction => transaction.ExecuteAsync("INSERT INTO note (note_number, item_id) VALUES (1, @Id)", item), Token));
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, item);
                await transaction.ExecuteAsync("INSERT INTO note (note_number, item_id) VALUES (1, @Id)", item);
            },
            Token);
        await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(transaction => transaction.ExecuteAsync("DELETE FROM item"), Token));
    }
}
