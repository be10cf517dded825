using ZwCa.Asn1;
using ZwCa.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Gm;

public class Sm2CipherTests
{
    // GB/T 32918.5 A.3.
    private const string X = "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73";
    private const string Y = "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0";
    private const string C3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766";
    private const string C2 = "21886CA989CA9C7D58087307CA93092D651EFA";
    private const string DerOfVector = "307C0220" + X + "022100" + Y + "0420" + C3 + "0413" + C2;

    [Fact]
    public void VectorOfTheStandard_BothWays()
    {
        byte[] raw = Convert.FromHexString("04" + X + Y + C3 + C2);
        var cipher = Der.Decode<Sm2Cipher>(Convert.FromHexString(DerOfVector));

        Assert.Equal(raw, cipher.Raw.ToArray());
        Assert.Equal(X, Convert.ToHexString(cipher.X.Span));
        Assert.Equal(Y, Convert.ToHexString(cipher.Y.Span));
        Assert.Equal(C3, Convert.ToHexString(cipher.Hash.Span));
        Assert.Equal(C2, Convert.ToHexString(cipher.CipherText.Span));
        Assert.Equal(DerOfVector, Convert.ToHexString(Der.Encode(Sm2Cipher.FromRaw(raw))));
    }

    [Fact]
    public void ShortCoordinates_ArePaddedTo32Bytes()
    {
        byte[] der = Convert.FromHexString("302C" + "020101" + "02020080" + "0420" + C3 + "0401AA");

        var cipher = Der.Decode<Sm2Cipher>(der);

        Assert.Equal(new string('0', 63) + "1", Convert.ToHexString(cipher.X.Span));
        Assert.Equal(new string('0', 62) + "80", Convert.ToHexString(cipher.Y.Span));
        Assert.Equal(98, cipher.Raw.Length);
        Assert.Equal(der, Der.Encode(Sm2Cipher.FromRaw(cipher.Raw.Span)));
    }

    [Theory]
    [InlineData("HASH of 31 bytes", "302A" + "020101" + "020101" + "041F59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD87" + "0401AA")]
    [InlineData("no ciphertext", "302A" + "020101" + "020101" + "0420" + C3 + "0400")]
    [InlineData("X of 257 bits", "304B" + "022101" + X + "020101" + "0420" + C3 + "0401AA")]
    [InlineData("negative Y", "302B" + "020101" + "020180" + "0420" + C3 + "0401AA")]
    [InlineData("C1, C2, C3", "302B" + "020101" + "020101" + "0401AA" + "0420" + C3)]
    public void DerOfAnotherForm_IsRefused(string why, string der)
    {
        Assert.NotEmpty(why);
        Assert.Throws<DerException>(() => Der.Decode<Sm2Cipher>(Convert.FromHexString(der)));
    }

    [Theory]
    [InlineData(97, 0x04)]
    [InlineData(98, 0x02)]
    [InlineData(0, 0)]
    public void RawOfAnotherForm_IsABug(int length, byte first)
    {
        byte[] raw = new byte[length];
        raw.AsSpan(0, Math.Min(1, length)).Fill(first);

        Assert.Throws<ArgumentException>(() => Sm2Cipher.FromRaw(raw));
    }
}
