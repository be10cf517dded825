using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class TimeTests
{
    [Theory]
    [InlineData("1950-01-01T00:00:00Z", 0x17, "500101000000Z")]
    [InlineData("1999-12-31T23:59:59Z", 0x17, "991231235959Z")]
    [InlineData("2000-02-29T00:00:00Z", 0x17, "000229000000Z")]
    [InlineData("2049-12-31T23:59:59Z", 0x17, "491231235959Z")]
    [InlineData("2050-01-01T00:00:00Z", 0x18, "20500101000000Z")]
    [InlineData("9999-12-31T23:59:59Z", 0x18, "99991231235959Z")]
    public void Year_decides_the_form(string instant, byte tag, string text)
    {
        var time = new Time(DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(Element(tag, text), Der.Encode(time));
        Assert.Equal(time, Der.Decode<Time>(Element(tag, text)));
        Assert.Equal(instant, time.ToString());
    }

    [Theory]
    [InlineData(0x18, "20491231235959Z", "GeneralizedTime before 2050")]
    [InlineData(0x18, "20500101000000.5Z", "fraction")]
    [InlineData(0x18, "20500101000000.0Z", "fraction of zero")]
    [InlineData(0x18, "205001010000Z", "no seconds")]
    [InlineData(0x18, "20500101000000", "local time")]
    [InlineData(0x18, "20500101080000+0800", "offset")]
    [InlineData(0x18, "20500230000000Z", "30 February")]
    [InlineData(0x17, "4912312359Z", "no seconds")]
    [InlineData(0x17, "491231235959+0000", "offset")]
    [InlineData(0x17, "491231236060Z", "leap second")]
    [InlineData(0x17, "491231240000Z", "hour 24")]
    [InlineData(0x17, "499931235959Z", "month 99")]
    [InlineData(0x17, "4912312359 9Z", "not a digit")]
    [InlineData(0x16, "491231235959Z", "IA5String")]
    public void Other_forms_are_refused(byte tag, string text, string why)
    {
        Assert.NotEmpty(why);
        Assert.Throws<DerException>(() => Der.Decode<Time>(Element(tag, text)));
    }

    [Fact]
    public void Fractions_and_years_before_1950_are_refused_and_truncation_is_offered()
    {
        DateTimeOffset fraction = DateTimeOffset.UnixEpoch.AddMilliseconds(1500);
        Assert.Throws<ArgumentException>(() => new Time(fraction));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(1), Time.Truncate(fraction).Value);
        Assert.Throws<ArgumentException>(() => new Time(new DateTimeOffset(1949, 12, 31, 23, 59, 59, TimeSpan.Zero)));
    }

    [Fact]
    public void Offsets_become_UTC()
    {
        var time = new Time(new DateTimeOffset(2050, 1, 1, 7, 59, 59, TimeSpan.FromHours(8)));
        Assert.Equal(Element(0x17, "491231235959Z"), Der.Encode(time));
    }

    [Fact]
    public void A_validity_does_not_end_before_it_begins()
    {
        byte[] reversed = Convert.FromHexString("301E" + Convert.ToHexString([.. Element(0x17, "260102000000Z"), .. Element(0x17, "260101000000Z")]));
        Assert.Throws<DerException>(() => Der.Decode<Validity>(reversed));
        Assert.Throws<ArgumentException>(() => new Validity(PkixSamples.NextUpdate, PkixSamples.ThisUpdate));
    }

    private static byte[] Element(byte tag, string text) => [tag, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
}
