using ZwCa.Contracts;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Tests.Ra.Subscribers;

public sealed class SubscriberNumberTests
{
    [Theory]
    [InlineData(SubscriberKind.Organization, " 91350100m000100y43 ", "91350100M000100Y43")]
    [InlineData(SubscriberKind.Device, "WWW.Example.GOV.cn", "www.example.gov.cn")]
    [InlineData(SubscriberKind.Device, " 10.1.2.3 ", "10.1.2.3")]
    [InlineData(SubscriberKind.Device, "2001:0DB8:0:0::1", "2001:db8::1")]
    [InlineData(SubscriberKind.Device, "1234", "1234")]
    [InlineData(SubscriberKind.Device, "1.2", "1.2")]
    [InlineData(SubscriberKind.Device, "SN-00A:7_x.5", "SN-00A:7_x.5")]
    [InlineData(SubscriberKind.Device, "AA:BB:CC:00:11:22", "AA:BB:CC:00:11:22")]
    [InlineData(SubscriberKind.Device, "SERVER-01", "SERVER-01")]
    public void OneNumber_IsOneText(SubscriberKind kind, string text, string expected) => Assert.Equal(expected, SubscriberNumber.Parse(kind, text).Reveal());

    [Theory]
    [InlineData(SubscriberKind.Organization, "91350100M000100Y44", "统一社会信用代码有误")]
    [InlineData(SubscriberKind.Organization, "", "统一社会信用代码有误")]
    [InlineData(SubscriberKind.Organization, null, "统一社会信用代码有误")]
    [InlineData(SubscriberKind.Person, "110101199003078515x", "身份证号码有误")]
    [InlineData(SubscriberKind.Person, null, "身份证号码有误")]
    [InlineData(SubscriberKind.Device, "", "设备编号有误")]
    [InlineData(SubscriberKind.Device, "*.example.gov.cn", "设备编号有误")]
    [InlineData(SubscriberKind.Device, "a b", "设备编号有误")]
    [InlineData(SubscriberKind.Device, "交换机", "设备编号有误")]
    [InlineData(SubscriberKind.Device, "1.2.3.256", null)]
    [InlineData(SubscriberKind.Device, "010.1.2.3", "多余的零")]
    [InlineData(SubscriberKind.Device, "a\0b", "设备编号有误")]
    [InlineData(SubscriberKind.Device, "fe80::1%eth0", "设备编号有误")]
    public void WhatIsNone_IsRefused_AndNotRepeated(SubscriberKind kind, string? text, string? expected)
    {
        if (expected is null)
        {
            // No address, but a serial number may look like that.
            Assert.Equal(text, SubscriberNumber.Parse(kind, text).Reveal());
            return;
        }

        RefusalException refused = Assert.Throws<RefusalException>(() => SubscriberNumber.Parse(kind, text));
        Assert.Equal(Refusal.Malformed, refused.Kind);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.True(string.IsNullOrEmpty(text) || !refused.Message.Contains(text, StringComparison.Ordinal));
    }

    [Fact]
    public void ADeviceNumber_HasUpTo128Characters()
    {
        Assert.Equal(128, SubscriberNumber.Parse(SubscriberKind.Device, new string('a', 128)).Reveal().Length);
        Assert.Throws<RefusalException>(() => SubscriberNumber.Parse(SubscriberKind.Device, new string('a', 129)));
    }

    [Fact]
    public void APersonsNumber_IsShownMasked()
    {
        var number = SubscriberNumber.Parse(SubscriberKind.Person, ZwCa.Tests.Officers.OfficerStory.NewIdNumber().Reveal());
        Assert.Equal($"{number.Reveal()[..6]}********{number.Reveal()[^4..]}", number.ToString());
        Assert.Equal("91350100M000100Y43", SubscriberNumber.Parse(SubscriberKind.Organization, "91350100M000100Y43").ToString());
    }
}
