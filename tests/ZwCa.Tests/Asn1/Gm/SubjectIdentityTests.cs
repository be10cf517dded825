using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Tests.Asn1.Gm;

public class SubjectIdentityTests
{
    private const string IdText = "11010519491231002X";
    private const string IdHex = "313130313035313934393132333130303258";

    // Deployed readers take the number at offset 4 of extnValue.
    private const string ExplicitId = "A0141312" + IdHex;

    [Fact]
    public void IdentifyCode_IsWrittenExplicit()
    {
        IdentifyCode code = new ResidenterCardNumber(ResidentId.Parse(IdText));

        Assert.Equal(ExplicitId, Convert.ToHexString(Der.Encode(code)));
        Assert.Equal("A1060C04E5869B31", Convert.ToHexString(Der.Encode<IdentifyCode>(new MilitaryOfficerCardNumber("军1"))));
        Assert.Equal("A2041302" + "4531", Convert.ToHexString(Der.Encode<IdentifyCode>(new PassportNumber("E1"))));
    }

    [Theory]
    [InlineData(ExplicitId, typeof(ResidenterCardNumber), IdText)]
    [InlineData("8012" + IdHex, typeof(ResidenterCardNumber), IdText)]
    [InlineData("A1060C04E5869B31", typeof(MilitaryOfficerCardNumber), "军1")]
    [InlineData("8104E5869B31", typeof(MilitaryOfficerCardNumber), "军1")]
    [InlineData("A20413024531", typeof(PassportNumber), "E1")]
    [InlineData("82024531", typeof(PassportNumber), "E1")]
    public void IdentifyCode_IsReadInBothTaggings_AndReproduced(string der, Type type, string value)
    {
        byte[] bytes = Convert.FromHexString(der);

        var code = Der.Decode<IdentifyCode>(bytes);

        Assert.IsType(type, code);
        Assert.Equal(value, code.Value);
        Assert.Equal(bytes, Der.Encode(code));
    }

    [Theory]
    [InlineData("1312" + IdHex)] // no tag
    [InlineData("8302" + "4531")] // no such alternative
    [InlineData("8004" + "E5869B31")] // not printable
    [InlineData("8102" + "C328")] // not UTF-8
    [InlineData("A0061302" + "45311300")] // two strings
    [InlineData("A004" + "0C024531")] // UTF8String for PrintableString
    public void IdentifyCodeOfAnotherForm_IsRefused(string der) =>
        Assert.Throws<DerException>(() => Der.Decode<IdentifyCode>(Convert.FromHexString(der)));

    [Fact]
    public void Numbers_ArePrintableStringsUnderTheirIdentifiers()
    {
        Assert.Equal("1302" + "3132", Convert.ToHexString(Der.Encode(new InsuranceNumber("12"))));
        Assert.Equal("1302" + "3132", Convert.ToHexString(Der.Encode(new IcRegistrationNumber("12"))));
        Assert.Equal("1302" + "3132", Convert.ToHexString(Der.Encode(new TaxationNumber("12"))));
        Assert.Equal(
            "1312" + "39313335303130304D303030313030593433",
            Convert.ToHexString(Der.Encode(new OrganizationCode(UnifiedSocialCreditCode.Parse("91350100M000100Y43")))));
        Assert.Equal(
            ["1.2.156.10260.4.1.1", "1.2.156.10260.4.1.2", "1.2.156.10260.4.1.3", "1.2.156.10260.4.1.4", "1.2.156.10260.4.1.5"],
            (string[])[IdentifyCode.Id, InsuranceNumber.Id, IcRegistrationNumber.Id, OrganizationCode.Id, TaxationNumber.Id]);
    }

    [Fact]
    public void TextOfOtherCharacters_IsABug_AndNotInTheMessage()
    {
        const string Printable = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?";
        char[] others = [.. Enumerable.Range(0, 0x300).Select(c => (char)c).Append('身').Except(Printable)];
        Func<string, object>[] constructors = [
            t => new InsuranceNumber(t),
            t => new IcRegistrationNumber(t),
            t => new OrganizationCode(t),
            t => new TaxationNumber(t),
            t => new ResidenterCardNumber(t),
            t => new PassportNumber(t),
        ];

        Assert.All(constructors, create =>
        {
            Assert.NotNull(create(Printable));
            Assert.Throws<ArgumentNullException>(() => create(null!));
            Assert.All(others, c => Assert.Equal(
                "A character is not one of PrintableString. (Parameter 'Value')",
                Assert.Throws<ArgumentException>(() => create($"3501{c}001")).Message));
        });
    }

    [Fact]
    public void UnpairedSurrogate_IsABug_AndNotInTheMessage()
    {
        Assert.All((string[])["军\ud800", "\udc00军"], number => Assert.Equal(
            "Unpaired surrogate. (Parameter 'Value')", Assert.Throws<ArgumentException>(() => new MilitaryOfficerCardNumber(number)).Message));
        Assert.Equal("A1060C04F0A08080", Convert.ToHexString(Der.Encode<IdentifyCode>(new MilitaryOfficerCardNumber("\U00020000"))));
    }

    [Fact]
    public void Extension_CarriesTheCode()
    {
        var extension = Extension.Create<IdentifyCode>(new ResidenterCardNumber(IdText), critical: false);

        Assert.Equal("3022" + "06082A811CD014040101" + "0416" + ExplicitId, Convert.ToHexString(Der.Encode(extension)));
        Assert.Equal(ExplicitId, Convert.ToHexString(extension.Value.Span));
        Assert.Equal(IdText, new Extensions(extension).Find<IdentifyCode>()!.Value);
    }

    [Fact]
    public void PersonalData_IsNotInToString()
    {
        Assert.Equal("ResidenterCardNumber", Der.Decode<IdentifyCode>(Convert.FromHexString(ExplicitId)).ToString());
        Assert.Equal("InsuranceNumber", new InsuranceNumber("35010012345").ToString());
        Assert.Equal("IcRegistrationNumber", new IcRegistrationNumber("350100").ToString());
        Assert.Equal("OrganizationCode", new OrganizationCode("350100").ToString());
        Assert.Equal("TaxationNumber", new TaxationNumber("11010519491231002X").ToString());
        Assert.Equal("1****************X", ResidentId.Parse(IdText).ToString());
        Assert.Equal("91**************43", UnifiedSocialCreditCode.Parse("91350100M000100Y43").ToString());
    }
}
