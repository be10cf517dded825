using System.Numerics;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Keys;

/// <summary>The shipped table leads to all keys of its size.</summary>
public class DebianTableTests
{
    private const int Bits = 2048;

    /// <summary>Leads to such a process.</summary>
    private const int StateEndsWithARequest = 960_676_054;

    /// <summary>What docs/KEYS.md says.</summary>
    private const int Processes = 32_768;

    [Fact]
    public void TableIsWhatWeCompute()
    {
        var random = new TestRandom();
        uint[] table = DebianKeys.Load(Bits);

        Assert.Equal(Processes * DebianOrigin.Variants, table.Length);
        for (int i = 0; i < (TestRandom.Long ? 500 : 3); i++)
        {
            int place = random.Next(table.Length);
            BigInteger weak = DebianKeyGeneration.ModulusOf(DebianOrigin.At(place), Bits);
            Assert.Equal(DebianKeys.EntryOf(weak), table[place]);
            Assert.True(DebianKeys.Contains(weak));
        }
    }

    /// <summary>Of one of these processes a request for random numbers ends exactly where the state does.</summary>
    [Fact]
    public void AKeyWhoseStateEndsWithARequest_IsComputedToo()
    {
        uint[] table = DebianKeys.Load(Bits);
        var random = new Random(StateEndsWithARequest);
        for (int i = 0; i < 3; i++)
        {
            int place = random.Next(table.Length);
            Assert.Equal(DebianKeys.EntryOf(DebianKeyGeneration.ModulusOf(DebianOrigin.At(place), Bits)), table[place]);
        }
    }

    /// <summary>Somebody else's: the judge of ours.</summary>
    [Fact]
    public void PublishedKey_IsFound() => Assert.True(DebianKeys.Contains(PublishedKeys.ReadModulus("debian-2048")));

    [Fact]
    public void KeyThatOnlySharesItsEnding_IsNotOne()
    {
        BigInteger weak = PublishedKeys.ReadModulus("debian-2048");
        BigInteger alike = weak ^ (BigInteger.One << 1000);

        Assert.Equal(DebianKeys.EntryOf(weak), DebianKeys.EntryOf(alike));
        Assert.False(DebianKeys.Contains(alike));
    }

    [Fact]
    public void SizesWithoutTable_AreNotSearched() => Assert.Empty(DebianKeys.Load(3072));
}
