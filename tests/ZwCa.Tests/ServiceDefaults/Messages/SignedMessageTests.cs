using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.ServiceDefaults.Messages;

/// <summary>The lines, and who signed them.</summary>
public sealed class SignedMessageTests
{
    private static readonly SerialNumber Sender = SerialNumber.Parse("4a01");
    private static readonly RequestId Id = RequestId.Parse("0123456789abcdef");
    private static readonly DateTimeOffset Created = DateTimeOffset.FromUnixTimeMilliseconds(1_750_000_000_123);

    private static SignedMessage Message(
        string sender = "4a01", string recipient = "ca", string method = "POST", string target = "/a?b=1", string id = "0123456789abcdef", long created = 1_750_000_000_123, string body = "x") =>
        new(
            SerialNumber.Parse(sender), recipient, method, target, RequestId.Parse(id), DateTimeOffset.FromUnixTimeMilliseconds(created),
            Sm3.HashData(Encoding.UTF8.GetBytes(body)));

    public static TheoryData<string, SignedMessage> Altered => new()
    {
        { "sender", Message(sender: "4a02") },
        { "recipient", Message(recipient: "kmc") },
        { "method", Message(method: "PUT") },
        { "path", Message(target: "/b?b=1") },
        { "query", Message(target: "/a?b=2") },
        { "id", Message(id: "0123456789abcdeg") },
        { "case of the id", Message(id: "0123456789Abcdef") },
        { "time", Message(created: 1_750_000_000_124) },
        { "body", Message(body: "y") },
    };

    [Fact]
    public void Lines_AreThese()
    {
        // SM3("abc"), GB/T 32905-2016 annex A.1.
        const string hash = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        Assert.Equal(
            $"ZWCA1\n4a01\nra-330000\nPOST\n/pairs?x=%E4%B8%AD\n0123456789abcdef\n1750000000123\n{hash}\n",
            Encoding.UTF8.GetString(Message(recipient: "ra-330000", target: "/pairs?x=%E4%B8%AD", body: "abc").Bytes.Span));
    }

    [Theory]
    [MemberData(nameof(Altered))]
    public void AnyLineAltered_SignatureDoesNotHold(string what, SignedMessage altered)
    {
        using var key = Sm2PrivateKey.Generate();
        Sm2Signature signature = Sign(key, Message());

        Assert.True(Message().IsSignedBy(key.PublicKey, signature));
        Assert.False(altered.IsSignedBy(key.PublicKey, signature), what);
    }

    [Fact]
    public void SignatureUnderAnotherIdentity_DoesNotHold()
    {
        using var key = Sm2PrivateKey.Generate();
        byte[] raw = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(Message().Bytes.Span, raw, "ALICE123@YAHOO.COM"u8);

        Assert.False(Message().IsSignedBy(key.PublicKey, Sm2Signature.FromRaw(raw)));
    }

    [Fact]
    public void SignatureByAnotherKey_DoesNotHold()
    {
        using var key = Sm2PrivateKey.Generate();
        using var other = Sm2PrivateKey.Generate();

        Assert.False(Message().IsSignedBy(key.PublicKey, Sign(other, Message())));
    }

    [Fact]
    public async Task BothKindsOfSigner_Sign()
    {
        await using var hsm = new MemoryHsm();
        HsmKey inDevice = await hsm.GenerateKeyAsync(new KeyLabel("message"), HsmKeyKind.Sm2, TestContext.Current.CancellationToken);
        using var inHand = Sm2PrivateKey.Generate();
        Assert.True(inDevice.PublicKey!.TryGetSm2Key(out Sm2PublicKey? deviceKey));

        byte[] first = await new MessageSigner(Sender, new HsmSigner(hsm, inDevice)).SignAsync(Message(), TestContext.Current.CancellationToken);
        byte[] second = await new MessageSigner(Sender, inHand).SignAsync(Message(), TestContext.Current.CancellationToken);

        Assert.True(Message().IsSignedBy(deviceKey, Der.Decode<Sm2Signature>(first)));
        Assert.True(Message().IsSignedBy(inHand.PublicKey, Der.Decode<Sm2Signature>(second)));
    }

    [Fact]
    public async Task SignerOfAnotherSenderOrKind_IsABug()
    {
        await using var hsm = new MemoryHsm();
        HsmKey rsa = await hsm.GenerateKeyAsync(new KeyLabel("rsa"), HsmKeyKind.P256, TestContext.Current.CancellationToken);
        using var key = Sm2PrivateKey.Generate();

        Assert.Throws<ArgumentException>(() => new MessageSigner(Sender, new HsmSigner(hsm, rsa)));
        await Assert.ThrowsAsync<ArgumentException>(() => new MessageSigner(Sender, key).SignAsync(Message(sender: "4a02"), TestContext.Current.CancellationToken));
    }

    /// <summary>Nothing that could end a line, and nothing that two readers could take for different lines.</summary>
    [Theory]
    [InlineData("", "POST", "/")]
    [InlineData("CA", "POST", "/")]
    [InlineData("c a", "POST", "/")]
    [InlineData("ca\n", "POST", "/")]
    [InlineData("中", "POST", "/")]
    [InlineData("ca", "", "/")]
    [InlineData("ca", "post", "/")]
    [InlineData("ca", "PO\nST", "/")]
    [InlineData("ca", "POSTPOSTPOSTPOSTX", "/")]
    [InlineData("ca", "POST", "")]
    [InlineData("ca", "POST", "a")]
    [InlineData("ca", "POST", "https://ca/")]
    [InlineData("ca", "POST", "*")]
    [InlineData("ca", "POST", "/a b")]
    [InlineData("ca", "POST", "/a#b")]
    [InlineData("ca", "POST", "/a\nb")]
    [InlineData("ca", "POST", "/a\rb")]
    [InlineData("ca", "POST", "/a\u007f")]
    [InlineData("ca", "POST", "/中")]
    public void FieldOfAnotherForm_IsRefused(string recipient, string method, string target) =>
        Assert.Throws<ArgumentException>(() => new SignedMessage(Sender, recipient, method, target, Id, Created, new byte[32]));

    [Theory]
    [InlineData("short-of-sixteen", true)]
    [InlineData("short-of-sixtee", false)]
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", true)]
    [InlineData("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_0", false)]
    [InlineData("0123456789abcdef\n", false)]
    [InlineData("0123456789abcde ", false)]
    [InlineData("0123456789abcde.", false)]
    [InlineData("0123456789abcde中", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void RequestIds(string? text, bool valid)
    {
        Assert.Equal(valid, RequestId.TryParse(text, out RequestId? id));
        Assert.Equal(valid ? text : null, id?.ToString());
    }

    [Fact]
    public void NewRequestIds_Differ()
    {
        var id = RequestId.Create(TimeProvider.System);
        Assert.NotEqual(id, RequestId.Create(TimeProvider.System));
        Assert.Equal(id, RequestId.Parse(id.ToString()));
    }

    private static Sm2Signature Sign(Sm2PrivateKey key, SignedMessage message)
    {
        byte[] raw = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(message.Bytes.Span, raw);
        return Sm2Signature.FromRaw(raw);
    }
}
