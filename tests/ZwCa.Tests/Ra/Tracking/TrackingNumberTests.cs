using ZwCa.Contracts;
using ZwCa.Ra.Tracking;

namespace ZwCa.Tests.Ra.Tracking;

public sealed class TrackingNumberTests
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <summary>
    /// Check symbols that others compute, with leading zeros: of the Elixir library crockford_base32 (test/crockford_base32_test.exs: 1234 is 16JD, 5111 is 4ZQ5, 100^10 is 2PQHTY5NHH0000T, 10^9 is
    /// XSNJG01; the same as in the Ruby gem base32-crockford), and the five symbols of the table at https://www.crockford.com/base32.html, which stand for 32 to 36.
    /// </summary>
    [Theory]
    [InlineData("00000000000016J", 'D')]
    [InlineData("0000000000004ZQ", '5')]
    [InlineData("002PQHTY5NHH0000", 'T')]
    [InlineData("0000000000XSNJG0", '1')]
    [InlineData("0000000000000010", '*')]
    [InlineData("0000000000000011", '~')]
    [InlineData("0000000000000012", '$')]
    [InlineData("0000000000000013", '=')]
    [InlineData("0000000000000014", 'U')]
    [InlineData("0000000000000015", '0')]
    public void TheCheckSymbol_IsCrockfords(string digits, char expected) => Assert.Equal(expected, TrackingNumber.CheckSymbol(digits));

    [Fact]
    public void ANumber_IsShownInGroups_AndReadBack()
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < 2000; i++)
        {
            var number = TrackingNumber.Create();
            Assert.Matches("^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]$", number.ToString());
            Assert.Equal(number.ToString().Replace("-", "", StringComparison.Ordinal), number.Value);
            Assert.Equal(number, TrackingNumber.Parse(number.ToString()));
            Assert.True(seen.Add(number.Value));
        }

        // Each place has each character: 2,000 of 32, so that one is missing once in 10^25.
        for (int place = 0; place < 16; place++)
        {
            Assert.Equal(Alphabet, string.Concat(seen.Select(each => each[place]).Distinct().Order()));
        }
    }

    [Theory]
    [InlineData("0000-0000-0000-16JD-X", null)]
    [InlineData("002P-QHTY-5NHH-0000-T", "002PQHTY5NHH0000T")]
    [InlineData(" 002pqhty5nhh0000t ", "002PQHTY5NHH0000T")]
    [InlineData("oo2p qhty 5nhh ooOO t", "002PQHTY5NHH0000T")]
    [InlineData("002P--QHTY5NHH\u30000000T", "002PQHTY5NHH0000T")]
    [InlineData("0000000000XSNJG0l", "0000000000XSNJG01")]
    [InlineData("0000000000XSNJG0I", "0000000000XSNJG01")]
    [InlineData("0000000000XSNJG02", null)]
    [InlineData("0000000000XSNJG0", null)]
    [InlineData("0000000000XSNJG011", null)]
    [InlineData("0000000000000010*", null)]
    [InlineData("0000000000000014U", null)]
    [InlineData("002P_QHTY5NHH0000T", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void PeopleWriteItAsTheyLike(string? text, string? expected)
    {
        if (expected is not null)
        {
            Assert.Equal(expected, TrackingNumber.Parse(text).Value);
            return;
        }

        RefusalException refused = Assert.Throws<RefusalException>(() => TrackingNumber.Parse(text));
        Assert.Equal(Refusal.Malformed, refused.Kind);
        Assert.Contains("受理编号有误", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneWrongCharacter_AndTwoExchanged_AreNoticed()
    {
        for (int round = 0; round < 20; round++)
        {
            string right = TrackingNumber.Create().Value;
            for (int at = 0; at < right.Length; at++)
            {
                foreach (char other in Alphabet.Where(other => other != right[at]))
                {
                    Assert.Throws<RefusalException>(() => TrackingNumber.Parse(right[..at] + other + right[(at + 1)..]));
                }

                // Also the last digit and the check character: both count, with different weights.
                if (at > 0 && right[at] != right[at - 1])
                {
                    Assert.Throws<RefusalException>(() => TrackingNumber.Parse(right[..(at - 1)] + right[at] + right[at - 1] + right[(at + 1)..]));
                }
            }
        }
    }
}
