using System.Net;
using ZwCa.Ra.Tracking;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Ra.Tracking;

public sealed class TrackingBucketsTests
{
    private readonly ManualClock _clock = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Fact]
    public void ANetwork_AsksThirtyTimesAMinute_AndOthersMayMeanwhile()
    {
        var buckets = new TrackingBuckets(new Ticking(_clock));
        var visitor = IPAddress.Parse("192.0.2.1");
        Assert.Equal(30, Enumerable.Range(0, 100).Count(_ => buckets.TryTake(visitor)));

        // Of IPv4 a /24, whether it comes as IPv6 or not; of IPv6 a /56.
        Assert.False(buckets.TryTake(IPAddress.Parse("192.0.2.250")));
        Assert.False(buckets.TryTake(IPAddress.Parse("::ffff:192.0.2.7")));
        Assert.True(buckets.TryTake(IPAddress.Parse("192.0.3.1")));
        Assert.Equal(30, Enumerable.Range(0, 100).Count(i => buckets.TryTake(IPAddress.Parse($"2001:db8:0:a{i:x2}::{i:x}"))));
        Assert.True(buckets.TryTake(IPAddress.Parse("2001:db8:0:b00::1")));

        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(5, Enumerable.Range(0, 100).Count(_ => buckets.TryTake(visitor)));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(30, Enumerable.Range(0, 100).Count(_ => buckets.TryTake(visitor)));
    }

    [Fact]
    public void WhoGuesses_WaitsTwiceAsLong()
    {
        var buckets = new TrackingBuckets(new Ticking(_clock));
        var visitor = IPAddress.Parse("192.0.2.1");
        int asked = 0;
        while (buckets.TryTake(visitor))
        {
            buckets.TakeForWrong(visitor);
            asked++;
        }

        Assert.Equal(15, asked);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(buckets.TryTake(visitor));
        buckets.TakeForWrong(visitor);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.False(buckets.TryTake(visitor));
    }

    [Fact]
    public void SoManyNetworks_AndNoMore_HaveABucketOfTheirOwn()
    {
        var buckets = new TrackingBuckets(new Ticking(_clock), mostNetworks: 4);
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(buckets.TryTake(IPAddress.Parse($"10.0.{i}.1"))));
        Assert.Equal(30, Enumerable.Range(4, 100).Count(i => buckets.TryTake(IPAddress.Parse($"10.0.{i}.1"))));
        Assert.Equal(4, buckets.Count);

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(buckets.TryTake(IPAddress.Parse("10.1.0.1")));
        Assert.Equal(1, buckets.Count);
    }

    /// <summary>Time stamps that follow the clock.</summary>
    private sealed class Ticking(ManualClock clock) : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => clock.GetUtcNow().UtcTicks;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();
    }
}
