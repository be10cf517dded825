using System.CommandLine;
using System.Text.Json;
using ZwCa.Admin.Crls;

namespace ZwCa.Interop.Pkix;

/// <summary>CRLs that <c>openssl ca -gencrl</c> has made, explained by <c>zwca crl show</c>.</summary>
public sealed class CrlShowTests
{
    [Theory]
    [InlineData(KeyKind.Sm2, "SM2 with SM3")]
    [InlineData(KeyKind.Rsa, "RSA with SHA-256")]
    [InlineData(KeyKind.P256, "ECDSA with SHA-256")]
    public async Task CrlOfOpenSsl_IsShownAsItIs(KeyKind kind, string algorithm)
    {
        using var openssl = new OpenSsl();
        Make(openssl, kind);
        openssl.Run("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der");

        (int code, string text) = await ShowAsync(openssl, "crl.pem", "--json", "--issuer", openssl.PathOf("ca.pem"), "--serial", "4002", "--entries", "1");
        (int codeOfDer, string textOfDer) = await ShowAsync(openssl, "crl.der", "--json", "--issuer", openssl.PathOf("ca.pem"), "--serial", "4002", "--entries", "1");

        Assert.Equal((0, 0), (code, codeOfDer));
        Assert.Equal(text, textOfDer);
        JsonElement crl = JsonDocument.Parse(text).RootElement;
        Assert.Equal(algorithm, crl.GetProperty("signatureAlgorithm").GetString());
        Assert.True(crl.GetProperty("signatureHolds").GetBoolean());
        Assert.Equal("10", crl.GetProperty("number").GetString());
        Assert.Equal("CN=ca,C=CN", crl.GetProperty("issuer").GetString());
        Assert.Equal("complete", crl.GetProperty("kind").GetString());
        Assert.Equal(3, crl.GetProperty("entries").GetInt64());
        Assert.Equal("""{"unspecified":1,"keyCompromise":1,"certificateHold":1}""", JsonSerializer.Serialize(crl.GetProperty("byReason")));
        Assert.Equal(["4003", "4002", "4001"], crl.GetProperty("newest").EnumerateArray().Select(each => each.GetProperty("serialNumber").GetString()));
        Assert.Equal("4001", Assert.Single(crl.GetProperty("first").EnumerateArray()).GetProperty("serialNumber").GetString());
        Assert.Equal("2025-02-01T00:00:00Z", crl.GetProperty("asked").GetProperty("revokedAt").GetString());

        // The same times as openssl reads.
        string next = openssl.Run("crl", "-in", "crl.pem", "-noout", "-nextupdate").Lines[0]["nextUpdate=".Length..];
        Assert.Equal(
            DateTime.ParseExact(next.Replace("  ", " ", StringComparison.Ordinal), "MMM d HH:mm:ss yyyy 'GMT'", System.Globalization.CultureInfo.InvariantCulture),
            crl.GetProperty("nextUpdate").GetDateTime());
    }

    /// <summary>openssl makes them under the empty identity unless told otherwise, and so do those who do not read GM/T 0009.</summary>
    [Fact]
    public async Task CrlUnderAnotherSm2Identity_IsNotSigned()
    {
        using var openssl = new OpenSsl();
        Make(openssl, KeyKind.Sm2, "distid:someone else");

        (int code, string text) = await ShowAsync(openssl, "crl.pem", "--issuer", openssl.PathOf("ca.pem"));

        Assert.Equal(1, code);
        Assert.Contains("DOES NOT HOLD", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(KeyKind.Sm2)]
    [InlineData(KeyKind.Rsa)]
    public async Task AnotherCasCertificate_IsToldApart(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        using var other = new OpenSsl();
        Make(openssl, kind);
        Make(other, kind);

        (int code, string text) = await ShowAsync(openssl, "crl.pem", "--issuer", other.PathOf("ca.pem"));

        Assert.Equal(1, code);
        Assert.Contains("It is not of the CA and the key", text, StringComparison.Ordinal);
        Assert.Contains("DOES NOT HOLD", text, StringComparison.Ordinal);
    }

    private static void Make(OpenSsl openssl, KeyKind kind, string? crlIdentity = null)
    {
        openssl.Write("ca.cnf", System.Text.Encoding.ASCII.GetBytes($"""
            [ca]
            default_ca = own
            [own]
            database = index.txt
            crlnumber = number.txt
            default_md = {kind.Digest()}
            default_crl_days = 1
            certificate = ca.pem
            private_key = key.pem
            [with]
            authorityKeyIdentifier = keyid:always
            [req]
            distinguished_name = subject
            [subject]
            [root]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash
            """));
        openssl.Write("index.txt",
            "R\t360101000000Z\t250101000000Z,keyCompromise\t4001\tunknown\t/CN=a\nR\t360101000000Z\t250201000000Z\t4002\tunknown\t/CN=b\nR\t360101000000Z\t250301000000Z,certificateHold\t4003\tunknown\t/CN=c\n"u8);
        openssl.Write("number.txt", "0A\n"u8);
        openssl.Run(["genpkey", .. kind.GenerateOptions(), "-out", "key.pem"]);
        openssl.Run(
            ["req", "-new", "-x509", "-config", "ca.cnf", "-extensions", "root", "-key", "key.pem", "-subj", "/C=CN/CN=ca", "-days", "30", $"-{kind.Digest()}", .. kind.SignOptions(), "-out", "ca.pem"], []);
        openssl.Run(["ca", "-config", "ca.cnf", "-gencrl", "-crlexts", "with", .. crlIdentity is null ? kind.SignOptions() : ["-sigopt", crlIdentity], "-out", "crl.pem"], []);
    }

    private static async Task<(int Code, string Text)> ShowAsync(OpenSsl openssl, string file, params string[] options)
    {
        using var output = new StringWriter();
        int code = await CrlVerbs.Crl().Parse(["show", openssl.PathOf(file), .. options])
            .InvokeAsync(new InvocationConfiguration { Output = output }, TestContext.Current.CancellationToken);
        return (code, output.ToString());
    }
}
