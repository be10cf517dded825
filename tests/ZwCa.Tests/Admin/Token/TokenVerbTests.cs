using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Token;

/// <summary>An officer's day at the command line, and all that he can get wrong.</summary>
public sealed class TokenVerbTests
{
    private static readonly string[] NewContainer = ["--kind", "sm2", "--subject", "CN=张三,O=某局,C=CN"];

    [Fact]
    public void AnOfficerMakesAToken_AsksForACertificate_AndKeepsIt()
    {
        using var desk = new TestToken(make: false);
        Assert.Contains("不能强制", desk.Do("init", "--label", "张三"));
        desk.Do("csr", ["--container", "签名", .. NewContainer, "--out", desk.File("a.csr")]);
        CertificationRequest request = Der.Decode<CertificationRequest>(Pem.Decode(Pem.CertificateRequest, File.ReadAllText(desk.File("a.csr"))));
        Assert.Equal("CN=张三,O=某局,C=CN", request.Info.Subject.ToString());
        Certificate certificate = desk.Certify(request.Info.SubjectPublicKeyInfo);

        // By the key alone, and without a PIN.
        desk.Environment.Clear();
        Assert.Contains("签名", desk.Do("import", "--certificate", desk.WriteCertificate("a.pem", certificate)));

        string listed = desk.Do("list");
        Assert.Contains(Convert.ToHexStringLower(Sm3.HashData(Der.Encode(request.Info.SubjectPublicKeyInfo))), listed);
        Assert.Contains(certificate.Tbs.SerialNumber.ToString(), listed);
        JsonNode json = JsonNode.Parse(desk.Do("list", "--json"))!;
        Assert.Equal("张三", (string?)json["label"]);
        Assert.False((bool?)json["demo"]);
        Assert.Equal("sm2", (string?)json["containers"]![0]!["kind"]);
        Assert.Equal("CN=张三,C=CN", (string?)json["containers"]![0]!["certificate"]!["subject"]);
        Assert.Equal("2027-03-02T09:00:00Z", (string?)json["containers"]![0]!["certificate"]!["notAfter"]);
    }

    [Fact]
    public void WithoutAFile_TheRequestAloneIsOnTheOutput_AndAnExistingKeyIsUsedAgain()
    {
        using var desk = new TestToken();
        (_, string first, string said) = desk.Run("csr", ["--container", "a", .. NewContainer]);
        (_, string second, _) = desk.Run("csr", "--container", "a", "--subject", "CN=李四,C=CN");

        CertificationRequest[] requests = [.. new[] { first, second }.Select(pem => Der.Decode<CertificationRequest>(Pem.Decode(Pem.CertificateRequest, pem)))];
        Assert.StartsWith("-----BEGIN", first);
        Assert.Contains("公钥指纹", said);
        Assert.Equal(requests[0].Info.SubjectPublicKeyInfo, requests[1].Info.SubjectPublicKeyInfo);
    }

    [Fact]
    public void ThePinIsTypedTwice_WhereNoVariableHasIt()
    {
        using var desk = new TestToken(make: false);
        desk.Environment.Clear();
        desk.Typed.Enqueue(TestToken.Pin);
        desk.Typed.Enqueue("officer-pin-2");
        Assert.Contains("不一致", Failure(desk.Run("init", "--label", "张三")));
        Assert.False(Directory.Exists(desk.Folder));

        desk.Typed.Enqueue(TestToken.Pin);
        desk.Typed.Enqueue(TestToken.Pin);
        desk.Do("init", "--label", "张三");
        desk.Typed.Enqueue(TestToken.Pin);
        desk.Do("csr", ["--container", "a", .. NewContainer]);
    }

    [Fact]
    public void ThePinIsChanged()
    {
        using var desk = new TestToken();
        desk.Environment[TokenDesk.NewPinVariable] = "another-pin-2";
        desk.Do("pin");
        Assert.Contains("PIN不正确", Failure(desk.Run("csr", ["--container", "a", .. NewContainer])));
        desk.Environment[TokenDesk.PinVariable] = "another-pin-2";
        desk.Do("csr", ["--container", "a", .. NewContainer]);
    }

