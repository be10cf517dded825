using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Tests.Asn1.Custody;

namespace ZwCa.Tests.Asn1.Feed;

public sealed class FeedStatementTests
{
    [Fact]
    public void OnlyTheKeyThatItNames_HasSignedIt()
    {
        TbsFeedStatement tbs = FeedSamples.Tbs(FeedStatementKind.Heartbeat, 3);
        Assert.True(FeedSamples.Sign(tbs, 1).IsSignedBy(CustodySamples.PublicKey(1)));
        Assert.False(FeedSamples.Sign(tbs, 2).IsSignedBy(CustodySamples.PublicKey(1)));
        Assert.False(FeedSamples.Sign(tbs, 2).IsSignedBy(CustodySamples.PublicKey(2)));
    }

    [Theory]
    [InlineData(FeedStatementKind.Segment, 0, 1)]
    [InlineData(FeedStatementKind.Segment, 1, 0)]
    [InlineData(FeedStatementKind.Segment, 1, 2)]
    [InlineData(FeedStatementKind.Heartbeat, 1, 1)]
    [InlineData(FeedStatementKind.Snapshot, 1, 0)]
    public void ContentsAreAsTheKindHasThem(FeedStatementKind kind, long number, int contents) =>
        Assert.Throws<ArgumentException>(() => FeedSamples.Tbs(kind, number, [.. Enumerable.Repeat<ReadOnlyMemory<byte>>(new byte[32], contents)]));

    /// <summary>The identifier in front is signed: one kind cannot be taken for another.</summary>
    [Fact]
    public void AHeartbeat_IsNoSnapshot()
    {
        byte[] bytes = Der.Encode(FeedSamples.Tbs(FeedStatementKind.Heartbeat, 3));
        Assert.Equal(FeedStatementKind.Heartbeat, Der.Decode<TbsFeedStatement>(bytes).Kind);
        int last = 4 + bytes[3];
        while (bytes[last] != 2)
        {
            last--;
        }

        bytes[last] = 3;
        Assert.Throws<DerException>(() => Der.Decode<TbsFeedStatement>(bytes));
    }
}
