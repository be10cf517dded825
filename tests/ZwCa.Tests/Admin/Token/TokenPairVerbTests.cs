using System.Text.Json.Nodes;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Token;

/// <summary>A subscriber at the command line: the pair arrives, and what was encrypted to it is read.</summary>
public sealed class TokenPairVerbTests : IDisposable
{
    private const string Container = "新";

    private readonly TestToken _desk = TestToken.Stocked();
    private readonly PairAnswer _answer;

    public TokenPairVerbTests() => _answer = PairAnswer.For(SigningKey, _desk.Clock.GetUtcNow());

    private SubjectPublicKeyInfo SigningKey => SoftwareToken.Open(_desk.Folder, _desk.Clock).Container(Container).PublicKey;

    public void Dispose() => _desk.Dispose();

    [Fact]
    public void APairArrives_IsListed_AndDecrypts()
    {
        string said = _desk.Do("import", Import());
        Assert.Contains("加密证书及其密钥", said);
        SignedReceipt receipt = Der.Decode<SignedReceipt>(File.ReadAllBytes(_desk.File("receipt")));
        Assert.True(receipt.Verify(SigningKey));
        Assert.Equal((DeliveryOutcome.Accepted, _answer.Serial), (receipt.Receipt.Outcome, receipt.Receipt.EncryptionSerial));
        Assert.Equal(_answer.PairId, receipt.Receipt.Pair.ToArray());

        string listed = _desk.Do("list");
        Assert.Contains(_answer.Serial.ToString(), listed);
        Assert.Contains(_answer.Signing.Tbs.SerialNumber.ToString(), listed);
        JsonNode container = JsonNode.Parse(_desk.Do("list", "--json"))!["containers"]!.AsArray().Single(each => (string?)each!["name"] == Container)!;
        Assert.Equal(_answer.Serial.ToString(), (string?)container["encryption"]![0]!["certificate"]!["serial"]);

        string file = _desk.Write("cipher", _answer.Encrypt("公文"u8));
        _desk.Do("decrypt", "--container", Container, "--in", file, "--out", _desk.File("plain"));
        Assert.Equal("公文", File.ReadAllText(_desk.File("plain")));
        _desk.Do("decrypt", "--container", Container, "--in", file, "--serial", _answer.Serial.ToString(), "--out", _desk.File("plain-2"));
        Assert.Contains("zwca token list", Failure("decrypt", "--container", Container, "--in", file, "--serial", "XY", "--out", _desk.File("none")));
    }

    /// <summary>The key was delivered long ago; there is no envelope any more.</summary>
    [Fact]
    public void ARenewedEncryptionCertificate_IsKeptForTheKeyThatIsThere()
    {
        _desk.Do("import", Import());
        _desk.Clock.Advance(TimeSpan.FromDays(300));
        SubjectPublicKeyInfo key = _answer.Encryption.Tbs.SubjectPublicKeyInfo;
        Certificate renewed = PairAnswer.Certify(key, KeyUsage.Encryption, _desk.Clock.GetUtcNow());
        string pin = _desk.Environment[TokenDesk.PinVariable];
        _desk.Environment.Clear();

        string file = _desk.WriteCertificate("renewed.pem", renewed);
        Assert.Contains("新证书", _desk.Do("import", "--certificate", file));
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();
        _desk.Do("import", "--certificate", file);
        Assert.Equal(before, _desk.Snapshot());
        string other = _desk.WriteCertificate("other.pem", PairAnswer.Certify(key, KeyUsage.Encryption, _desk.Clock.GetUtcNow().AddDays(1), serial: renewed.Tbs.SerialNumber));
        Assert.Contains("不会被覆盖", Failure("import", "--certificate", other));

        _desk.Environment[TokenDesk.PinVariable] = pin;
        string cipher = _desk.Write("cipher", _answer.Encrypt("公文"u8));
        foreach (SerialNumber serial in (SerialNumber[])[renewed.Tbs.SerialNumber, _answer.Serial])
        {
            _desk.Do("decrypt", "--container", Container, "--in", cipher, "--serial", serial.ToString(), "--out", _desk.File(serial.ToString()));
            Assert.Equal("公文", File.ReadAllText(_desk.File(serial.ToString())));
        }

        Assert.Equal(
            [renewed.Tbs.SerialNumber, _answer.Serial],
            SoftwareToken.Open(_desk.Folder, _desk.Clock).Container(Container).EncryptionPairs().Select(pair => pair.Certificate!.Tbs.SerialNumber));
    }

    [Fact]
    public void AKeyThatDoesNotMatch_IsExitCode1_WithAReceiptThatSaysSo()
    {
        using var other = Sm2PrivateKey.Generate();
        byte[] envelope = Der.Encode(PairAnswer.Envelope(other, SigningKey).ToSm2EnvelopedKey());
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();

        string error = Failure("import", Import(envelope));

        Assert.Contains("不符", error);
        Assert.Contains("交回签发机构", error);
        SignedReceipt receipt = Der.Decode<SignedReceipt>(File.ReadAllBytes(_desk.File("receipt")));
        Assert.Equal(DeliveryOutcome.KeyMismatch, receipt.Receipt.Outcome);
        Assert.True(receipt.Verify(SigningKey));
        Assert.Equal(before, _desk.Snapshot());
    }

