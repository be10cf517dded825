using ZwCa.Data;

namespace ZwCa.Tests.Data;

public sealed class LeaseTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly Lease One = new("publish-crl", "one", TimeSpan.FromSeconds(30));
    private static readonly Lease Two = One with { Holder = "two" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task OneHolderAtATime_UntilItExpiresOrIsGivenBack(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data);
        Assert.True(await TakeAsync(One, 0));
        Assert.False(await TakeAsync(Two, 1_000));
        Assert.True(await TakeAsync(Two with { Name = "other" }, 1_000));
        Assert.True(await TakeAsync(One, 20_000));
        Assert.False(await TakeAsync(Two, 31_000));
        Assert.False(await TakeAsync(Two, 50_000));
        Assert.True(await TakeAsync(Two, 50_001));
        Assert.False(await TakeAsync(One, 51_000));

        // Another's is not given back.
        await test.Database.WriteAsync(One.ReleaseAsync, Token);
        Assert.False(await TakeAsync(One, 51_000));
        await test.Database.WriteAsync(Two.ReleaseAsync, Token);
        Assert.True(await TakeAsync(One, 51_000));

        Task<bool> TakeAsync(Lease lease, int milliseconds) =>
            test.Database.WriteAsync(transaction => lease.TakeAsync(transaction, Start.AddMilliseconds(milliseconds)), Token);
    }

    /// <summary>A node whose clock was wrong has died with it.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task LeaseThatWasTakenAYearAhead_IsFree_AndOneOfAClockThatIsAheadALittleIsNot(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data);
        Assert.True(await TakeAsync(One, TimeSpan.FromSeconds(30)));
        Assert.False(await TakeAsync(Two, TimeSpan.Zero));

        Assert.True(await TakeAsync(One, TimeSpan.FromDays(365)));
        Assert.True(await TakeAsync(Two, TimeSpan.FromSeconds(1)));
        Assert.False(await TakeAsync(One, TimeSpan.FromSeconds(2)));

        Task<bool> TakeAsync(Lease lease, TimeSpan after) => test.Database.WriteAsync(transaction => lease.TakeAsync(transaction, Start + after), Token);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WorkOfWhoHasLostTheLease_IsNotKept(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data, Sample.Tables);
        Assert.True(await WorkAsync(One, Start));
        Assert.True(await WorkAsync(Two, Start.AddSeconds(31)));
        Assert.False(await WorkAsync(One, Start.AddSeconds(32)));
        Assert.Equal(2, await Sample.CountAsync(test.Database, Token));

        Task<bool> WorkAsync(Lease lease, DateTimeOffset now) => test.Database.WriteAsync(
            async transaction =>
            {
                if (!await lease.TakeAsync(transaction, now))
                {
                    return false;
                }

                await Sample.InsertAsync(transaction, Sample.NewItem($"{lease.Holder} {now}"));
                return true;
            },
            Token);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NodesRacing_OneGetsIt(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data);

        // On SQLite two connections of one machine; elsewhere two nodes.
        await using var second = new Database(test.Options);
        for (int round = 0; round < 50; round++)
        {
            // The first round inserts the row, the others take it from who has died.
            DateTimeOffset now = Start.AddMinutes(round);
            bool[] taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(
                () => (i % 2 == 0 ? test.Database : second).WriteAsync(transaction => (One with { Holder = $"node {round} {i}" }).TakeAsync(transaction, now), Token))));
            Assert.Equal(1, taken.Count(each => each));
        }
    }
}
