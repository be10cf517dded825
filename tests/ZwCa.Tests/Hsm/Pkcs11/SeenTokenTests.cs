using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Tests.Hsm.Pkcs11;

public class SeenTokenTests
{
    private static readonly SeenToken[] Seen =
    [
        new(0, "ca", "0001", "Maker A1, firmware 1.0", Cryptoki.CKF_TOKEN_INITIALIZED),
        new(5, "ca", "0002", "Maker A1, firmware 1.0", Cryptoki.CKF_TOKEN_INITIALIZED),
        new(6, "ra", "0003", "Maker A1, firmware 1.0", Cryptoki.CKF_TOKEN_INITIALIZED),
        new(7, "new", "0004", "Maker A1, firmware 1.0", 0),
    ];

    [Theory]
    [InlineData("ra", null, 6)]
    [InlineData("ra", "0003", 6)]
    [InlineData("ca", "0001", 0)]
    [InlineData("ca", "0002", 5)]
    public void OneThatFits_IsChosen(string label, string? serial, int slot) =>
        Assert.Equal((nuint)slot, SeenToken.Choose(Seen, label, serial).Slot);

    [Theory]
    [InlineData("CA", null, "No token has the label \"CA\". Tokens seen: ")]
    [InlineData("ra", "0001", "No token has the label \"ra\" and the serial \"0001\". Tokens seen: ")]
    [InlineData("new", null, "No token has the label \"new\". Tokens seen: ")]
    [InlineData("ca", null, "2 tokens have the label \"ca\": a serial has to say which. Tokens seen: ")]
    public void NoneOrSeveral_AreRefused(string label, string? serial, string message)
    {
        HsmException e = Assert.Throws<HsmException>(() => SeenToken.Choose(Seen, label, serial));

        Assert.Equal(HsmFailure.TokenNotFound, e.Failure);
        Assert.StartsWith(message, e.Message);
        Assert.Contains("label \"ca\", serial \"0002\", Maker A1, firmware 1.0, slot 5", e.Message);
    }

    [Fact]
    public void ListOfNone_SaysSo() => Assert.Equal("No token is seen.", SeenToken.List([]));
}
