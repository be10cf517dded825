using ZwCa.Data;

namespace ZwCa.Tests.Data;

/// <summary>A statement that is prepared once says what a fresh one would.</summary>
public sealed class SqliteStatementsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StatementUsedAgain_HasNothingOfBefore()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await test.Database.WriteAsync(
            async transaction =>
            {
                await Sample.InsertAsync(transaction, Sample.NewItem("a") with { Amount = 1, Content = [1, 2] });
                await Sample.InsertAsync(transaction, Sample.NewItem("b"));
                Assert.Equal(1, await transaction.GetAsync<long>("SELECT COUNT(*) FROM item WHERE amount IS NULL AND content IS NULL"));

                // Dapper makes as many parameters of a list as it has members.
                const string list = "SELECT COUNT(*) FROM item WHERE name IN @Names";
                Assert.Equal(1, await transaction.GetAsync<long>(list, new { Names = (string[])["a"] }));
                Assert.Equal(2, await transaction.GetAsync<long>(list, new { Names = (string[])["a", "b", "c"] }));
                Assert.Equal(1, await transaction.GetAsync<long>(list, new { Names = (string[])["b"] }));

                // One that is refused.
                Assert.False(await transaction.TryInsertAsync("INSERT INTO item (id, name) VALUES (@Id, @Name)", new { Id = new byte[1], Name = "a" }));
                Assert.True(await transaction.TryInsertAsync("INSERT INTO item (id, name) VALUES (@Id, @Name)", new { Id = new byte[1], Name = "c" }));
            },
            Token);
    }

    [Fact]
    public async Task ChangedTable_IsSeen()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        for (int columns = 2; columns < 5; columns++)
        {
            await test.Database.WriteAsync(
                async transaction =>
                {
                    await transaction.ExecuteAsync("DELETE FROM account");
                    await transaction.ExecuteAsync("INSERT INTO account (account_number, total) VALUES (1, 2)");
                    Assert.Equal(columns, ((IDictionary<string, object>)await transaction.GetAsync<dynamic>("SELECT * FROM account")).Count);
                    await transaction.ExecuteAsync($"ALTER TABLE account ADD more{columns} bigint");
                },
                Token);
        }
    }

    [Fact]
    public async Task MoreTextsThanAreKept_StillWork()
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, Sample.Tables);
        await test.Database.WriteAsync(
            async transaction =>
            {
                for (long i = 0; i < 2000; i++)
                {
                    Assert.Equal(i % 700, await transaction.GetAsync<long>($"SELECT {i % 700}"));
                }
            },
            Token);
    }
}
