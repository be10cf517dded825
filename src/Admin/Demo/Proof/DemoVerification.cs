using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Demo;

/// <summary>Two opinions on whether one certificate issued another: our own, and openssl's.</summary>
internal static class DemoVerification
{
    private const string DistinguishingId = "distid:1234567812345678";

    /// <summary>Names, key identifiers, validity, CA bit and signature of one link; not RFC 5280 path validation.</summary>
    public static bool IsIssuedBy(Certificate certificate, Certificate issuer, DateTimeOffset now)
    {
        ReadOnlySpan<byte> aki = certificate.Tbs.Extensions!.Find<AuthorityKeyIdentifier>()!.KeyIdentifier!.Value.Span;
        ReadOnlySpan<byte> ski = issuer.Tbs.Extensions!.Find<SubjectKeyIdentifier>()!.KeyIdentifier.Span;
        return certificate.AlgorithmsAgree
            && certificate.Tbs.Issuer == issuer.Tbs.Subject
            && aki.SequenceEqual(ski)
            && issuer.Tbs.Extensions.Find<BasicConstraints>() is { IsCa: true }
            && certificate.Tbs.Validity.NotBefore.Value <= now
            && now <= certificate.Tbs.Validity.NotAfter.Value
            && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature);
    }

    /// <summary>The same certificate with one bit of its subject's key changed; its signature no longer fits.</summary>
    public static Certificate Tampered(Certificate certificate)
    {
        byte[] tbs = certificate.TbsBytes.ToArray();
        int key = tbs.AsSpan().IndexOf(certificate.Tbs.SubjectPublicKeyInfo.PublicKey.Span);
        tbs[key + Sm2.PublicKeySizeInBytes - 1] ^= 1;
        return Certificate.Assemble(tbs, certificate.Signature);
    }

    /// <returns>What <c>openssl version</c> says, or null where there is no openssl 3 on PATH.</returns>
    public static string? OpenSslVersion()
    {
        try
        {
            string version = OpenSsl("version").Output.Trim();
            return version.StartsWith("OpenSSL 3", StringComparison.Ordinal) || version.StartsWith("OpenSSL 4", StringComparison.Ordinal) ? version : null;
        }
        catch (Win32Exception)
        {
            // No such program: the demo says so and goes on.
            return null;
        }
    }

    /// <summary>One link, because openssl 3.0 applies the distinguishing id to the leaf only.</summary>
    /// <param name="isSm2">How the issuer signs.</param>
    public static (bool Accepted, string Output) OpenSslVerify(string certificatePath, string issuerPath, bool isSm2)
    {
        string[] identity = isSm2 ? ["-vfyopt", DistinguishingId] : [];
        (int exitCode, string output) = OpenSsl(["verify", .. identity, "-partial_chain", "-trusted", issuerPath, certificatePath]);
        return (exitCode == 0, output);
    }

    /// <summary>A message for whom an SM2 certificate is of.</summary>
    /// <param name="folder">For files that are deleted again.</param>
    /// <returns>DER of SM2Cipher. Null: there is no openssl.</returns>
    public static byte[]? OpenSslEncrypt(Certificate recipient, byte[] message, string folder)
    {
        if (OpenSslVersion() is null)
        {
            return null;
        }

        string key = Path.Combine(folder, "recipient.pem"), plain = Path.Combine(folder, "message.txt"), sealedFile = Path.Combine(folder, "message.sm2");
        File.WriteAllText(key, Pem.Encode(Pem.PublicKey, Der.Encode(recipient.Tbs.SubjectPublicKeyInfo)));
        File.WriteAllBytes(plain, message);
        (int exitCode, string output) = OpenSsl("pkeyutl", "-encrypt", "-pubin", "-inkey", key, "-in", plain, "-out", sealedFile);
        byte[] encrypted = exitCode == 0 ? File.ReadAllBytes(sealedFile) : throw new DemoException($"openssl pkeyutl: {output}");
        foreach (string file in new[] { key, plain, sealedFile })
        {
            File.Delete(file);
        }

        return encrypted;
    }

    private static (int ExitCode, string Output) OpenSsl(params string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
