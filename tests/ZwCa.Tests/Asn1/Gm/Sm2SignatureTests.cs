using ZwCa.Asn1;
using ZwCa.Asn1.Gm;

namespace ZwCa.Tests.Asn1.Gm;

public class Sm2SignatureTests
{
    // GB/T 32918.5 A.2.
    private const string R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3";
    private const string S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA";
    private const string Small = "0000000000000000000000000000000000000000000000000000000000000001";
    private const string Max = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    private const string TopBitClear = "007FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    private const string Zero = "0000000000000000000000000000000000000000000000000000000000000000";

    [Theory]
    [InlineData(R, S, "3046022100" + R + "022100" + S)]
    [InlineData(Small, R, "3026020101022100" + R)]
    [InlineData(Max, Max, "3046022100" + Max + "022100" + Max)]
    [InlineData(TopBitClear, Small, "3024021F7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF020101")]
    [InlineData(Zero, Zero, "3006020100020100")]
    public void RawAndDer_AreTheSameSignature(string r, string s, string der)
    {
        byte[] raw = Convert.FromHexString(r + s);

        Assert.Equal(der, Convert.ToHexString(Der.Encode(Sm2Signature.FromRaw(raw))));
        Assert.Equal(raw, Der.Decode<Sm2Signature>(Convert.FromHexString(der)).Raw.ToArray());
    }

    [Theory]
    [InlineData("negative", "30060201010201FF")]
    [InlineData("S of GM/T 0015 annex D without its sign octet", "30250201010220" + S)]
    [InlineData("superfluous leading zero", "300702010102020001")]
    [InlineData("257 bits", "302602010102210100000000000000000000000000000000000000000000000000000000000000" + "00")]
    [InlineData("three integers", "3009020101020101020101")]
    [InlineData("one integer", "3003020101")]
    [InlineData("empty INTEGER", "300502010102" + "00")]
    [InlineData("indefinite length", "30800201010201010000")]
    [InlineData("byte after the end", "300602010102010100")]
    [InlineData("OCTET STRING instead of INTEGER", "3006020101040101")]
    public void DerOfAnotherForm_IsRefused(string why, string der)
    {
        Assert.NotEmpty(why);
        Assert.Throws<DerException>(() => Der.Decode<Sm2Signature>(Convert.FromHexString(der)));
    }

    [Theory]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(0)]
    public void RawOfAnotherLength_IsABug(int length) => Assert.Throws<ArgumentException>(() => Sm2Signature.FromRaw(new byte[length]));

    [Theory]
    [InlineData(Small, S, "30250201010220" + S)]
    [InlineData(R, S, "30440220" + R + "0220" + S)]
    [InlineData(R, Max, "3045022100" + R + "0220" + Max)]
    [InlineData(R, S, "3046022100" + R + "022100" + S)]
    public void MissingSignOctets_AreReadByTheLenientMethodOnly_AndWrittenRight(string r, string s, string der)
    {
        byte[] bytes = Convert.FromHexString(der);

        var signature = Sm2Signature.DecodeLenient(bytes);

        Assert.Equal(Convert.FromHexString(r + s), signature.Raw.ToArray());
        Assert.Equal(signature, Der.Decode<Sm2Signature>(Der.Encode(signature)));
        if (Der.Encode(signature).AsSpan().SequenceEqual(bytes))
        {
            Assert.Equal(signature, Der.Decode<Sm2Signature>(bytes));
        }
        else
        {
            Assert.Throws<DerException>(() => Der.Decode<Sm2Signature>(bytes));
        }
    }

    [Theory]
    [InlineData("30060201010201FF")]
    [InlineData("3025" + "020101" + "0420" + S)]
    [InlineData("3026" + "020101" + "0221" + "81" + S)]
    [InlineData("300602010102010100")]
    [InlineData("30800201010201010000")]
    [InlineData("1F8101020101020101")]
    [InlineData("303030303030303030300201010201")]
    [InlineData("3084FFFFFFFF0201010201")]
    [InlineData("")]
    public void LenientMethod_StillRefusesOtherForms(string der) =>
        Assert.Throws<DerException>(() => Sm2Signature.DecodeLenient(Convert.FromHexString(der)));
}
