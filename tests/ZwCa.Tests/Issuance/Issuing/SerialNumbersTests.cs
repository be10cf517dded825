using System.Collections.Concurrent;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Issuing;

/// <summary>Incident 1: 63 random bits where 64 were promised, and millions of certificates revoked.</summary>
public class SerialNumbersTests
{
    [Fact]
    public void EveryOne_HasSixteenOctetsAndIsPositive()
    {
        for (int i = 0; i < 1000; i++)
        {
            ReadOnlySpan<byte> content = SerialNumbers.Create().Content;
            Assert.Equal(16, content.Length);
            Assert.Equal(0x40, content[0] & 0xc0);
        }
    }

    /// <summary>Each of the other 126 bits is set in about half of them: 5,000 ± 6 standard deviations of 50.</summary>
    [Fact]
    public void TheOtherBits_AreRandom()
    {
        int[] set = new int[128];
        for (int i = 0; i < 10_000; i++)
        {
            ReadOnlySpan<byte> content = SerialNumbers.Create().Content;
            for (int bit = 0; bit < 128; bit++)
            {
                set[bit] += (content[bit / 8] >> (7 - (bit % 8))) & 1;
            }
        }

        Assert.Equal([0, 10_000], set[..2]);
        Assert.All(set[2..], count => Assert.InRange(count, 4700, 5300));
    }

    [Fact]
    public void ParallelIssuers_MakeNoneTwice()
    {
        var seen = new ConcurrentDictionary<SerialNumber, bool>();
        Parallel.For(0, 100_000, _ => Assert.True(seen.TryAdd(SerialNumbers.Create(), true)));
    }

    [Fact]
    public void Shards_AreChosenByTheNumberAlone_AndEvenly()
    {
        var counts = new ConcurrentDictionary<string, int>();
        for (int i = 0; i < 32_000; i++)
        {
            SerialNumber serialNumber = SerialNumbers.Create();
            string shard = UrlTemplate.ShardName(serialNumber, 32);
            Assert.Equal(shard, UrlTemplate.ShardName(SerialNumber.Parse(serialNumber.ToString()), 32));
            counts.AddOrUpdate(shard, 1, (_, count) => count + 1);
        }

        Assert.Equal(Enumerable.Range(0, 32).Select(number => $"32-{number}").Order(StringComparer.Ordinal), counts.Keys.Order(StringComparer.Ordinal));
        Assert.All(counts.Values, count => Assert.InRange(count, 800, 1200));
        Assert.Equal("all", UrlTemplate.ShardName(SerialNumbers.Create(), 1));
    }

    /// <summary>What stands in certificates cannot be changed: the function is fixed for good.</summary>
    [Theory]
    [InlineData("4a000000000000000000000000000000", 32, "32-0")]
    [InlineData("4a0000000000000000000000000000ff", 32, "32-31")]
    [InlineData("4affffffffffffffffffffffffffffff", 10, "10-5")]
    [InlineData("4a00000000000000000000000000012c", 256, "256-44")]
    [InlineData("07", 4, "4-3")]
    public void AShard_IsTheLastFourOctetsModuloTheirCount(string serialNumber, int count, string shard) =>
        Assert.Equal(shard, UrlTemplate.ShardName(SerialNumber.Parse(serialNumber), count));
}
