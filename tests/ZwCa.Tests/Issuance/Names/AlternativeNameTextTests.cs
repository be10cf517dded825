using ZwCa.Contracts;
using ZwCa.Issuance;

namespace ZwCa.Tests.Issuance.Names;

public class AlternativeNameTextTests
{
    [Theory]
    [InlineData("example.cn")]
    [InlineData("zwfw.zj.gov.cn")]
    [InlineData("*.example.cn")]
    [InlineData("1.a-b.example")]
    [InlineData("xn--fiqs8s.cn")] // 中国
    [InlineData("a.xn--fiqs8s")]
    [InlineData("a123456789b123456789c123456789d123456789e123456789f123456789012.cn")] // 63
    public void HostNames_Pass(string host)
    {
        Assert.Null(AlternativeNameText.FindDnsFault(host));
        AlternativeNameText.RequireDns(host);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData(".cn")]
    [InlineData("example.cn.")]
    [InlineData("a..cn")]
    [InlineData("Example.cn")]
    [InlineData("-a.cn")]
    [InlineData("a-.cn")]
    [InlineData("a_b.cn")]
    [InlineData("a b.cn")]
    [InlineData("a\0.cn")]
    [InlineData("政务.cn")]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*.cn")]
    [InlineData("**.example.cn")]
    [InlineData("a*.example.cn")]
    [InlineData("a.*.example.cn")]
    [InlineData("*.*.example.cn")]
    [InlineData("192.168.1.1")]
    [InlineData("0x7f.1")]
    [InlineData("10.1.2.3.4")]
    [InlineData("::1")]
    [InlineData("ab--c.cn")] // reserved places
    [InlineData("xn--a.cn")] // no Punycode
    [InlineData("xn--.cn")]
    [InlineData("xn--example-.cn")]
    [InlineData("xn--abc-.cn")] // Punycode of plain ASCII
    [InlineData("a123456789b123456789c123456789d123456789e123456789f1234567890123.cn")] // 64
    public void WhatIsNoHostName_IsRefused(string host)
    {
        Assert.NotNull(AlternativeNameText.FindDnsFault(host));
        Assert.Equal(Refusal.SubjectNotAllowed, Assert.Throws<RefusalException>(() => AlternativeNameText.RequireDns(host)).Kind);
    }

    [Fact]
    public void HostNameHasAtMost253Characters()
    {
        string label = new('a', 49);
        string name = string.Join('.', Enumerable.Repeat(label, 5)) + ".cn"; // 252

        Assert.Null(AlternativeNameText.FindDnsFault("a" + name));
        Assert.NotNull(AlternativeNameText.FindDnsFault("aa" + name));
    }

    [Fact]
    public void Wildcard_IsRefusedWhereNoneIsAllowed() => Assert.NotNull(AlternativeNameText.FindDnsFault("*.example.cn", allowWildcard: false));

    [Theory]
    [InlineData("zhang.san@example.cn", true)]
    [InlineData("a+b_c'd@mail.example.cn", true)]
    [InlineData("ZhangSan@example.cn", true)]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234@example.cn", true)]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345@example.cn", false)]
    [InlineData("", false)]
    [InlineData("zhang", false)]
    [InlineData("@example.cn", false)]
    [InlineData("a@", false)]
    [InlineData("a@b", false)]
    [InlineData("a@Example.cn", false)]
    [InlineData("a@*.example.cn", false)]
    [InlineData("a@b@example.cn", false)]
    [InlineData(".a@example.cn", false)]
    [InlineData("a.@example.cn", false)]
    [InlineData("a..b@example.cn", false)]
    [InlineData("a b@example.cn", false)]
    [InlineData("a\0@example.cn", false)]
    [InlineData("\"a b\"@example.cn", false)]
    [InlineData("张三@example.cn", false)]
    [InlineData("a@[192.168.1.1]", false)]
    [InlineData("a@192.168.1.1", false)]
    [InlineData("张 <a@example.cn>", false)]
    public void Mailboxes(string mailbox, bool accepted)
    {
        Assert.Equal(accepted, AlternativeNameText.FindMailboxFault(mailbox) is null);
        if (!accepted)
        {
            Assert.Equal(Refusal.SubjectNotAllowed, Assert.Throws<RefusalException>(() => AlternativeNameText.RequireMailbox(mailbox)).Kind);
        }
    }

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("223.5.5.5", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("", false)]
    [InlineData("10.1.2", false)]
    [InlineData("10.1.2.03", false)]
    [InlineData("0xA.1.2.3", false)]
    [InlineData("167837955", false)]
    [InlineData("10.1.2.3/24", false)]
    [InlineData("10.1.2.256", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.1.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("2001:DB8::1", false)]
    [InlineData("2001:db8:0:0:0:0:0:1", false)]
    [InlineData("[2001:db8::1]", false)]
    [InlineData("::ffff:10.1.2.3", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("2001:db8::1%1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("example.cn", false)]
    public void Addresses(string text, bool accepted)
    {
        Assert.Equal(accepted, AlternativeNameText.FindIpFault(text) is null);
        if (!accepted)
        {
            Assert.Equal(Refusal.SubjectNotAllowed, Assert.Throws<RefusalException>(() => AlternativeNameText.RequireIp(text)).Kind);
        }
    }
}
