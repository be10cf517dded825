using System.Text;
using ZwCa.Contracts;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Tests.Ra.Subscribers;

public sealed class SubscriberNameTests
{
    public static TheoryData<string> Hostile =>
    [
        "", "   ", "a\0b", "a\nb", "a\u0085b", "某局\u202E局某", "某\u200B局", "某\u2066局", "\uFEFF某局", "某局\uE000", "某局\u0378", "某\u2028局", "某\u2029局", "某局\uFFFD", "某局\uFFFE",
        "某局\uFDD0", "某\u00AD局", "某局\U000E0041",
    ];

    /// <summary>Half a character would not reach a theory: what runs the tests replaces it.</summary>
    [Fact]
    public void HalfACharacter_IsNoName_OfAnybody()
    {
        WhatIsNotSeen_IsNoName_OfAnybody("某局\uD800");
        WhatIsNotSeen_IsNoName_OfAnybody("\uDC00某局");
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void WhatIsNotSeen_IsNoName_OfAnybody(string text)
    {
        foreach (SubscriberKind kind in Enum.GetValues<SubscriberKind>())
        {
            RefusalException refused = Assert.Throws<RefusalException>(() => SubscriberName.Parse(kind, text));
            Assert.Equal(Refusal.Malformed, refused.Kind);
            Assert.Contains("可见字符", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AName_IsInNfc_WithoutBlanksAroundIt()
    {
        Assert.Equal("Café 某局（一）", SubscriberName.Parse(SubscriberKind.Organization, "  Cafe\u0301 某局（一） ").Reveal());
        Assert.Equal("𠮷某局", SubscriberName.Parse(SubscriberKind.Device, "𠮷某局").Reveal());
    }

    /// <summary>Characters of Unicode are counted, whatever they take.</summary>
    [Theory]
    [InlineData("局")]
    [InlineData("𠮷")]
    public void AName_HasUpTo128Characters(string character)
    {
        string most = new StringBuilder().Insert(0, character, 128).ToString();
        Assert.Equal(most, SubscriberName.Parse(SubscriberKind.Organization, most).Reveal());
        Assert.Throws<RefusalException>(() => SubscriberName.Parse(SubscriberKind.Organization, most + character));
        Assert.Throws<RefusalException>(() => SubscriberName.Parse(SubscriberKind.Person, most));
    }

    [Fact]
    public void APersonsName_IsShownMasked_AnOrganisationsAsItIs()
    {
        Assert.Equal("王**", SubscriberName.Parse(SubscriberKind.Person, "王小明").ToString());
        Assert.Equal("某局", SubscriberName.Parse(SubscriberKind.Organization, "某局").ToString());
    }
}
