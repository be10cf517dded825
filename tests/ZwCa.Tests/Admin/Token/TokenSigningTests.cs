using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Officers;

namespace ZwCa.Tests.Admin.Token;

/// <summary>What an officer signs: shown in words, signed as the services verify it, and nothing by the back door.</summary>
public sealed class TokenSigningTests
{
    private static readonly SerialNumber Serial = SerialNumber.FromBytes([0x12, 0x34]);

    [Fact]
    public void AnApproval_IsShown_Confirmed_AndHolds()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        Application[] applications = [Recovery("E1"), Recovery("E2")];
        string[] files = [.. applications.Select(each => desk.Write(each.EnrollmentId, Der.Encode(each)))];
        desk.Typed.Enqueue("yes");

        string shown = desk.Do("sign", ["--application", .. files, "--step", "review", "--out", desk.File("out")]);

        Assert.All(
            (string[])["审核", "2 项", "密钥恢复", "政务CA 签发一", "福建RA", "350100", "E1", "E2", "序列号 1234", Convert.ToHexStringLower(applications[0].Digest), "业务操作员"],
            each => Assert.Contains(each, shown));
        byte[] der = File.ReadAllBytes(desk.File("out"));
        Approval approval = Der.Decode<Approval>(der);
        Assert.Equal(der, Der.Encode(approval));
        Assert.Equal(ApprovalStep.Review, approval.Tbs.Step);
        Assert.Equal(desk.Clock.GetUtcNow(), approval.Tbs.Time.Value);

