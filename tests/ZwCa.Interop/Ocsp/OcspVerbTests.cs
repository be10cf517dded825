using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ZwCa.Admin.Ocsp;

namespace ZwCa.Interop.Ocsp;

/// <summary><c>zwca ocsp</c> asks <c>openssl ocsp</c>, which is the responder.</summary>
public sealed class OcspVerbTests
{
    private const string Identity = "distid:1234567812345678";

    [Theory]
    [InlineData(KeyKind.Sm2, "SM2 with SM3", "sm3")]
    [InlineData(KeyKind.Rsa, "RSA with SHA-256", "sha1")]
    [InlineData(KeyKind.P256, "ECDSA with SHA-256", "sha256")]
    public async Task WhatOpenSslAnswers_IsToldAsItIs(KeyKind kind, string algorithm, string hash)
    {
        using var openssl = new OpenSsl();
        Make(openssl, kind);
        using Process responder = Start(openssl, kind);
        try
        {
            string url = await UrlOfAsync(responder);
            (int code, string text) = await AskAsync(openssl, "good.pem", url, hash, "--nonce");
            Assert.True(code == 0, text);
            foreach (string line in (string[])["Certificate   4001", "Status        good", $"Signed by     CN=ca,C=CN; {algorithm}", "Nonce         came back", "The answer may be relied on."])
            {
                Assert.Contains(line, text, StringComparison.Ordinal);
            }

            (code, text) = await AskAsync(openssl, "revoked.pem", url, hash);
            Assert.True(code == 1, text);
            Assert.Contains("REVOKED since 2026-01-01 00:00:00 UTC", text, StringComparison.Ordinal);
            Assert.Contains("keyCompromise", text, StringComparison.Ordinal);

            (code, text) = await AskAsync(openssl, "never.pem", url, hash);
            Assert.True(code == 1, text);
            Assert.Contains("UNKNOWN", text, StringComparison.Ordinal);
        }
        finally
        {
            responder.Kill();
            await responder.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>openssl signs under the empty identity unless told otherwise: no relying party of GM/T 0009 takes that.</summary>
    [Fact]
    public async Task AnAnswerUnderAnotherSm2Identity_IsNotReliedOn()
    {
        using var openssl = new OpenSsl();
        Make(openssl, KeyKind.Sm2);
        using Process responder = Start(openssl, KeyKind.Sm2, "distid:someone else");
        try
        {
            (int code, string text) = await AskAsync(openssl, "good.pem", await UrlOfAsync(responder), "sha1");
            Assert.Equal(2, code);
            Assert.Contains("WRONG: the signature of the answer does not hold", text, StringComparison.Ordinal);
        }
        finally
        {
            responder.Kill();
            await responder.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static async Task<(int Code, string Text)> AskAsync(OpenSsl openssl, string file, string url, string hash, params string[] more)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await OcspVerb.Ocsp().Parse([openssl.PathOf(file), "--issuer", openssl.PathOf("ca.pem"), "--url", url, "--hash", hash, .. more])
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = error }, TestContext.Current.CancellationToken);
        return (code, output.ToString() + error);
    }

    private static void Make(OpenSsl openssl, KeyKind kind)
    {
        string digest = kind == KeyKind.Sm2 ? "-sm3" : "-sha256";
        string[] identity = kind == KeyKind.Sm2 ? ["-sigopt", Identity] : [];
        string[] verify = kind == KeyKind.Sm2 ? ["-vfyopt", Identity] : [];
        string[] key = kind switch
        {
            KeyKind.Rsa => ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            KeyKind.Sm2 => ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"],
            _ => ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        };
        openssl.Run(["genpkey", .. key, "-out", "ca.key"]);
        openssl.Run(
        [
            "req", "-config", "openssl.cnf", "-x509", "-new", "-key", "ca.key", digest, .. identity, "-subj", "/C=CN/CN=ca", "-days", "30", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign,digitalSignature",
        ]);
        int serial = 0x4001;
        foreach (string name in (string[])["good", "revoked", "never"])
        {
            openssl.Run(["req", "-config", "openssl.cnf", "-new", "-key", "ca.key", digest, .. identity, "-subj", $"/C=CN/CN={name}", "-out", "request.csr"]);
            openssl.Run(
            [
                "x509", "-req", "-in", "request.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", serial.ToString(CultureInfo.InvariantCulture), digest, .. identity, .. verify,
                "-days", "10", "-out", $"{name}.pem",
            ]);
            serial++;
        }

        openssl.Write("index.txt", "V\t401231235959Z\t\t4001\tunknown\t/C=CN/CN=good\nR\t401231235959Z\t260101000000Z,keyCompromise\t4002\tunknown\t/C=CN/CN=revoked\n"u8);
    }

    private static Process Start(OpenSsl openssl, KeyKind kind, string identity = Identity)
    {
        string[] signing = kind == KeyKind.Sm2 ? ["-rmd", "sm3", "-rsigopt", identity] : ["-rmd", "sha256"];
        string[] command =
        [
            "ocsp", "-index", openssl.PathOf("index.txt"), "-port", "0", "-rsigner", openssl.PathOf("ca.pem"), "-rkey", openssl.PathOf("ca.key"), "-CA", openssl.PathOf("ca.pem"), "-ndays", "1", .. signing,
        ];
        return Process.Start(new ProcessStartInfo("openssl", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    /// <summary>It says which port it has taken.</summary>
    private static async Task<string> UrlOfAsync(Process responder)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        string said = "";
        while (await responder.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            said += line + "\n";
            if (line.StartsWith("ACCEPT ", StringComparison.Ordinal))
            {
                string place = line.Split(' ')[1];
                return $"http://localhost:{place[(place.LastIndexOf(':') + 1)..]}/";
            }
        }

        throw new InvalidOperationException($"It does not listen: {said}{await responder.StandardError.ReadToEndAsync(patience.Token)}");
    }
}
