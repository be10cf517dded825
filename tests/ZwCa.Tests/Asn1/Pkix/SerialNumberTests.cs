using System.Numerics;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Pkix;

public sealed class SerialNumberTests
{
    [Theory]
    [InlineData("01", "020101")]
    [InlineData("7f", "02017F")]
    [InlineData("80", "02020080")]
    [InlineData("0100", "02020100")]
    [InlineData("7fffffffffffffffffffffffffffffffffffffff", "02147FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF")]
    [InlineData("80000000000000000000000000000000000000", "02140080000000000000000000000000000000000000")]
    public void Hexadecimal_and_DER_agree(string hex, string der)
    {
        var serialNumber = SerialNumber.Parse(hex);
        Assert.Equal(der, Convert.ToHexString(Der.Encode(serialNumber)));
        Assert.Equal(hex, Der.Decode<SerialNumber>(Convert.FromHexString(der)).ToString());
        Assert.Equal(serialNumber, SerialNumber.FromBytes(Convert.FromHexString("0000" + hex)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("00")]
    [InlineData("0001")]
    [InlineData("1")]
    [InlineData("0A")]
    [InlineData("0x01")]
    [InlineData(" 01")]
    [InlineData("-1")]
    [InlineData("１２")]
    [InlineData("8000000000000000000000000000000000000000")]
    [InlineData("010000000000000000000000000000000000000000")]
    public void Other_spellings_are_refused(string? text)
    {
        Assert.False(SerialNumber.TryParse(text, out _));
    }

    [Theory]
    [InlineData("020100", "zero")]
    [InlineData("0201FF", "negative")]
    [InlineData("0200", "empty")]
    [InlineData("02020001", "not minimal")]
    [InlineData("0215008000000000000000000000000000000000000000", "21 octets")]
    public void Integers_that_are_no_serial_numbers_are_refused(string der, string why)
    {
        Assert.NotEmpty(why);
        Assert.Throws<DerException>(() => Der.Decode<SerialNumber>(Convert.FromHexString(der)));
    }

    [Fact]
    public void Bytes_beyond_20_octets_and_zero_are_refused()
    {
        Assert.Throws<ArgumentException>(() => SerialNumber.FromBytes([]));
        Assert.Throws<ArgumentException>(() => SerialNumber.FromBytes(new byte[20]));
        byte[] twenty = [0x80, .. new byte[19]];
        Assert.Throws<ArgumentException>(() => SerialNumber.FromBytes(twenty));
        Assert.Throws<ArgumentException>(() => SerialNumber.FromBytes([0x01, .. new byte[20]]));
    }

    [Fact]
    public void Random_bytes_keep_their_value()
    {
        for (int i = 0; i < 1000; i++)
        {
            byte[] bytes = RandomNumberGenerator.GetBytes(1 + (i % 19));
            bytes[^1] |= 1;
            var serialNumber = SerialNumber.FromBytes(bytes);
            Assert.Equal(new BigInteger(bytes, isUnsigned: true, isBigEndian: true), new BigInteger(serialNumber.Content, isBigEndian: true));
            Assert.Equal(serialNumber, SerialNumber.Parse(serialNumber.ToString()));
        }
    }
}