    [Fact]
    public void WhatGoesWrong_IsOneLine_AndLosesNothing()
    {
        string cipher = _desk.Write("cipher", _answer.Encrypt("公文"u8));
        Assert.Contains("没有加密密钥", Failure("decrypt", "--container", Container, "--in", cipher, "--out", _desk.File("none")));

        _desk.Do("import", Import());
        using var other = Sm2PrivateKey.Generate();
        PairAnswer stranger = PairAnswer.For(SubjectPublicKeyInfo.ForSm2(other.PublicKey.ToBytes()), _desk.Clock.GetUtcNow());
        IReadOnlyDictionary<string, string> before = _desk.Snapshot();
        (string Expected, string[] Arguments)[] mistakes =
        [
            ("不是用容器", ["decrypt", "--in", _desk.Write("strange", stranger.Encrypt("x"u8))]),
            ("不是SM2密文", ["decrypt", "--in", _desk.Write("text", "text"u8.ToArray())]),
            ("不是SM2密文", ["decrypt", "--in", _desk.Write("empty", [])]),
            ("不是SM2密文", ["decrypt", "--in", _desk.Write("cut", _answer.Encrypt("x"u8)[..^1])]),
            ("找不到文件", ["decrypt", "--in", _desk.File("missing")]),
            ("没有加密证书", ["decrypt", "--in", cipher, "--serial", "01"]),
        ];
        foreach ((string expected, string[] arguments) in mistakes)
        {
            Assert.Contains(expected, Failure(arguments[0], [.. arguments[1..], "--container", Container, "--out", _desk.File("none")]));
        }

        Assert.Contains("已存在", Failure("decrypt", "--container", Container, "--in", cipher, "--out", cipher));
        Assert.Contains("已存在", Failure("import", Import()));
        File.Delete(_desk.File("receipt"));
        Assert.Contains("32位", Failure("import", [.. Import()[..^4], "--pair", "12", "--receipt", _desk.File("receipt")]));
        _desk.Environment[TokenDesk.PinVariable] = "officer-pin-2";
        Assert.Contains("PIN不正确", Failure("decrypt", "--container", Container, "--in", cipher, "--out", _desk.File("none")));
        Assert.Contains("PIN不正确", Failure("import", Import()));

        Assert.Equal(before, _desk.Snapshot());
        Assert.False(File.Exists(_desk.File("none")));
        Assert.False(File.Exists(_desk.File("receipt")));
    }

    [Fact]
    public void ADemoToken_ExportsItsEncryptionKeysToo_AndNoOtherToken()
    {
        using var demo = new TestToken(demo: true);
        SubjectPublicKeyInfo signingKey = demo.NewOfficerContainer().PublicKey;
        PairAnswer answer = PairAnswer.For(signingKey, demo.Clock.GetUtcNow());
        using (UnlockedToken unlocked = demo.Token.Unlock(TestToken.Pin))
        {
            answer.ImportInto(unlocked, "签名");
        }

        demo.Do("export", "--container", "签名", "--encryption", "--out", demo.File("a.key"));
        demo.Do("export", "--container", "签名", "--encryption", "--serial", answer.Serial.ToString(), "--out", demo.File("b.key"));
        foreach (string file in (string[])["a.key", "b.key"])
        {
            using Sm2PrivateKey key = Sm2KeyFile.Read(File.ReadAllText(demo.File(file)), TestToken.Pin);
            Assert.Equal(answer.Encryption.Tbs.SubjectPublicKeyInfo, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        }

        _desk.Do("import", Import());
        Assert.Contains("只有演示令牌", Failure("export", "--container", Container, "--encryption", "--out", _desk.File("none")));
        Assert.False(File.Exists(_desk.File("none")));
    }

    [Theory]
    [InlineData("import", "--certificate", "a", "--envelope", "b")]
    [InlineData("import", "--certificate", "a", "--encryption-certificate", "b", "--envelope", "c", "--pair", "d")]
    [InlineData("import", "--certificate", "a", "--receipt", "b")]
    [InlineData("decrypt")]
    [InlineData("export", "--container", "a", "--out", "b", "--serial", "01")]
    public void AWrongCommandLine_IsExitCode2(params string[] arguments) => Assert.Equal(2, _desk.Run(arguments[0], arguments[1..]).ExitCode);

    private string[] Import(byte[]? envelope = null) =>
    [
        "--certificate", _desk.WriteCertificate("signing.pem", _answer.Signing),
        "--encryption-certificate", _desk.WriteCertificate("encryption.pem", _answer.Encryption),
        "--envelope", _desk.Write("envelope", envelope ?? _answer.Blob),
        "--pair", Convert.ToHexStringLower(_answer.PairId),
        "--receipt", _desk.File("receipt"),
    ];

    /// <returns>The line.</returns>
    private string Failure(string verb, params string[] arguments)
    {
        (int exitCode, _, string error) = _desk.Run(verb, arguments);
        Assert.Equal(1, exitCode);
        Assert.Equal(1, error.Count(each => each == '\n'));
        Assert.DoesNotContain(TestToken.Pin, error);
        return error;
    }
}
