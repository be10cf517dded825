using System.Diagnostics;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Interop.Ocsp;

/// <summary>What openssl asks a responder; the CA's certificate is <c>ca.pem</c>.</summary>
/// <param name="Kind">Of the CA's key and of whoever signs.</param>
/// <param name="Hash">Option of <c>openssl ocsp</c>: <c>-sm3</c>.</param>
/// <param name="Serial"><c>0x</c> and lower-case hexadecimal digits.</param>
internal sealed record ResponderQuestion(KeyKind Kind, Uri Url, string Hash, bool HasNonce, string Serial);

/// <summary>openssl and curl before a responder that runs, whatever its feed is.</summary>
internal static class ResponderQuestions
{
    /// <summary>openssl asks, reads the answer and verifies it; of SM2 it verifies the part that is signed.</summary>
    /// <param name="status">good, revoked or unknown.</param>
    /// <param name="reason">As openssl writes it, or null: none.</param>
    /// <param name="signer">Who has to have signed.</param>
    public static void BelievesTheAnswer(this OpenSsl openssl, ResponderQuestion question, string status, string? reason, Certificate signer)
    {
        OpenSsl.Output output = openssl.Run(
        [
            "ocsp", "-url", $"{question.Url}", question.Hash, "-issuer", "ca.pem", "-serial", question.Serial, question.HasNonce ? "-nonce" : "-no_nonce", "-CAfile", "ca.pem", "-partial_chain",
            "-resp_text", "-respout", "response.der", .. question.Kind == KeyKind.Sm2 ? (string[])["-noverify"] : [],
        ]);

        output.HasLines($"{question.Serial}: {status}");
        output.HasLines("OCSP Response Status: successful (0x0)");
        Assert.False(output.Says("WARNING"), output.ToString());
        Assert.Equal(question.Kind != KeyKind.Sm2, output.Error.Contains("Response verify OK", StringComparison.Ordinal));
        Assert.Equal(reason is not null, output.Says("Revocation Reason:"));
        Assert.True(reason is null || output.Says($"Revocation Reason: {reason}"), output.ToString());
        byte[] response = openssl.Read("response.der");
        openssl.VerifiesSigned(question.Kind, signer.Tbs.SubjectPublicKeyInfo, OcspResponseTests.BasicResponse(openssl, response));
        Assert.Equal(question.HasNonce, Der.Decode<OcspResponse>(response).DecodeBasic().Tbs.ResponseExtensions is not null);
    }

    /// <summary>RSA: curl gets the answer, with what a cache needs, openssl believes it, and whoever has it already gets nothing.</summary>
    public static void CurlGetsWhatItMayKeep(this OpenSsl openssl, string url, string hash, string serial, string status)
    {
        string head = Curl("-D", "-", "-o", openssl.PathOf("response.der"), url);
        Assert.StartsWith("HTTP/1.1 200", head, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/ocsp-response", head, StringComparison.Ordinal);
        Assert.Contains("Cache-Control: max-age=3600, public, no-transform, must-revalidate", head, StringComparison.Ordinal);
        Assert.Contains("Last-Modified: ", head, StringComparison.Ordinal);
        Assert.Contains("Expires: ", head, StringComparison.Ordinal);
        string tag = head.Split('\n').Single(each => each.StartsWith("ETag: ", StringComparison.Ordinal))["ETag: ".Length..].Trim();
        OpenSsl.Output output = openssl.Run(["ocsp", "-respin", "response.der", "-issuer", "ca.pem", hash, "-serial", serial, "-no_nonce", "-CAfile", "ca.pem", "-partial_chain"]);
        output.HasLines($"{serial}: {status}");
        Assert.True(output.Says("Response verify OK"));
        Assert.StartsWith("HTTP/1.1 304", Curl("-D", "-", "-H", $"If-None-Match: {tag}", url), StringComparison.Ordinal);
    }

    /// <returns>What it wrote to its output.</returns>
    public static string Curl(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("curl", ["-s", "-S", "--max-time", "20", .. arguments]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
