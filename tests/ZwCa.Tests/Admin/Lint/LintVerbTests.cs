using System.CommandLine;
using System.Text;
using System.Text.Json;
using ZwCa.Admin.Lint;
using ZwCa.Asn1;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Lint.Crls;

namespace ZwCa.Tests.Admin.Lint;

public sealed class LintVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The CRL is streamed from the file.</summary>
    [Fact]
    public void CrlInDer_IsJudged()
    {
        string good = Write("good.crl", BadCrls.Complete);
        string bad = Write("bad.crl", BadCrls.All["reason 7"].Crl);

        (int goodCode, string goodText, _) = Run(good);
        (int badCode, string badText, _) = Run(good, bad);

        Assert.Equal(0, goodCode);
        Assert.Equal($"{good}: crl: every rule holds", goodText.Trim());
        Assert.Equal(1, badCode);
        Assert.Contains("error    crl-entry-reason-value  [RFC 5280 §5.3.1]  entry 1 at offset", badText, StringComparison.Ordinal);
    }

    [Fact]
    public void AWarning_IsToldAndNoFailure()
    {
        (int code, string text, _) = Run(Write("old.crl", BadCrls.All["reason unspecified"].Crl));

        Assert.Equal(0, code);
        Assert.Contains("warning  crl-entry-reason-not-unspecified", text, StringComparison.Ordinal);
    }

    /// <summary>A certificate and two CRLs in one file, with explanations between them.</summary>
    [Fact]
    public void PemOfSeveral_IsJudgedOneByOne()
    {
        string pem = "说明\n" + Pem.Encode(Pem.Certificate, Der.Encode(BadCrls.Ca.Certificate)) + "and\n"
            + Pem.Encode(Pem.X509Crl, BadCrls.Complete) + Pem.Encode(Pem.X509Crl, BadCrls.All["no number"].Crl);

        (int code, string text, _) = Run("--json", Write("several.pem", Encoding.UTF8.GetBytes(pem)));

        Assert.Equal(1, code);
        JsonElement subjects = JsonDocument.Parse(text).RootElement.GetProperty("files")[0].GetProperty("subjects");
        Assert.Equal(["certificate", "crl", "crl"], subjects.EnumerateArray().Select(subject => subject.GetProperty("kind").GetString()));
        Assert.Empty(subjects[1].GetProperty("findings").EnumerateArray());
        JsonElement finding = Assert.Single(subjects[2].GetProperty("findings").EnumerateArray());
        Assert.Equal("crl-number-present", finding.GetProperty("rule").GetString());
        Assert.Equal("error", finding.GetProperty("severity").GetString());
    }

    [Fact]
    public void CertificateInDer_IsJudged()
    {
        byte[] bad = CrlEdit.Replace(Der.Encode(BadCrls.Ca.Certificate), "2", []);

        (int code, string text, _) = Run(Write("bad.cer", bad));

        Assert.Equal(1, code);
        Assert.Contains("certificate: errors 1", text, StringComparison.Ordinal);
        Assert.Contains("certificate-structure", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Issuer_IsComparedWith()
    {
        string issuer = Write("ca.cer", Der.Encode(BadCrls.Ca.Certificate));
        string crl = Write("other.crl", BadCrls.All["another key"].Crl);

        Assert.Equal(0, Run(crl).Code);
        (int code, string text, _) = Run("--issuer", issuer, crl);

        Assert.Equal(1, code);
        Assert.Contains("crl-key-identifier-equal", text, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Unreadable => new()
    {
        { "", "Neither DER nor PEM" },
        { "text", "Neither DER nor PEM" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n", "damaged" },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "neither CERTIFICATE nor X509 CRL" },
        { "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n-----BEGIN X509 CRL-----\n", "damaged" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void WhatCannotBeRead_IsToldByName(string content, string reason)
    {
        string file = Write("x.pem", Encoding.UTF8.GetBytes(content));

        (int code, string text, _) = Run(file, Write("good.crl", BadCrls.Complete));

        Assert.Equal(1, code);
        Assert.Contains($"{file}: cannot be read: ", text, StringComparison.Ordinal);
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.Contains("good.crl: crl: every rule holds", text, StringComparison.Ordinal);
    }

    [Fact]
    public void CertificateAboveTheBound_IsNotRead()
    {
        byte[] large = CrlEdit.Replace(Der.Encode(BadCrls.Ca.Certificate), "2", CrlEdit.Element(0x03, new byte[LintFile.MaxCertificateLength]));

        Assert.Contains("at most 65536 bytes", Run(Write("large.cer", large)).Text, StringComparison.Ordinal);
        Assert.Contains("at most 65536 bytes", Run(Write("large.pem", Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, large)))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFiles_AreToldByName()
    {
        string missing = Path.Combine(_folder.Path, "missing");

        Assert.Equal(1, Run(missing).Code);
        (int code, _, string error) = Run("--issuer", missing, Write("good.crl", BadCrls.Complete));
        Assert.Equal(1, code);
        Assert.Contains("missing", error, StringComparison.Ordinal);
        (code, _, error) = Run("--profile", missing, Write("good.crl", BadCrls.Complete));
        Assert.Equal(1, code);
        Assert.Contains("neither a shipped profile", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_AreListedWithTheirCount()
    {
        (int code, string text, _) = Run("--rules");
        (_, string json, _) = Run("--rules", "--json");

        Assert.Equal(0, code);
        int count = Linter.CertificateRules.Count + CrlLint.Rules.Count;
        Assert.StartsWith($"{count} rules: ", text.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.Equal(count, JsonDocument.Parse(json).RootElement.GetProperty("count").GetInt32());
        Assert.Equal(count, JsonDocument.Parse(json).RootElement.GetProperty("rules").GetArrayLength());
    }

    [Fact]
    public void CommandLine_IsFilesOrRules()
    {
        Assert.NotEmpty(LintVerb.Lint().Parse([]).Errors);
        Assert.NotEmpty(LintVerb.Lint().Parse(["--rules", "file"]).Errors);
        Assert.Empty(LintVerb.Lint().Parse(["--rules"]).Errors);
        Assert.Empty(LintVerb.Lint().Parse(["file"]).Errors);
    }

    public void Dispose() => _folder.Dispose();

    private static (int Code, string Text, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = LintVerb.Lint().Parse(arguments).Invoke(new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
