using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop;

/// <summary>openssl judges what a software token makes: requests, signatures, and the keys that a demo token gives away.</summary>
public sealed class TokenTests
{
    private const string TokenPin = "officer-pin-1";

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void ARequest_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        using UnlockedToken token = NewToken(folder, demo: false);
        token.CreateContainer("a", KindOf(kind));
        CertificationRequest request = token.CreateRequest("a", SubjectText.Parse("CN=张三,O=某局,C=CN"));
        string file = openssl.WritePem("request.pem", Pem.CertificateRequest, request);

        OpenSsl.Output output = openssl.Run(["req", "-in", file, "-verify", .. kind.VerifyOptions(), "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb"]);

        Assert.Contains("self-signature verify OK", output.Error);
        output.HasLines("Subject: C = CN, O = 某局, CN = 张三");
        output.HasLines($"Signature Algorithm: {kind.SignatureAlgorithmName()}");
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void ASignature_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        using UnlockedToken token = NewToken(folder, demo: false);
        SubjectPublicKeyInfo key = token.CreateContainer("a", KindOf(kind)).PublicKey;
        byte[] message = "公文"u8.ToArray();

        byte[] signature = token.Sign("a", message);

        openssl.VerifiesSignature(kind, key, message, signature);
        openssl.RefusesSignature(kind, key, [.. message, 0], signature);
    }

    [Fact]
    public void TheSignatureOfAStatement_IsVerified()
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        using UnlockedToken token = NewToken(folder, demo: false);
        SubjectPublicKeyInfo key = token.CreateContainer("a", TokenKeyKind.Sm2).PublicKey;
        byte[] statement = "仪式记录\n"u8.ToArray();

        openssl.VerifiesSignature(KeyKind.Sm2, key, statement, Der.Encode(token.SignStatement("a", statement).Signature));
    }

    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void AnExportedDemoKey_IsRead(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        using var folder = new TemporaryFolder();
        using UnlockedToken token = NewToken(folder, demo: true);
        SubjectPublicKeyInfo key = token.CreateContainer("a", KindOf(kind)).PublicKey;
        string file = openssl.Write("key.pem", System.Text.Encoding.ASCII.GetBytes(token.ExportPrivateKey("a", TokenPin)));

        OpenSsl.Output read = openssl.Run("pkey", "-in", file, "-passin", $"pass:{TokenPin}", "-pubout", "-outform", "DER");

        Assert.Equal(Der.Encode(key), read.Bytes);
        Assert.NotEqual(0, openssl.Try("pkey", "-in", file, "-passin", "pass:wrong-pin-1", "-noout").ExitCode);
    }

    private static UnlockedToken NewToken(TemporaryFolder folder, bool demo) =>
        SoftwareToken.Create(folder.File("token"), "张三", TokenPin, demo, TimeProvider.System).Unlock(TokenPin);

    private static TokenKeyKind KindOf(KeyKind kind) => kind switch
    {
        KeyKind.Sm2 => TokenKeyKind.Sm2,
        KeyKind.P256 => TokenKeyKind.P256,
        _ => TokenKeyKind.Rsa2048,
    };
}