        // As a service does it.
        var verifier = new ApprovalVerifier(new OfficerIssuers([desk.IssuerKey]), RoleCatalogue.Standard, desk.Clock);
        Assert.All(applications, each => verifier.Verify(approval, each));
    }

    [Fact]
    public void WithoutAYes_NothingIsSigned_AndThePinIsNotAskedFor()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        desk.Environment.Clear();
        string application = desk.Write("a", Der.Encode(TestToken.NewApplication()));
        foreach (string answer in (string[])["", "no", "y", "YES "])
        {
            desk.Typed.Enqueue(answer);
            desk.Typed.Enqueue(TestToken.Pin);
            (int exitCode, _, string error) = desk.Run("sign", "--application", application, "--step", "entry", "--out", desk.File("out"));
            Assert.Equal((1, TestToken.Pin), (exitCode, desk.Typed.Dequeue()));
            Assert.Contains("没有签名", error);
            Assert.False(File.Exists(desk.File("out")));
        }
    }

    [Fact]
    public void ACertificateThatEnded_SignsNoApproval()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer(validFor: TimeSpan.FromDays(1));
        string application = desk.Write("a", Der.Encode(TestToken.NewApplication()));
        desk.Clock.Advance(TimeSpan.FromDays(2));

        (int exitCode, _, string error) = desk.Run("sign", "--application", application, "--step", "entry", "--out", desk.File("out"), "--yes");

        Assert.Equal(1, exitCode);
        Assert.Contains("有效期", error);
    }

    [Fact]
    public void AStatement_IsSignedByteForByte()
    {
        using var desk = new TestToken();
        TokenContainer container = desk.NewOfficerContainer();
        byte[] transcript = "仪式记录\n"u8.ToArray();
        string file = desk.Write("transcript", transcript);

        string shown = desk.Do("sign", "--statement", file, "--out", desk.File("out"), "--yes");

        Assert.Contains(Convert.ToHexStringLower(Sm3.HashData(transcript)), shown);
        Assert.Contains($"{transcript.Length} 字节", shown);
        StatementSignature signature = Der.Decode<StatementSignature>(File.ReadAllBytes(desk.File("out")));
        Assert.Equal(StatementSignature.IdOf(container.PublicKey), signature.Signer.ToArray());
        Assert.True(container.PublicKey.TryGetSm2Key(out Sm2PublicKey? key) && key.Verify(transcript, signature.Signature.Raw.Span));
    }

    [Fact]
    public void StatementsOfHolders_AreShownWhole_AndHold()
    {
        using var desk = new TestToken();
        TokenContainer container = desk.NewOfficerContainer();
        var recovery = new RecoveryCase(
            new byte[16], "(2026)闽01刑初1号", new byte[32], new byte[16], desk.IssuerKey, Time.Truncate(desk.Clock.GetUtcNow().AddDays(7)));
        var policy = new PartitionPolicy(
            new byte[16], 3, [], allowSm2Decrypt: false, [new AuthorizingCa("签发一", [desk.IssuerKey])], [desk.IssuerKey], new RecoveryRule(2, [container.PublicKey, desk.IssuerKey]));
        byte[] bytes = Der.Encode(recovery);

        string shown = desk.Do("sign", "--statement", desk.Write("case", bytes), "--out", desk.File("out"), "--yes");
        string key = Convert.ToHexStringLower(desk.IssuerKey.PublicKey.Span);
        Assert.All((string[])["司法恢复", "(2026)闽01刑初1号", key, "2026-03-09"], each => Assert.Contains(each, shown));
        var signed = new SignedStatement(bytes, [Der.Decode<StatementSignature>(File.ReadAllBytes(desk.File("out")))]);
        Assert.Equal([container.PublicKey], signed.ValidSigners([container.PublicKey, desk.IssuerKey]));

        shown = StatementText.Describe(Der.Encode(policy));
        Assert.All((string[])["第 3 版", "签发一", key, "2 人中的 2 人"], each => Assert.Contains(each, shown));
        Assert.Contains("备份令", StatementText.Describe(Der.Encode(new BackupStatement(new byte[16], Time.Truncate(desk.Clock.GetUtcNow())))));
    }

    [Fact]
    public void WhatIsSignedInAnotherWay_IsNoStatement()
    {
        using var desk = new TestToken();
        TokenContainer container = desk.NewOfficerContainer();
        Certificate certificate = container.Certificate!;
        Time now = Time.Truncate(desk.Clock.GetUtcNow());
        (string, byte[])[] others =
        [
            ("审批", Der.Encode(new TbsApproval(ApprovalStep.Entry, [TestToken.NewApplication().Digest], now))),
            ("报文", "ZWCA1\n1234\nca\n"u8.ToArray()),
            ("未签名的证书", certificate.TbsBytes.ToArray()),
            ("未签名的证书申请", Der.Encode(new CertificationRequestInfo(certificate.Tbs.Subject, container.PublicKey))),
            ("回执", Der.Encode(new DeliveryReceipt(
                new byte[16], new byte[20], certificate.Tbs.SerialNumber, certificate.Tbs.SerialNumber, new byte[32], DeliveryOutcome.Accepted, now))),
            ("检查点", Der.Encode(new TbsCheckpoint("log", 0, 1, new byte[32], now.Value, new byte[32]))),
        ];

        foreach ((string name, byte[] content) in others)
        {
            (int exitCode, _, string error) = desk.Run("sign", "--statement", desk.Write("other", content), "--out", desk.File("out"), "--yes");
            Assert.Equal(1, exitCode);
            Assert.Contains(name, error);
            Assert.False(File.Exists(desk.File("out")));
        }
    }

    [Fact]
    public void EachCommand_IsShownInWords()
    {
        using var desk = new TestToken();
        Certificate officer = desk.Certify(desk.IssuerKey, new OfficerIdentity(new byte[16], OfficerKind.Auditor, RoleCatalogue.Auditor, "350200"));
        (string, byte[], string[])[] commands =
        [
            (OfficerActions.Create, Der.Encode(officer), ["创建人员", "审计员", "审计类", "350200", officer.Tbs.SerialNumber.ToString()]),
            (OfficerActions.Disable, Der.Encode(new OfficerChange(Serial, "调离")), ["停用人员", "1234", "调离"]),
            (OfficerActions.Recertify, Der.Encode(new OfficerChange(Serial, "年度复核")), ["重新确认", "1234", "年度复核"]),
            (OfficerActions.ReplaceCertificate, Der.Encode(new CertificateReplacement(Serial, officer)), ["更换人员证书", "1234", "审计员"]),
            (OfficerActions.RegisterRegion, Der.Encode(new RegionEntry("350100", "350000", "福州市")), ["登记区域", "350100 福州市", "350000"]),
            (RollbackDecision.Action, Der.Encode(new LogRollback("ca-log", 10, new byte[32], 7, "磁盘损坏")), ["日志", "ca-log", "10 条", "7 条", "磁盘损坏"]),
            ("later.action", Der.Encode(new RegionEntry("350100", "350000", "新的RA")), ["later.action", "350100", "350000", "新的RA"]),
        ];

        foreach ((string action, byte[] parameters, string[] words) in commands)
        {
            string shown = DecisionText.Describe(TestToken.NewApplication(action: action, parameters: parameters));
            Assert.All([.. words, "系统命令"], each => Assert.Contains(each, shown));
        }
    }

    /// <summary>Nobody signs what he was not shown, or what was shown as something else.</summary>
    [Fact]
    public void WhatCannotBeShown_IsNotSigned()
    {
        using var desk = new TestToken();
        desk.NewOfficerContainer();
        byte[] large = Der.Encode(new RegionEntry("350100", "350000", new string('长', 200)));
        Application[] hidden =
        [
            new(DecisionKind.Command, "CA", "RA", "350100", "1", new byte[] { 0x05, 0x00 }),
            new(DecisionKind.Recovery, "CA", "RA", "350100", "1", new byte[] { 0x05, 0x00 }),
            TestToken.NewApplication(action: OfficerActions.Disable),
            TestToken.NewApplication(action: "later.action", parameters: large),
            TestToken.NewApplication(action: "later.action", parameters: [0x30, 0x03, 0x02, 0x05, 0x00]),
            TestToken.NewApplication(action: "later.action", parameters: [0x30, 0x81, 0xCA, .. Enumerable.Repeat<byte[]>([0x05, 0x00], 101).SelectMany(each => each)]),
        ];

        foreach (Application each in hidden)
        {
            string file = desk.Write("a", Der.Encode(each));
            (int exitCode, _, string error) = desk.Run("sign", "--application", file, "--step", "entry", "--out", desk.File("out"), "--yes");
            Assert.Equal(1, exitCode);
            Assert.Contains("不能签署", error);
        }
    }

    [Fact]
    public void WhatHidesOrTurnsText_IsShownAsNumbers()
    {
        byte[] hidden = [0x30, 0x09, 0x0C, 0x07, .. "a\u202Ebcd"u8.ToArray().AsSpan(0, 7)];
        string shown = DecisionText.Describe(TestToken.NewApplication(action: "x", parameters: hidden));
        Assert.Contains(@"a\u{202E}bcd", shown);
        Assert.DoesNotContain("\u202E", shown, StringComparison.Ordinal);
    }

    private static Application Recovery(string id)
    {
        using var recipient = Sm2PrivateKey.Generate();
        var body = new RecoveryBody(new byte[20], Serial, SubjectPublicKeyInfo.ForSm2(recipient.PublicKey.ToBytes()));
        return new Application(DecisionKind.Recovery, "政务CA 签发一", "福建RA", "350100", id, Der.Encode(body));
    }
}
