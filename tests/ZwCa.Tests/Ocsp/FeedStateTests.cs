using ZwCa.Ocsp.Feed;

namespace ZwCa.Tests.Ocsp;

/// <summary>Nodes of the CA whose clocks are apart, and a clock of ours that jumps: what the CA was heard to say, and how long ago.</summary>
public sealed class FeedStateTests
{
    private readonly Clock _clock = new();

    private DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>The node of the CA that was ahead is gone, and the others go on.</summary>
    [Fact]
    public void AHeartbeatFromTheFuture_IsAsOfNow_AndRightOnesThatFollowCount()
    {
        var state = new FeedState(_clock);
        state.Complete(Now.AddMinutes(4));
        Assert.Equal(Now, state.CompleteAt);

        for (int i = 0; i < 6; i++)
        {
            _clock.Pass(TimeSpan.FromSeconds(10));
            state.Complete(Now);
            Assert.Equal((Now, TimeSpan.Zero), (state.CompleteAt, state.Age));
        }
    }

    /// <summary>Between right ones: it says nothing new, and takes nothing back.</summary>
    [Fact]
    public void AHeartbeatOfAClockThatIsBehind_TakesNothingBack()
    {
        var state = new FeedState(_clock);
        state.Complete(Now);
        DateTimeOffset at = Now;
        _clock.Pass(TimeSpan.FromSeconds(10));
        state.Complete(Now.AddMinutes(-4));
        Assert.Equal((at, TimeSpan.FromSeconds(10)), (state.CompleteAt, state.Age));
    }

    [Fact]
    public void AfterOurClockWasSetBack_TheCaIsHeardAllTheSame_AndNothingIsAsOfAMomentToCome()
    {
        var state = new FeedState(_clock);
        state.Complete(Now);
        _clock.SetBack(TimeSpan.FromMinutes(4));
        for (int i = 0; i < 6; i++)
        {
            _clock.Pass(TimeSpan.FromSeconds(10));
            state.Complete(Now.AddMinutes(4));
            Assert.Equal((Now, TimeSpan.Zero), (state.CompleteAt, state.Age));
        }
    }

    /// <summary>A year ahead, with the CA's: whoever has put both right does not wait for a year.</summary>
    [Fact]
    public void AfterBothClocksWereAhead_RightHeartbeatsCount()
    {
        var state = new FeedState(_clock);
        state.Complete(Now);
        _clock.SetBack(TimeSpan.FromDays(365));
        _clock.Pass(TimeSpan.FromSeconds(10));
        state.Complete(Now);
        Assert.Equal((Now, TimeSpan.Zero), (state.CompleteAt, state.Age));
    }

    /// <summary>Whoever withholds the feed has them, and sets our clock back as well.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-400)]
    public void AHeartbeatThatWasHeard_OrIsOld_IsNoSignOfTheCa(int seconds)
    {
        var state = new FeedState(_clock);
        DateTimeOffset at = Now;
        state.Complete(at);
        _clock.Pass(TimeSpan.FromSeconds(60));
        _clock.SetBack(TimeSpan.FromSeconds(50));
        state.Complete(at.AddSeconds(seconds));
        Assert.Equal((at, TimeSpan.FromSeconds(60)), (state.CompleteAt, state.Age));
    }

    /// <summary>What the clock says, and the time that passes in truth.</summary>
    private sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => _now;

        public override long GetTimestamp() => _ticks;

        public void Pass(TimeSpan time) => (_now, _ticks) = (_now + time, _ticks + time.Ticks);

        public void SetBack(TimeSpan by) => _now -= by;
    }
}
