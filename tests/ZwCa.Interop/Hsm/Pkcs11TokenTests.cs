using ZwCa.Hsm;
using ZwCa.Hsm.Pkcs11;

namespace ZwCa.Interop.Hsm;

/// <summary>Which token the driver takes, and its PIN.</summary>
public sealed class Pkcs11TokenTests : IDisposable
{
    private readonly SoftHsm _softHsm = new("twin", "single", "twin");
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public void Dispose() => _softHsm.Dispose();

    [Theory]
    [InlineData("absent", null, "No token has the label \"absent\".")]
    [InlineData("single", "0123456789abcdef", "No token has the label \"single\" and the serial \"0123456789abcdef\".")]
    public async Task MissingToken_IsNamedBesideThoseSeen(string label, string? serial, string message)
    {
        HsmException e = await Refused(_softHsm.Options(label, serial), HsmFailure.TokenNotFound);

        Assert.StartsWith(message, e.Message);
        Assert.Equal(3, _softHsm.Tokens.Count);
        Assert.All(_softHsm.Tokens, token =>
        {
            Assert.Contains($"label \"{token.Label}\", serial \"{token.Serial}\"", e.Message);
            Assert.Contains($"slot {token.Slot}", e.Message);
        });
        Assert.Contains("SoftHSM v2", e.Message);
        Assert.Contains("not initialized", e.Message);
    }

    [Fact]
    public async Task TokensOfOneLabel_AreToldApartByTheirSerials()
    {
        var label = new KeyLabel("ca");
        string[] serials = [.. _softHsm.Tokens.Where(t => t.Label == "twin").Select(t => t.Serial)];
        await using Pkcs11Hsm first = await Pkcs11Hsm.ConnectAsync(_softHsm.Options("twin", serials[0]), _cancellation);
        await using Pkcs11Hsm second = await Pkcs11Hsm.ConnectAsync(_softHsm.Options("twin", serials[1]), _cancellation);

        HsmKey key = await first.GenerateKeyAsync(label, HsmKeyKind.P256, _cancellation);

        Assert.Equal((serials[0], serials[1]), (first.Token.Serial, second.Token.Serial));
        Assert.Null(await second.FindKeyAsync(label, _cancellation));
        Assert.NotEqual(key, await second.GenerateKeyAsync(label, HsmKeyKind.P256, _cancellation));
        Assert.Equal(key, await first.FindKeyAsync(label, _cancellation));
    }

    [Fact]
    public async Task TokensOfOneLabel_WithoutASerial_AreRefused()
    {
        HsmException e = await Refused(_softHsm.Options("twin"), HsmFailure.TokenNotFound);

        Assert.StartsWith("2 tokens have the label \"twin\": a serial has to say which.", e.Message);
    }

    [Fact]
    public async Task WrongPin_IsRefused_AndTheRightOneThenWorks()
    {
        HsmException e = await Refused(_softHsm.Options("single", pin: "00000000"), HsmFailure.WrongCredential);

        Assert.Contains("refuses the PIN (CKR_PIN_INCORRECT)", e.Message);
        Assert.Contains("single", e.Message);
        Assert.DoesNotContain("00000000", e.ToString());
        await using Pkcs11Hsm hsm = await Pkcs11Hsm.ConnectAsync(_softHsm.Options("single"), _cancellation);
        Assert.Equal(8, (await hsm.GetRandomAsync(8, _cancellation)).Length);
    }

    [Fact]
    public async Task Pin_IsZeroedAfterTheLogin()
    {
        var handed = new List<byte[]>();
        var options = new Pkcs11Options
        {
            Library = _softHsm.Library,
            TokenLabel = "single",
            Pin = () =>
            {
                byte[] pin = System.Text.Encoding.UTF8.GetBytes(SoftHsm.Pin);
                handed.Add(pin);
                return pin;
            },
        };

        await using Pkcs11Hsm hsm = await Pkcs11Hsm.ConnectAsync(options, _cancellation);

        Assert.Equal(new byte[SoftHsm.Pin.Length], Assert.Single(handed));
    }

    [Fact]
    public async Task MissingLibrary_IsNamed_AndFoundOnceItIsThere()
    {
        string path = _softHsm.Library + ".later";
        var options = new Pkcs11Options { Library = path, TokenLabel = "single", Pin = () => "12345678"u8.ToArray() };

        HsmException e = await Refused(options, HsmFailure.Unreachable);
        Assert.Contains($"The PKCS#11 library {path} cannot be loaded", e.Message);

        File.Copy(_softHsm.Library, path);
        Pkcs11Module later = Pkcs11Module.Load(path);
        _softHsm.Initialize(later.Initialize);
        await using Pkcs11Hsm hsm = await Pkcs11Hsm.ConnectAsync(options, _cancellation);
        Assert.Equal("single", hsm.Token.Label);
    }

    private async Task<HsmException> Refused(Pkcs11Options options, HsmFailure failure)
    {
        HsmException e = await Assert.ThrowsAsync<HsmException>(() => Pkcs11Hsm.ConnectAsync(options, _cancellation));
        Assert.Equal(failure, e.Failure);
        return e;
    }
}
