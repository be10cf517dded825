using System.Data.Common;
using ZwCa.Data;

namespace ZwCa.Tests.Data;

public sealed class BulkInsertTests
{
    private static readonly string[] Columns = ["id", "name", "amount", "state", "active", "made_at", "content"];
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly TestRandom _random = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Rows_AreInserted(DatabaseKind kind)
    {
        foreach (int count in (int[])[0, 1, 10_000])
        {
            await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
            Item[] items = [.. Enumerable.Range(0, count).Select(i => Sample.NewItem($"名 {i:D5}") with
            {
                // The first row of a column may be the one without a value.
                Amount = i % 3 == 0 ? null : i,
                State = i % 4 == 0 ? null : ItemState.Draft,
                Active = i % 5 == 0 ? null : i % 2 == 0,
                MadeAt = i % 7 == 0 ? null : Time.AddSeconds(i),
                Content = i % 2 == 0 ? null : _random.Bytes(i % 100),
            })];
            await test.Database.WriteAsync(
                transaction => transaction.BulkInsertAsync(
                    "item",
                    Columns,
                    [.. items.Select(item => (object?[])[item.Id, item.Name, item.Amount, item.State, item.Active, item.MadeAt, item.Content])]),
                Token);
            IReadOnlyList<Item> back = await test.Database.QueryAsync<Item>("SELECT * FROM item ORDER BY name", cancellationToken: Token);
            Assert.Equal(count, back.Count);
            foreach ((Item item, Item there) in items.Zip(back))
            {
                Assert.Equal(item.Id, there.Id);
                Assert.Equal(item.Content, there.Content);
                Assert.Equal(item, there with { Id = item.Id, Content = item.Content });
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OneRefusedRow_NoneIsThere(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        object?[][] rows = [.. Enumerable.Range(0, 100).Select(i => (object?[])[_random.Bytes(16), i == 77 ? "76" : $"{i}"])];
        DbException refusal = await Assert.ThrowsAnyAsync<DbException>(
            () => test.Database.WriteAsync(transaction => transaction.BulkInsertAsync("item", ["id", "name"], rows), Token));
        Assert.True(test.Database.Dialect.IsUniqueViolation(refusal));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AfterARefusedRow_TheSameStatementInsertsOthers(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        string[] columns = ["id", "name", "content"];
        await Assert.ThrowsAnyAsync<DbException>(() => test.Database.WriteAsync(
            transaction => transaction.BulkInsertAsync("item", columns, [[_random.Bytes(16), "一", _random.Bytes(9)], [_random.Bytes(16), "一", _random.Bytes(9)]]), Token));
        await test.Database.WriteAsync(transaction => transaction.BulkInsertAsync("item", columns, [[_random.Bytes(16), "一", _random.Bytes(9)], [_random.Bytes(16), "二", null]]), Token);
        IReadOnlyList<Item> back = await test.Database.QueryAsync<Item>("SELECT * FROM item", cancellationToken: Token);
        Assert.Equal(["一", "二"], back.Select(item => item.Name).Order(StringComparer.Ordinal));
        Assert.Null(back.Single(item => item.Name == "二").Content);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TypeThatNoColumnHolds_IsRefused(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, Sample.Tables);
        await Assert.ThrowsAsync<ArgumentException>(
            () => test.Database.WriteAsync(transaction => transaction.BulkInsertAsync("item", ["id", "name"], [[new byte[16], 1.5]]), Token));
        Assert.Equal(0, await Sample.CountAsync(test.Database, Token));
    }
}
