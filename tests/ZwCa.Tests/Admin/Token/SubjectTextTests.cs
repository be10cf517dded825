using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Contracts;

namespace ZwCa.Tests.Admin.Token;

public sealed class SubjectTextTests
{
    [Theory]
    [InlineData("CN=张三,O=某局,C=CN", "C=CN,O=某局,CN=张三")]
    [InlineData("C=CN,O=某局,CN=张三", "C=CN,O=某局,CN=张三")]
    [InlineData(" cn = 张三 , o=某局 ,c=CN ", "C=CN,O=某局,CN=张三")]
    [InlineData("CN=张三", "CN=张三")]
    [InlineData("CN=买买提·吐尔逊,O=𠮷林省某局,C=CN", "C=CN,O=𠮷林省某局,CN=买买提·吐尔逊")]
    [InlineData(@"CN=a\,b\+c\=d\\e,C=CN", @"C=CN,CN=a\,b\+c=d\\e")]
    [InlineData(@"CN=\E5\BC\A0\E4\B8\89,C=CN", "C=CN,CN=张三")]
    [InlineData(@"CN=a\ b,C=CN", "C=CN,CN=a b")]
    [InlineData(@"CN=\#1,serialNumber=R-1/2,C=CN", @"C=CN,serialNumber=R-1/2,CN=\#1")]
    [InlineData("CN=e\u0301", "CN=é")]
    [InlineData("emailAddress=a@b.cn,OU=科,L=福州市,ST=福建省,C=CN", "C=CN,ST=福建省,L=福州市,OU=科,emailAddress=a@b.cn")]
    public void ASubject_IsReadAsItIsWritten(string text, string wire) => Assert.Equal(wire, SubjectText.Parse(text).ToWireString());

    [Theory]
    [InlineData("", "不是可用的属性")]
    [InlineData("张三", "不是可用的属性")]
    [InlineData("CN=张三,", "不是可用的属性")]
    [InlineData("XX=张三", "CN、O、OU")]
    [InlineData("CN=", "不能为空")]
    [InlineData("CN=   ", "不能为空")]
    [InlineData("CN=张三,C=中国", "英文字母")]
    [InlineData("CN=张三,C=cn", "两个大写英文字母")]
    [InlineData("CN=张三,C=CN,O=某局", "最后")]
    [InlineData("C=CN,CN=张三,C=CN", "只能写一次")]
    [InlineData("CN=a+O=b", "反斜杠")]
    [InlineData("CN=a;O=b", "反斜杠")]
    [InlineData("CN=\"a\"", "反斜杠")]
    [InlineData("CN=#0c01", "#")]
    [InlineData(@"CN=a\", "反斜杠")]
    [InlineData(@"CN=a\zz", "反斜杠")]
    [InlineData(@"CN=\FF\FE", "不可见")]
    [InlineData("CN=a\0b", "U+0000")]
    [InlineData("CN=a\nb", "U+000A")]
    [InlineData("CN=\u202E三张", "U+202E")]
    [InlineData("CN=a\u200Bb", "不可见")]
    [InlineData(@"CN=a\ ", "空格")]
    [InlineData("CN=\uD842", "不可见")]
    [InlineData("serialNumber=编号", "英文字母、数字")]
    [InlineData("emailAddress=张@b.cn", "英文字母、数字")]
    public void ASubjectThatNoCertificateCarries_IsRefusedWithTheReason(string text, string reason)
    {
        RefusalException refused = Assert.Throws<RefusalException>(() => SubjectText.Parse(text));
        Assert.Equal(Refusal.SubjectNotAllowed, refused.Kind);
        Assert.Contains(reason, refused.Message);
        Assert.All(refused.Message.EnumerateRunes(), rune => Assert.True(LabelText.IsVisible(rune)));
    }

    [Fact]
    public void LengthIsCountedInCharacters()
    {
        string beyondTheBmp = string.Concat(Enumerable.Repeat("𠮷", 64));
        Assert.Equal(beyondTheBmp, SubjectText.Parse($"CN={beyondTheBmp}").Texts(Oids.CommonName).Single());
        Assert.Contains("65个字符", Assert.Throws<RefusalException>(() => SubjectText.Parse($"CN={beyondTheBmp}𠮷")).Message);
        Assert.Contains("过长", Assert.Throws<RefusalException>(() => SubjectText.Parse("CN=" + new string('a', 10_000))).Message);
    }
}
