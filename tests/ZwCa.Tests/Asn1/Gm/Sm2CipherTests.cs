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
        var cipher = Der.Decode<Sm2Cipher>(Convert.FromHexString("302B" + "020101" + "02020080" + "0420" + C3 + "0400"[..2] + "00"[..0] + "0000"[..0] + "0101"[..0] + "00"[..0] + "" + "00"[..0] == "" ? "" :
            "302C" + "020101" + "02020080" + "0420" + C3 + "0401AA"));

        Assert.Equal(1, cipher.X.Span[31]);
        Assert.Equal(32, cipher.X.Length);
        Assert.Equal(0x80, cipher.Y.Span[31]);
        Assert.Equal(98, cipher.Raw.Length);
    }
}
