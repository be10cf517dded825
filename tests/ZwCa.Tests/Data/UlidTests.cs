using ZwCa.Data;

namespace ZwCa.Tests.Data;

public sealed class UlidTests
{
    [Fact]
    public void Time_IsInFront()
    {
        DateTimeOffset time = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        byte[] first = Ulid.Create(time), second = Ulid.Create(time), later = Ulid.Create(time.AddMilliseconds(1));
        Assert.Equal(time, Ulid.TimeOf(first));
        Assert.Equal(first[..6], second[..6]);
        Assert.NotEqual(first, second);
        Assert.True(later.AsSpan().SequenceCompareTo(first) > 0);
        Assert.Equal(DateTimeOffset.UnixEpoch, Ulid.TimeOf(Ulid.Create(DateTimeOffset.UnixEpoch)));
        Assert.Equal(Truncated(DateTimeOffset.MaxValue), Ulid.TimeOf(Ulid.Create(DateTimeOffset.MaxValue)));
    }

    [Fact]
    public void WhatIsMadeInOneMillisecond_IsInOrder()
    {
        // A sequence of its own: other tests make identifiers of other times meanwhile.
        var sequence = new Ulid.Sequence();
        DateTimeOffset time = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        byte[][] ids = [.. Enumerable.Range(0, 1000).Select(_ => sequence.Next(time))];
        Assert.All(ids.Zip(ids.Skip(1)), pair => Assert.True(pair.First.AsSpan().SequenceCompareTo(pair.Second) < 0));
        Assert.True(Ulid.FirstOf(time).AsSpan().SequenceCompareTo(ids[0]) < 0);
        Assert.True(Ulid.FirstOf(time.AddMilliseconds(1)).AsSpan().SequenceCompareTo(ids[^1]) > 0);
    }

    [Fact]
    public void WhatIsMadeOfTwoMillisecondsInTurn_IsInOrderOfEach()
    {
        DateTimeOffset time = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
        var sequence = new Ulid.Sequence();
        byte[][] ids = [.. Enumerable.Range(0, 1000).Select(i => sequence.Next(time.AddMilliseconds(i % 2)))];
        Assert.All(ids.Zip(ids.Skip(2)), pair => Assert.True(pair.First.AsSpan().SequenceCompareTo(pair.Second) < 0));
    }

    [Fact]
    public void NoUlid_IsRefused() => Assert.Throws<ArgumentException>(() => Ulid.TimeOf(new byte[15]));

    private static DateTimeOffset Truncated(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());
}
