using System.CommandLine;
using System.Text;
using System.Text.Json;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Tests.Issuance.Crls;
using ZwCa.Tests.Issuance.Lint.Crls;

namespace ZwCa.Tests.Admin.Crls;

public sealed class CrlShowTests : IDisposable
{
    private static readonly SetTime Clock = new(TestCa.Now.AddHours(1));

    private readonly TemporaryFolder _folder = new();

    /// <summary>The three entries of <see cref="BadCrls"/>: 40aa keyCompromise, 40ab superseded, 40ac without a reason.</summary>
    [Fact]
    public async Task CompleteCrl_IsExplained()
    {
        string issuer = Write("ca.cer", Der.Encode(BadCrls.Ca.Certificate));

        (int code, string text, _) = await RunAsync(Write("a.crl", BadCrls.Complete), "--issuer", issuer, "--entries", "2");

        Assert.Equal(0, code);
        Assert.Contains("CN=政务CA 签发一,C=CN", text, StringComparison.Ordinal);
        Assert.Contains($"Issuer's key        {Convert.ToHexStringLower(BadCrls.Ca.Issuer.KeyIdentifier.Span)}", text, StringComparison.Ordinal);
        Assert.Contains("Number              7", text, StringComparison.Ordinal);
        Assert.Contains("complete: all certificates", text, StringComparison.Ordinal);
        Assert.Contains("thisUpdate          2026-07-01 08:00:00 UTC (2026-07-01 16:00:00 +08:00 local), 1 h 0 min ago", text, StringComparison.Ordinal);
        Assert.Contains("nextUpdate          2026-07-02 08:00:00 UTC (2026-07-02 16:00:00 +08:00 local), still good for 23 h 0 min", text, StringComparison.Ordinal);
        Assert.Contains("SM2 with SM3; holds", text, StringComparison.Ordinal);
        Assert.Contains("Entries             3", text, StringComparison.Ordinal);
        Assert.Contains("keyCompromise     1", text, StringComparison.Ordinal);
        Assert.Contains("every rule holds", text, StringComparison.Ordinal);
        Assert.EndsWith("All is well.\n", text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_SaysTheSame()
    {
        (int code, string text, _) = await RunAsync(Write("a.crl", BadCrls.Partition), "--json", "--entries", "1", "--serial", "40:AB");

        Assert.Equal(0, code);
        JsonElement crl = JsonDocument.Parse(text).RootElement;
        Assert.Equal("partition", crl.GetProperty("kind").GetString());
        Assert.Equal("http://pki.example.cn/crl/7.crl", crl.GetProperty("distributionPoint")[0].GetString());
        Assert.True(crl.GetProperty("onlyUserCertificates").GetBoolean());
        Assert.Equal("7", crl.GetProperty("number").GetString());
        Assert.Equal(3, crl.GetProperty("entries").GetInt64());
        Assert.Equal("40aa", Assert.Single(crl.GetProperty("first").EnumerateArray()).GetProperty("serialNumber").GetString());
        Assert.Equal(["40aa", "40ab", "40ac"], crl.GetProperty("newest").EnumerateArray().Select(each => each.GetProperty("serialNumber").GetString()));
        Assert.Equal("superseded", crl.GetProperty("asked").GetProperty("reason").GetString());
        Assert.False(crl.TryGetProperty("signatureHolds", out _));
    }

    /// <summary>Text of others in JSON at a terminal: overrides and isolates of the direction, controls, tags beyond the BMP.</summary>
    [Theory]
    [InlineData("\u202E", "\\u202E")]
    [InlineData("\u2066", "\\u2066")]
    [InlineData("\u200B", "\\u200B")]
    [InlineData("\u009B", "\\u009B")]
    [InlineData("\U000E0041", "\\uDB40\\uDC41")]
    [InlineData("\n", "\\n")]
    [InlineData("《\\》", "《\\\\》")]
    public void Json_HasNoCharactersThatSteerATerminal(string hostile, string escaped)
    {
        using var output = new StringWriter();

        ShownJson.Write(output, new { Text = $"政务{hostile}x" });

        Assert.Contains($"\"政务{escaped}x\"", output.ToString(), StringComparison.Ordinal);
        Assert.Equal($"政务{hostile}x", JsonDocument.Parse(output.ToString()).RootElement.GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("40aa", "was revoked on 2026-06-29 08:00:00 UTC (2026-06-29 16:00:00 +08:00 local), reason keyCompromise")]
    [InlineData("0x40AB", "is suspended (certificateHold) since 2026-06-30 08:00:00 UTC")]
    [InlineData("000F", "was revoked on 2026-07-01 08:00:00 UTC (2026-07-01 16:00:00 +08:00 local), reason unspecified")]
    [InlineData("40ac", "is not on this CRL")]
    public async Task SerialNumber_IsLookedFor_AndChangesNoExitCode(string serial, string answer)
    {
        using var crl = new MemoryStream();
        CrlEntry[] entries =
        [
            new(SerialNumber.Parse("40aa"), new Time(TestCa.Now.AddDays(-2)), RevocationReason.KeyCompromise),
            new(SerialNumber.Parse("40ab"), new Time(TestCa.Now.AddDays(-1)), RevocationReason.CertificateHold),
            new(SerialNumber.Parse("0f"), new Time(TestCa.Now)),
        ];
        await CrlIssuer.IssueAsync(BadCrls.Ca.Issuer, CrlIssuerTests.Request(CrlKind.Complete), entries, crl, TestContext.Current.CancellationToken);

        (int code, string text, _) = await RunAsync(Write("a.crl", crl.ToArray()), "--serial", serial);

        Assert.Equal(0, code);
        Assert.Contains(answer, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kinds_AreTold()
    {
        Assert.Contains("a delta to number 5", (await RunAsync(Write("delta.crl", BadCrls.Delta))).Text, StringComparison.Ordinal);
        Assert.Contains("a partition", (await RunAsync(Write("part.crl", BadCrls.Partition))).Text, StringComparison.Ordinal);
        Assert.Contains("RSA with SHA-256", (await RunAsync(Write("rsa.crl", BadCrls.OfRsa))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pem_IsShownAsDerIs()
    {
        string pem = "说明\n" + Pem.Encode(Pem.X509Crl, BadCrls.Complete);

        (_, string der, _) = await RunAsync(Write("a.crl", BadCrls.Complete));
        (int code, string text, _) = await RunAsync(Write("a.pem", Encoding.UTF8.GetBytes(pem)));

        Assert.Equal(0, code);
        Assert.Equal(der, text);
    }

    public static TheoryData<string, string> Unreadable => new()
    {
        { "", "Neither DER nor PEM" },
        { "<html>", "Neither DER nor PEM" },
        { "-----BEGIN X509 CRL-----\nMIIB!AAA\n-----END X509 CRL-----\n", "Base64" },
        { "-----BEGIN X509 CRL-----\nMIIB\n", "no end" },
        { "-----BEGIN X509 CRL-----\nMIIB\n-----END CERTIFICATE-----\n", "no end" },
        { "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", "Not a CRL" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task WhatIsNoCrl_IsExitCode2(string content, string reason)
    {
        (int code, string text, string error) = await RunAsync(Write("x.crl", Encoding.UTF8.GetBytes(content)));

        Assert.Equal(2, code);
        Assert.Empty(text);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingFileAndBadOptions_AreExitCode2()
    {
        Assert.Equal(2, (await RunAsync(_folder.File("missing"))).Code);
        Assert.Equal(2, (await RunAsync(Write("a.crl", BadCrls.Complete), "--issuer", _folder.File("missing"))).Code);
        Assert.NotEmpty(CrlVerbs.Crl().Parse(["show", "a", "--serial", "xyz"]).Errors);
        Assert.NotEmpty(CrlVerbs.Crl().Parse(["show", "a", "--entries", "-1"]).Errors);
        Assert.NotEmpty(CrlVerbs.Crl().Parse(["show"]).Errors);
    }

    [Fact]
    public async Task ExpiredCrl_IsWrong()
    {
        (int code, string text, _) = await RunAsync(new SetTime(TestCa.Now.AddDays(1)), Write("a.crl", BadCrls.Complete));

        Assert.Equal(1, code);
        Assert.Contains("WRONG: It has expired", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CrlOfTomorrow_IsWrong()
    {
        (int code, string text, _) = await RunAsync(new SetTime(TestCa.Now.AddHours(-1)), Write("a.crl", BadCrls.Complete));

        Assert.Equal(1, code);
        Assert.Contains("1 h 0 min ahead", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokenRule_IsWrong()
    {
        (int code, string text, _) = await RunAsync(Write("a.crl", BadCrls.All["reason 7"].Crl));

        Assert.Equal(1, code);
        Assert.Contains("crl-entry-reason-value", text, StringComparison.Ordinal);
        Assert.Contains("WRONG: It breaks a rule", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherIssuersCertificate_IsWrong()
    {
        await using TestCa other = await TestCa.CreateAsync(HsmKeyKind.P256);

        (int code, string text, _) = await RunAsync(Write("a.crl", BadCrls.Complete), "--issuer", Write("ca.cer", Der.Encode(other.Certificate)));

        Assert.Equal(1, code);
        Assert.Contains("WRONG: It is not of the CA and the key", text, StringComparison.Ordinal);
        Assert.Contains("DOES NOT HOLD", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FieldThatCannotBeUnderstood_IsToldWithTheRules()
    {
        // A GeneralizedTime before 2050.
        byte[] crl = CrlEdit.Replace(BadCrls.Complete, "0/4", CrlEdit.Element(0x18, "20260702080000Z"u8.ToArray()));

        (int code, string text, _) = await RunAsync(Write("a.crl", crl));

        Assert.Equal(1, code);
        Assert.Contains("crl-next-update-form", text, StringComparison.Ordinal);
        Assert.Contains("WRONG: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Address_IsFetched()
    {
        await using WebPlace web = await WebPlace.StartAsync(TestCa.Now);
        web.Answers["/a.crl"] = WebPlace.File(BadCrls.Complete, TestCa.Now);
        web.Answers["/moved.crl"] = context =>
        {
            context.Response.Redirect("/a.crl");
            return Task.CompletedTask;
        };
        web.Answers["/long.crl"] = context =>
        {
            context.Response.ContentLength = 300L << 20;
            return context.Response.Body.WriteAsync(new byte[1 << 16], context.RequestAborted).AsTask();
        };
        (_, string file, _) = await RunAsync(Write("a.crl", BadCrls.Complete));

        (int code, string text, _) = await RunAsync(web.Url + "/a.crl");

        Assert.Equal(0, code);
        Assert.Equal(file, text);
        Assert.Contains("redirects", await ErrorAsync("/moved.crl"), StringComparison.Ordinal);
        Assert.Contains("404", await ErrorAsync("/missing.crl"), StringComparison.Ordinal);
        Assert.Contains("more than 268435456 bytes", await ErrorAsync("/long.crl"), StringComparison.Ordinal);
        await web.StopAsync();
        Assert.Contains("does not answer", await ErrorAsync("/a.crl"), StringComparison.Ordinal);

        async Task<string> ErrorAsync(string path)
        {
            (int failed, string nothing, string error) = await RunAsync(web.Url + path);
            Assert.Equal(2, failed);
            Assert.Empty(nothing);
            return error;
        }
    }

    /// <summary>Without a length in the head, and for ever slow.</summary>
    [Fact]
    public async Task LengthAndTime_AreBounded_WhateverTheServerSays()
    {
        await using WebPlace web = await WebPlace.StartAsync(TestCa.Now);
        web.Answers["/endless"] = async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[1 << 14], context.RequestAborted);
            }
        };
        web.Answers["/dripping"] = async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(20), context.RequestAborted);
            }
        };
        web.Answers["/slow"] = async context =>
        {
            await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        using var downloader = new Downloader(Clock);

        DownloadException endless = await Assert.ThrowsAsync<DownloadException>(() => GetAsync("/endless", TimeSpan.FromMinutes(1)));
        DownloadException dripping = await Assert.ThrowsAsync<DownloadException>(() => GetAsync("/dripping", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1)));
        DownloadException slow = await Assert.ThrowsAsync<DownloadException>(() => GetAsync("/slow", TimeSpan.FromSeconds(1)));

        Assert.Contains("more than 1000000 bytes", endless.Message, StringComparison.Ordinal);
        Assert.Contains("did not answer in full within 1 s", dripping.Message, StringComparison.Ordinal);
        Assert.Contains("it was silent for 1 s", slow.Message, StringComparison.Ordinal);
        Assert.True(slow.IsServerDown);

        Task<Downloaded> GetAsync(string path, TimeSpan silence, TimeSpan? total = null) =>
            downloader.GetAsync(new Uri(web.Url + path), new DownloadLimits(1_000_000, silence) { Total = total ?? TimeSpan.FromMinutes(1) }, TestContext.Current.CancellationToken);
    }

    /// <summary>Counted is all that was ever allocated, growth of the list of 8 octets an entry included: an object that is kept for each entry would take more.</summary>
    [Fact]
    public async Task AMillionEntries_TakeLittleMemory()
    {
        const int Count = 1_000_000;
        string path = _folder.File("large.crl");
        using (FileStream file = File.Create(path))
        {
            await CrlIssuer.IssueAsync(
                BadCrls.Ca.Issuer,
                CrlIssuerTests.Request(CrlKind.Complete),
                Enumerable.Range(1, Count).Select(i => new CrlEntry(SerialNumber.FromBytes([0x40, .. BitConverter.GetBytes(i)]), new Time(TestCa.Now), RevocationReason.Superseded)),
                file,
                TestContext.Current.CancellationToken);
        }

        using FileStream stream = File.OpenRead(path);
        GC.Collect();
        long before = GC.GetAllocatedBytesForCurrentThread();

        var shown = ShownCrl.Of(CrlFile.Read(stream), BadCrls.Ca.Certificate, 10, null, TestCa.Now);

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(Count, shown.Entries);
        Assert.Equal(Count, shown.ByReason[RevocationReason.Superseded]);
        Assert.Equal(10, shown.First.Count);
        Assert.Equal(5, shown.Newest.Count);
        Assert.True(shown.SignatureHolds);
        Assert.Empty(shown.Faults);
        Assert.True(allocated < 64 << 20, $"{allocated} bytes");
    }

    public void Dispose() => _folder.Dispose();

    private static Task<(int Code, string Text, string Error)> RunAsync(params string[] arguments) => RunAsync(Clock, arguments);

    private static async Task<(int Code, string Text, string Error)> RunAsync(TimeProvider time, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await CrlVerbs.Crl(time).Parse(["show", .. arguments])
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = error }, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private string Write(string name, byte[] content)
    {
        string path = _folder.File(name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
