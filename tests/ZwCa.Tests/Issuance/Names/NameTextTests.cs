using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Names;

public class NameTextTests
{
    [Theory]
    [InlineData("张三")]
    [InlineData("阿卜杜拉·买买提")] // middle dot U+00B7
    [InlineData("𠮷野家")] // U+20BB7
    [InlineData("𬭎")] // U+2CB4E, of a person's name
    [InlineData("﨑")] // U+FA11, among the compatibility ideographs but not one
    [InlineData("浙江省政务服务数据管理局（一处）")]
    [InlineData("José Müller")]
    [InlineData("ཐུབ་བསྟན")] // Tibetan with marks
    [InlineData("ئالىم")] // Uyghur, right to left by its own letters
    [InlineData("O'Neil & Co., Ltd. #1 \"A+B\"")]
    [InlineData("１２号")] // full-width digits are letters of their own
    public void OrdinaryNames_Pass(string text)
    {
        Assert.Null(NameText.FindFault(Oids.CommonName, text));
        NameText.Require(Oids.CommonName, text);
    }

    [Theory]
    [InlineData("", "为空")]
    [InlineData("张\0三", "U+0000")]
    [InlineData("张\n三", "U+000A")]
    [InlineData("张\u007F三", "U+007F")]
    [InlineData("张\u0085三", "U+0085")]
    [InlineData("张\u202E三", "U+202E")] // right-to-left override
    [InlineData("张\u2066三", "U+2066")] // isolate
    [InlineData("张\u200E三", "U+200E")]
    [InlineData("张\u061C三", "U+061C")]
    [InlineData("张\u200B三", "U+200B")] // zero width space
    [InlineData("张\u200D三", "U+200D")] // joiner
    [InlineData("张\u2060三", "U+2060")]
    [InlineData("张\uFEFF三", "U+FEFF")]
    [InlineData("张\u00AD三", "U+00AD")] // soft hyphen
    [InlineData("张\u034F三", "U+034F")]
    [InlineData("张\u3164三", "U+3164")] // Hangul filler
    [InlineData("张\uFE0F三", "U+FE0F")] // variation selector
    [InlineData("张\U000E0100三", "U+E0100")] // ideographic variation selector
    [InlineData("张\U000E0041三", "U+E0041")] // tag letter
    [InlineData("张\u2800三", "U+2800")] // braille blank
    [InlineData("张\u2028三", "U+2028")]
    [InlineData("张\uFFFD三", "U+FFFD")]
    [InlineData("张\uE000三", "U+E000")] // private use
    [InlineData("张\U000F0000三", "U+F0000")]
    [InlineData("张\uFDD0三", "U+FDD0")] // noncharacters
    [InlineData("张\uFFFE三", "U+FFFE")]
    [InlineData("张\U0001FFFF三", "U+1FFFF")]
    [InlineData("张\u0378三", "U+0378")] // unassigned
    [InlineData(" 张三", "空格")]
    [InlineData("张三 ", "空格")]
    [InlineData(" ", "空格")]
    [InlineData("Zhang  San", "空格")]
    [InlineData("张\u3000三", "空格")] // ideographic space
    [InlineData("Zhang\u00A0San", "空格")] // no-break space
    [InlineData("Zhang\u2003San", "空格")]
    [InlineData("\u0301A", "组合符号")]
    [InlineData("Jose\u0301", "NFC")] // e and an accent
    [InlineData("\u212B", "NFC")] // Ångström sign
    [InlineData("\uF900", "NFC")] // compatibility ideograph
    [InlineData("\U0002F800", "NFC")]
    public void HiddenOrAmbiguousCharacters_AreRefused(string text, string reason)
    {
        Assert.Contains(reason, NameText.FindFault(Oids.CommonName, text));

        RefusalException e = Assert.Throws<RefusalException>(() => NameText.Require(Oids.CommonName, text));
        Assert.Equal(Refusal.SubjectNotAllowed, e.Kind);
        Assert.StartsWith("名称（CN）", e.Message);
        Assert.EndsWith("请更正后重新提交。", e.Message);
    }

    [Fact]
    public void UnpairedSurrogates_AreRefused()
    {
        // Built here: such a string does not survive as theory data.
        foreach (string text in new[] { "张" + (char)0xD842, (char)0xDFB7 + "三", "a" + (char)0xD842 + "b", "" + (char)0xDFB7 + (char)0xD842 })
        {
            Assert.Contains("不完整", NameText.FindFault(Oids.CommonName, text));
        }
    }

    [Theory]
    [InlineData(Oids.CommonName, 64)]
    [InlineData(Oids.OrganizationName, 64)]
    [InlineData(Oids.LocalityName, 128)]
    public void Length_IsCountedInCharacters(string type, int max)
    {
        foreach (string character in new[] { "a", "张", "𠮷" })
        {
            string longest = string.Concat(Enumerable.Repeat(character, max));

            Assert.Null(NameText.FindFault(type, longest));
            Assert.Contains((max + 1).ToString(CultureInfo.InvariantCulture), NameText.FindFault(type, longest + character));
        }

        Assert.Contains("10000", NameText.FindFault(type, new string('张', 10_000)));
        Assert.Equal("过长", NameText.FindFault(type, new string('张', 100_000)));
    }

    [Theory]
    [InlineData(Oids.CountryName, "CN", null)]
    [InlineData(Oids.CountryName, "中国", "不允许的字符")]
    [InlineData(Oids.CountryName, "CHN", "长度")]
    [InlineData(Oids.SerialNumber, "a3f0-01", null)]
    [InlineData(Oids.SerialNumber, "编号1", "不允许的字符")]
    [InlineData(Oids.SerialNumber, "a_1", "不允许的字符")]
    [InlineData(Oids.EmailAddress, "a@example.cn", null)]
    [InlineData(Oids.EmailAddress, "张@example.cn", "不允许的字符")]
    public void CharactersAndLength_AreThoseOfTheType(string type, string text, string? reason)
    {
        string? fault = NameText.FindFault(type, text);

        if (reason is null)
        {
            Assert.Null(fault);
        }
        else
        {
            Assert.Contains(reason, fault);
        }
    }

    [Fact]
    public void TypeThatIsNoOid_IsABug() => Assert.Throws<ArgumentException>(() => NameText.FindFault("CN", "张三"));
}