    [Fact]
    public void OnlyADemoToken_ExportsAKey_EncryptedUnderItsPin()
    {
        using var desk = new TestToken(demo: true);
        using var real = new TestToken();
        TokenContainer container = desk.NewOfficerContainer();
        real.NewOfficerContainer();

        desk.Do("export", "--container", "签名", "--out", desk.File("a.key"));
        using Sm2PrivateKey key = Sm2KeyFile.Read(File.ReadAllText(desk.File("a.key")), TestToken.Pin);
        Assert.Equal(container.PublicKey, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        Assert.Contains("演示 DEMO", desk.Do("list"));

        Assert.Contains("只有演示令牌", Failure(real.Run("export", "--container", "签名", "--out", real.File("a.key"))));
        Assert.False(File.Exists(real.File("a.key")));
    }

    public static TheoryData<string, string[], string> Mistakes => new()
    {
        { "a file that is there", ["init", "--label", "张三"], "不会被覆盖" },
        { "a label that is none", ["init", "--label", "\u202E"], "令牌名称" },
        { "an unknown container", ["csr", "--container", "无", "--subject", "CN=a"], "--kind" },
        { "a container that is there", ["csr", "--container", "签名", "--kind", "sm2", "--subject", "CN=a"], "不会被覆盖" },
        { "a container that leads elsewhere", ["csr", "--container", "../x", "--kind", "sm2", "--subject", "CN=a"], "容器名称" },
        { "a subject that is none", ["csr", "--container", "b", "--kind", "sm2", "--subject", "张三"], "不是可用的属性" },
        { "an output that is there", ["csr", "--container", "b", "--kind", "sm2", "--subject", "CN=a", "--out", "{there}"], "已存在" },
        { "an output in no folder", ["csr", "--container", "b", "--kind", "sm2", "--subject", "CN=a", "--out", "{none}/a/b"], "不存在" },
        { "a certificate of another key", ["import", "--container", "签名", "--certificate", "{stranger}"], "未导入" },
        { "a certificate of no container", ["import", "--certificate", "{stranger}"], "未导入" },
        { "a certificate that is none", ["import", "--container", "签名", "--certificate", "{there}"], "不是单张证书" },
        { "a certificate that is cut", ["import", "--container", "签名", "--certificate", "{cut}"], "不是单张证书" },
        { "a certificate that is missing", ["import", "--container", "签名", "--certificate", "{none}"], "找不到文件" },
        { "a certificate for no container of that name", ["import", "--container", "无", "--certificate", "{stranger}"], "已有容器：新、签名、链路" },
        { "an application that is none", ["sign", "--container", "签名", "--application", "{there}", "--step", "entry", "--out", "{none}"], "不是业务申请" },
        { "an application that is missing", ["sign", "--container", "签名", "--application", "{none}", "--step", "entry", "--out", "{none}"], "找不到文件" },
        { "an application twice", ["sign", "--container", "签名", "--application", "{application}", "{application}", "--step", "entry", "--out", "{none}"], "不止一次" },
        { "an approval by a key without certificate", ["sign", "--container", "新", "--application", "{application}", "--step", "entry", "--out", "{none}"], "还没有证书" },
        { "an approval by a key of another kind", ["sign", "--container", "链路", "--application", "{application}", "--step", "entry", "--out", "{none}"], "不是SM2" },
        { "two containers to choose from", ["sign", "--application", "{application}", "--step", "entry", "--out", "{none}"], "--container" },
        { "an approval over a file", ["sign", "--container", "签名", "--application", "{application}", "--step", "entry", "--out", "{there}"], "已存在" },
        { "an empty statement", ["sign", "--container", "签名", "--statement", "{empty}", "--out", "{none}"], "空的" },
        { "no yes", ["sign", "--container", "签名", "--statement", "{there}", "--out", "{none}"], "没有签名" },
        { "export from a real token", ["export", "--container", "签名", "--out", "{none}"], "只有演示令牌" },
        { "export from nowhere", ["export", "--container", "无", "--out", "{none}"], "没有容器" },
        { "a new PIN that is none", ["pin"], "6至64" },
    };

    /// <summary>With the containers 签名 (an officer's), 新 (no certificate) and 链路 (P-256).</summary>
    [Theory]
    [MemberData(nameof(Mistakes))]
    public void AMistake_IsOneLineThatSaysWhatToDo_AndLosesNothing(string mistake, string[] arguments, string expected)
    {
        Assert.NotEmpty(mistake);
        using var desk = TestToken.Stocked();
        using var stranger = Sm2PrivateKey.Generate();
        byte[] certificate = Der.Encode(desk.Certify(SubjectPublicKeyInfo.ForSm2(stranger.PublicKey.ToBytes())));
        var files = new Dictionary<string, string>
        {
            ["{there}"] = desk.Write("there", "text"u8.ToArray()),
            ["{none}"] = desk.File("none"),
            ["{empty}"] = desk.Write("empty", []),
            ["{stranger}"] = desk.Write("stranger", certificate),
            ["{cut}"] = desk.Write("cut", certificate[..^1]),
            ["{application}"] = desk.Write("application", Der.Encode(TestToken.NewApplication())),
        };
        desk.Environment[TokenDesk.NewPinVariable] = "short";
        IReadOnlyDictionary<string, string> before = desk.Snapshot();

        string error = Failure(desk.Run(arguments[0], [.. arguments[1..].Select(each => files.Aggregate(each, (text, file) => text.Replace(file.Key, file.Value)))]));

        Assert.Contains(expected, error);
        Assert.Equal(before, desk.Snapshot());
        Assert.False(File.Exists(desk.File("none")));
        Assert.Equal("text", File.ReadAllText(desk.File("there")));
    }

    [Theory]
    [InlineData("token.json", "{}")]
    [InlineData("token.json", "not json")]
    [InlineData("token.json", "")]
    [InlineData("token.json", null)]
    [InlineData("master.key", null)]
    [InlineData("containers", null)]
    public void WhatIsNoToken_OrNoLongerOne_IsSaid(string file, string? content)
    {
        using var desk = new TestToken();
        string path = Path.Combine(desk.Folder, file);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else if (content is null)
        {
            File.Delete(path);
        }
        else
        {
            File.WriteAllText(path, content);
        }

        Failure(desk.Run("list"));
        Failure(desk.Run("csr", ["--container", "a", .. NewContainer]));
    }

    [Fact]
    public void NoFolder_OrAnyFolder_IsNoToken()
    {
        using var desk = new TestToken(make: false);
        Assert.Contains("找不到令牌文件夹", Failure(desk.Run("list")));
        Directory.CreateDirectory(desk.Folder);
        Assert.Contains("不是令牌", Failure(desk.Run("list")));
    }

    [Fact]
    public void ATokenOfAnotherFormat_IsSaidToBeOne()
    {
        using var desk = new TestToken();
        string path = Path.Combine(desk.Folder, "token.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("zwca-token-1", "zwca-token-9"));
        Assert.Contains("格式", Failure(desk.Run("list")));
    }

    [Theory]
    [InlineData("public.pem", "损坏")]
    [InlineData("certificate.pem", "损坏")]
    public void ADamagedContainer_IsNamed_AndHidesNoOther(string file, string expected)
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer("a");
        TokenContainer b = desk.NewOfficerContainer("b");
        File.WriteAllText(Path.Combine(desk.Folder, "containers/a/signing", file), "-----BEGIN X-----");

        (int exitCode, string output, string error) = desk.Run("list");

        Assert.Equal(1, exitCode);
        Assert.Contains(expected, error);
        Assert.Contains(Path.Combine("a", "signing", file), output);
        Assert.Contains(b.Fingerprint, output);
    }

    [Fact]
    public void ACertificateThatWasPutThere_ForAnotherKey_IsNoticed()
    {
        using var desk = new TestToken();
        TokenContainer a = desk.NewOfficerContainer("a");
        desk.NewOfficerContainer("b");
        File.Copy(Path.Combine(desk.Folder, "containers/b/signing/certificate.pem"), Path.Combine(desk.Folder, "containers/a/signing/certificate.pem"), overwrite: true);
        Assert.Contains("与其公钥不符", desk.Run("list").Output);

        // With the public key to match, it shows another key; but signs nothing.
        File.Copy(Path.Combine(desk.Folder, "containers/b/signing/public.pem"), Path.Combine(desk.Folder, "containers/a/signing/public.pem"), overwrite: true);
        Assert.DoesNotContain(a.Fingerprint, desk.Do("list"));
        string application = desk.Write("application", Der.Encode(TestToken.NewApplication()));
        Assert.Contains("换过", Failure(desk.Run("sign", "--container", "a", "--application", application, "--step", "entry", "--out", desk.File("out"), "--yes")));
    }

    [Theory]
    [InlineData("sign", "--out", "x")]
    [InlineData("sign", "--out", "x", "--application", "a")]
    [InlineData("sign", "--out", "x", "--statement", "a", "--application", "a", "--step", "entry")]
    [InlineData("sign", "--out", "x", "--statement", "a", "--step", "entry")]
    [InlineData("sign", "--out", "x", "--application", "a", "--step", "both")]
    [InlineData("sign", "--application", "a", "--step", "entry")]
    [InlineData("csr", "--container", "a", "--kind", "sm9", "--subject", "CN=a")]
    [InlineData("csr", "--kind", "sm2", "--subject", "CN=a")]
    [InlineData("init", "--label", "a", "--pin", "123456")]
    [InlineData("frob")]
    public void AWrongCommandLine_IsExitCode2(params string[] arguments)
    {
        using var desk = new TestToken(make: false);
        Assert.Equal(2, desk.Run(arguments[0], arguments[1..]).ExitCode);
    }

    /// <returns>The line.</returns>
    private static string Failure((int ExitCode, string Output, string Error) run)
    {
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(1, run.Error.Count(each => each == '\n'));
        Assert.DoesNotContain(TestToken.Pin, run.Error);
        return run.Error;
    }
}
