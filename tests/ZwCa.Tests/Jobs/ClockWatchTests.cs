using ZwCa.Data;
using ZwCa.Jobs;
using ZwCa.Tests.Ca.Crls;

namespace ZwCa.Tests.Jobs;

/// <summary>Clocks that are set, machines that are paused, and what the database's clock says of it.</summary>
public sealed class ClockWatchTests
{
    private static readonly TimeSpan Much = TimeSpan.FromMinutes(3);

    private readonly MovedTime _clock = new();
    private TimeSpan _databaseIsAhead;

    public static TheoryData<DatabaseKind> Kinds => TestDatabase.Kinds;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private DatabaseClock Witness => new(_ => Task.FromResult(TimeProvider.System.GetUtcNow() + _databaseIsAhead));

    /// <summary>The processor counts nothing meanwhile, and when it goes on somebody sets the clock right.</summary>
    [Fact]
    public async Task PausedMachine_IsBelievedAgain_WhenTheDatabaseSaysTheSame()
    {
        var watch = new ClockWatch(_clock, Witness);
        for (int pause = 0; pause < 3; pause++)
        {
            _clock.Set(Much);
            _databaseIsAhead += Much;
            Assert.Contains("was set forward by", watch.FindFault(), StringComparison.Ordinal);
            await watch.RefreshAsync(Token);
            Assert.Null(watch.FindFault());
        }

        // And is watched on from there.
        _clock.Set(-Much);
        Assert.Contains("was set back by", watch.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyShortPauses_DoNotSumUp()
    {
        var watch = new ClockWatch(_clock, Witness);
        for (int pause = 0; pause < 10; pause++)
        {
            _clock.Set(TimeSpan.FromSeconds(20));
            _databaseIsAhead += TimeSpan.FromSeconds(20);
            await watch.RefreshAsync(Token);
            Assert.Null(watch.FindFault());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task ServiceThatWasStartedWithAWrongClock_FindsItOut_UntilItIsRight(int sign)
    {
        _clock.Set(sign * Much);
        var watch = new ClockWatch(_clock, Witness);
        Assert.Null(watch.FindFault());
        await watch.RefreshAsync(Token);
        Assert.Contains("by the clock of the database: one of them is wrong", watch.FindFault(), StringComparison.Ordinal);

        _clock.Set(-sign * Much);
        await watch.RefreshAsync(Token);
        Assert.Null(watch.FindFault());
    }

    [Fact]
    public async Task ALittle_IsNoFault()
    {
        _clock.Set(TimeSpan.FromSeconds(50));
        var watch = new ClockWatch(_clock, Witness);
        await watch.RefreshAsync(Token);
        Assert.Null(watch.FindFault());
    }

    /// <summary>Whoever sets the clock does not get the database to vouch for it by an answer that took so long that it fits everything.</summary>
    [Fact]
    public async Task AnswerThatTookLong_SaysNothing()
    {
        var watch = new ClockWatch(_clock, new DatabaseClock(_ =>
        {
            _clock.Set(Much);
            return Task.FromResult(TimeProvider.System.GetUtcNow());
        }));
        await watch.RefreshAsync(Token);
        Assert.Contains("was set forward", watch.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DatabaseThatIsAway_ChangesNothing()
    {
        bool isAway = false;
        var watch = new ClockWatch(_clock, new DatabaseClock(_ => isAway ? throw new InvalidOperationException("It is away.") : Task.FromResult(TimeProvider.System.GetUtcNow())));
        _clock.Set(Much);
        await watch.RefreshAsync(Token);
        string? fault = watch.FindFault();
        Assert.NotNull(fault);
        isAway = true;
        _clock.Pass(ClockWatch.AskEvery);
        await Assert.ThrowsAsync<InvalidOperationException>(() => watch.RefreshAsync(Token));
        Assert.Equal(fault, watch.FindFault());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task RealDatabase_IsAWitnessWhereItIsAServer(DatabaseKind kind)
    {
        await using TestDatabase test = await TestDatabase.CreateAsync(kind, MigrationSet.Data);
        var witness = DatabaseClock.Of(test.Database);
        DateTimeOffset? said = await witness.AskAsync(Token);
        Assert.Equal(kind != DatabaseKind.Sqlite, said is not null);
        Assert.True(said is null || (said.Value - DateTimeOffset.UtcNow).Duration() < ClockWatch.Tolerance, $"{said}");

        // Without one, what was set stays set.
        var watch = new ClockWatch(_clock, witness);
        _clock.Set(Much);
        await watch.RefreshAsync(Token);
        Assert.Contains(kind == DatabaseKind.Sqlite ? "was set forward" : "by the clock of the database", watch.FindFault(), StringComparison.Ordinal);
    }
}
