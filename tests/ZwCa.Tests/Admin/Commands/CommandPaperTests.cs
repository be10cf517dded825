using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using ZwCa.Admin.Commands;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.Tests.Admin.Token;

namespace ZwCa.Tests.Admin.Commands;

/// <summary>What an officer writes down, and what is signed of it.</summary>
public sealed partial class CommandPaperTests : IDisposable
{
    private const string Ski = "000102030405060708090a0b0c0d0e0f10111213";
    private const string Hash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    private const string Serial = "40a1";
    private const string Person = "0198c0ffee0123456789abcdef012345";

    private const string Order = $$"""{"profile": "officer", "issuer": "{{Ski}}", "entity": "{{Person}}", "request": "request.csr", "subject": "CN=李四,O=某局", "days": 365, "names": ["dns:a.example", "ip:10.0.0.1"], "officer": {"person": "{{Person}}", "role": "业务操作员", "region": "350100"}, "evidence": ["crl.der"]}""";

    private readonly TestToken _desk = TestToken.Stocked();

    public CommandPaperTests()
    {
        var token = SoftwareToken.Open(_desk.Folder, _desk.Clock);
        _desk.WriteCertificate("officer.pem", token.Container("签名").Certificate!);
        _desk.Write("crl.der", "a file"u8.ToArray());
        var recovery = new RecoveryCase(Convert.FromHexString(Person), "(2026)闽01刑初1号", new byte[32], Convert.FromHexString(Person), token.Container("新").PublicKey, new Time(new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero)));
        _desk.Write("case.der", Der.Encode(new SignedStatement(Der.Encode(recovery), [new StatementSignature(new byte[32], Sm2Signature.FromRaw(new byte[64]))])));
        using UnlockedToken unlocked = token.Unlock(TestToken.Pin);
        _desk.Write("request.csr", Encoding.ASCII.GetBytes(Pem.Encode(Pem.CertificateRequest, Der.Encode(unlocked.CreateRequest("新", Name.Create())))));
    }

    /// <summary>Action, fields, region, and words that stand in what is shown of the DER.</summary>
    public static TheoryData<string, string, string, string[]> Papers => new()
    {
        { "region.register", """ "code": "350100", "parent": "350000", "name": "福州市" """, "350100", ["登记区域", "350100 福州市", "350000"] },
        { "officer.create", """ "certificate": "officer.pem" """, "350100", ["创建人员", "业务操作员", "350100"] },
        { "officer.replace-certificate", $""" "officer": "{Serial}", "certificate": "officer.pem" """, "350100", ["更换人员证书", Serial, "业务操作员"] },
        { "officer.disable", $""" "region": "350100", "officer": "{Serial}", "reason": "调离" """, "350100", ["停用人员", Serial, "调离"] },
        { "officer.recertify", $""" "region": "350100", "officer": "{Serial}", "reason": "年度复核" """, "350100", ["重新确认", Serial, "年度复核"] },
        { "profile.activate", """ "profile": "person-signing" """, "000000", ["启用证书模板", "person-signing"] },
        { "profile.retire", $""" "profile": "old", "hash": "{Hash}" """, "000000", ["停用证书模板", "old", Hash] },
        { "ra.register", $$""" "name": "ra-35", "entity": "RA-1", "region": "350000", "quota": 77, "scope": [{"profile": "person-signing", "issuer": "{{Ski}}"}] """, "350000", ["登记RA", "ra-35", "RA-1", "350000", "77", "person-signing", Ski] },
        { "ra.change", $$""" "name": "ra-35", "entity": "RA-1", "region": "350000", "quota": 78, "scope": [] """, "350000", ["变更RA", "ra-35", "78"] },
        { "ra.disable", """ "region": "350000", "name": "ra-35", "reason": "失控" """, "350000", ["停用RA", "ra-35", "失控"] },
        { "ra.enable", """ "region": "350000", "name": "ra-35", "reason": "恢复" """, "350000", ["启用RA", "ra-35", "恢复"] },
        { "certificate.order", $$""" "region": "350100", "certificate": {{Order}} """, "350100", ["签发证书", "officer（SM3", Ski, Person, "李四", "某局", "DNS:a.example", "IP:10.0.0.1", "365 天", "业务操作员"] },
        { "client.register", $$""" "region": "350100", "client": "{{Person}}", "kind": "officer", "certificate": {{Order}} """, "350100", ["登记链路客户端", "（人员）", Person, "李四"] },
        { "client.admit", """ "client": "ca", "kind": "ca", "certificate": "officer.pem" """, "000000", ["接入链路客户端", "ca（CA）", "SHA-256"] },
        { "client.disable", $""" "thumbprint": "{Hash}", "reason": "遗失" """, "000000", ["关闭链路", Hash, "遗失"] },
        { "client.enable", $""" "thumbprint": "{Hash}", "reason": "找回", "region": "350000" """, "350000", ["重新开放链路", Hash, "找回"] },
        { "certificate.revoke", $""" "region": "350000", "reason": "keyCompromise", "issuer": "{Ski}", "serial": "{Serial}" """, "350000", ["吊销证书（双证书", Ski, Serial, "密钥泄露"] },
        { "certificate.revoke-by-key", $""" "region": "350000", "reason": "keyCompromise", "key": "{Hash}" """, "350000", ["使用某一密钥", "密钥泄露", Hash] },
        { "certificate.revoke-by-owner", """ "region": "350000", "reason": "cessationOfOperation", "owner": "ra-35/E1" """, "350000", ["所有者", "ra-35/E1", "停止使用"] },
        { "certificate.revoke-bulk", $$""" "region": "350000", "kind": "suspend", "reason": "certificateHold", "certificates": [{"issuer": "{{Ski}}", "serial": "{{Serial}}"}] """, "350000", ["冻结证书", Ski, Serial] },
        { "crl.emergency", $""" "issuer": "{Ski}" """, "000000", ["立即签发CRL", Ski] },
        { "crl.adopt", $""" "issuer": "{Ski}", "shard": "32-7", "file": "crl.der" """, "000000", ["承认", Ski, "32-7", Convert.ToHexStringLower(Sm3.HashData("a file"u8))] },
        { "ca.register", """ "name": "某省政务CA", "certificate": "officer.pem", "link": "ca" """, "000000", ["开始为CA服务", "某省政务CA", "链路：ca", "签私钥内容，DER"] },
        { "ca.change", """ "name": "某省政务CA", "certificate": "officer.pem", "link": "ca", "signedPart": "encryptedContentInfo", "signatureForm": "raw" """, "000000", ["变更所服务的CA", "签EncryptedContentInfo，r‖s"] },
        { "ca.freeze", """ "name": "某省政务CA", "reason": "失控" """, "000000", ["冻结所服务的CA", "某省政务CA", "失控"] },
        { "ca.unfreeze", """ "name": "某省政务CA", "reason": "恢复" """, "000000", ["解冻所服务的CA", "某省政务CA", "恢复"] },
        { "recovery.judicial", $""" "ca": "某省政务CA", "serial": "{Serial}", "statement": "case.der" """, "000000", ["司法恢复", "某省政务CA", Serial, "(2026)闽01刑初1号", Person, "1 个"] },
        { "stock.discard", """ "reason": "密码机已恢复" """, "000000", ["废弃密钥库存", "密码机已恢复"] },
    };

    [Theory]
    [MemberData(nameof(Papers))]
    public void WhatIsWrittenDown_IsWhatIsSigned(string action, string fields, string region, string[] words)
    {
        CommandPaper paper = Assert.Single(Read($$"""{"action": "{{action}}", {{fields}} }"""));
        Assert.Equal((action, region), (paper.Action, paper.Region));
        Application application = paper.ToApplication("某省政务CA", _desk.Clock);
        Assert.Equal((DecisionKind.Command, "某省政务CA", "某省政务CA", region), (application.Kind, application.CaName, application.RaName, application.Region));
        string shown = DecisionText.Describe(application);
        Assert.All([.. words, "系统命令", action], word => Assert.Contains(word, shown, StringComparison.Ordinal));
    }

    /// <summary>Whatever a CA and a KMC can be told, officers can write down, and are shown in words.</summary>
    [Fact]
    public void EveryAction_HasPapersAndWords()
    {
        string[] actions =
        [
            .. new[] { typeof(OfficerActions), typeof(ZwCa.Ca.Registrations.RaActions), typeof(ZwCa.Kmc.Registrations.CaActions) }
                .SelectMany(each => each.Assembly.GetTypes()).Where(type => type.Name.EndsWith("Actions", StringComparison.Ordinal))
                .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static)).Where(field => field is { IsLiteral: true } && field.FieldType == typeof(string))
                .Select(field => (string)field.GetRawConstantValue()!).Where(text => text != ZwCa.Kmc.Recoveries.JudicialActions.OrderAction && ActionName().IsMatch(text)).Distinct().Order(StringComparer.Ordinal),
        ];
        Assert.True(actions.Length > 20, string.Join(' ', actions));
        Assert.Equal(actions, CommandPaper.Actions.Order(StringComparer.Ordinal));
        Assert.Equal(actions.Append(RollbackDecision.Action).Order(StringComparer.Ordinal), CommandText.Actions.Order(StringComparer.Ordinal));
        Assert.Equal(actions, Papers.Select(each => each.Data.Item1).Order(StringComparer.Ordinal));
    }

    /// <summary>Of a certificate that is at hand the same as of its numbers.</summary>
    [Fact]
    public void FilesStandForTheirNumbers()
    {
        Certificate officer = SoftwareToken.Open(_desk.Folder, _desk.Clock).Container("签名").Certificate!;
        byte[] key = Sm3.HashData(Der.Encode(officer.Tbs.SubjectPublicKeyInfo));
        BulkStatusBody byKey = Der.Decode<BulkStatusBody>(Read("""{"action": "certificate.revoke-by-key", "region": "350000", "reason": "keyCompromise", "key": "officer.pem"}""")[0].Parameters);
        Assert.Equal(new CertificateSelection.Key(key), byKey.Selection);
        BulkStatusBody bySubject = Der.Decode<BulkStatusBody>(Read("""{"action": "certificate.revoke-by-owner", "region": "350000", "reason": "superseded", "subject": "officer.pem"}""")[0].Parameters);
        Assert.Equal(new CertificateSelection.Subject(officer.Tbs.Subject.HashCanonical()), bySubject.Selection);
        ClientSwitch link = Der.Decode<ClientSwitch>(Read("""{"action": "client.disable", "thumbprint": "officer.pem", "reason": "x"}""")[0].Parameters);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(Der.Encode(officer)), link.Thumbprint.ToArray());
        BulkStatusBody issued = Der.Decode<BulkStatusBody>(Read(
            """{"action": "certificate.revoke-bulk", "region": "350000", "kind": "resume", "reason": "removeFromCrl", "issued": {"region": "350100", "from": "2026-03-01T08:00:00+08:00", "until": "2026-03-02T00:00:00Z", "ra": "ra-35"}}""")[0].Parameters);
        Assert.Equal(
            new CertificateSelection.Issued("ra-35", "350100", new Time(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero)), new Time(new DateTimeOffset(2026, 3, 2, 0, 0, 0, TimeSpan.Zero))), issued.Selection);
        CertificateOrder order = Der.Decode<CertificateOrder>(Read($$"""{"action": "certificate.order", "region": "350100", "certificate": {{Order}}}""")[0].Parameters);
        Assert.Equal(order.Request.Info.SubjectPublicKeyInfo, order.Body.SubjectPublicKeyInfo);
        Assert.Equal(Sm3.HashData(Sm3.HashData("a file"u8)), order.Body.Evidence.ToArray());
        Assert.Equal([(Oids.OrganizationName, "某局"), (Oids.CommonName, "李四")], order.Body.Subject.Select(each => (each.Type, each.Text)));
    }

    [Theory]
    [InlineData("", "不是JSON")]
    [InlineData("{", "不是JSON")]
    [InlineData("[]", "1至1000项")]
    [InlineData("null", "第 1 项有误")]
    [InlineData("[7]", "第 1 项有误")]
    [InlineData("""{"code": "350100"}""", "以 action 写明")]
    [InlineData("""{"action": 7}""", "以 action 写明")]
    [InlineData("""{"action": "region.delete"}""", "没有命令“region.delete”")]
    [InlineData("""{"action": "region.register", "code": "350100", "parent": "350000"}""", "name")]
    [InlineData("""{"action": "region.register", "code": "350100", "parent": "350000", "name": null}""", "null")]
    [InlineData("""{"action": "region.register", "code": "350100", "parent": "350000", "name": "x", "extra": 1}""", "extra")]
    [InlineData("""{"action": "region.register", "code": "350100", "code": "350200", "parent": "350000", "name": "x"}""", "code")]
    [InlineData("""{"action": "region.register", "code": "3501", "parent": "350000", "name": "x"}""", "有误")]
    [InlineData("""{"action": "region.register", "code": "350100", "parent": "350000", "name": "\u202e"}""", "有误")]
    [InlineData("""[{"action": "crl.emergency", "issuer": "000102030405060708090a0b0c0d0e0f10111213"}, {"action": "crl.emergency", "issuer": "nobody.pem"}]""", "第 2 项（crl.emergency）有误：找不到文件")]
    [InlineData("""{"action": "crl.emergency", "issuer": "officer.pem"}""", "没有主体密钥标识")]
    [InlineData("""{"action": "crl.emergency", "issuer": "request.csr"}""", "不是单张证书")]
    [InlineData("""{"action": "officer.create", "certificate": "plain.pem"}""", "没有人员身份")]
    [InlineData("""{"action": "officer.disable", "region": "350100", "officer": "xyz", "reason": "x"}""", "十六进制")]
    [InlineData("""{"action": "officer.disable", "region": "nowhere", "officer": "40", "reason": "x"}""", "行政区划代码")]
    [InlineData("""{"action": "profile.activate", "profile": "unknown"}""", "没有证书模板")]
    [InlineData("""{"action": "profile.activate", "profile": "unknown", "hash": "00"}""", "64位")]
    [InlineData("""{"action": "certificate.revoke", "region": "350000", "reason": "keyCompromise"}""", "certificate（文件）")]
    [InlineData("""{"action": "certificate.revoke", "region": "350000", "reason": "because", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "serial": "40"}""", "reason")]
    [InlineData("""{"action": "ra.change", "name": "ra-35", "entity": "E", "region": "350000", "quota": 1, "scope": [null]}""", "$.scope 中有 null")]
    [InlineData("""{"action": "certificate.revoke-bulk", "region": "350000", "kind": "suspended", "reason": "certificateHold", "certificates": []}""", "kind 应为 revoke")]
    [InlineData("""{"action": "certificate.revoke-bulk", "region": "350000", "kind": "suspend", "reason": "certificateHold", "issued": {"region": "350100", "from": "2026-03-01T08:00:00", "until": "2026-03-02T00:00:00Z"}}""", "2026-03-01T08:00:00+08:00")]
    [InlineData("""{"action": "certificate.revoke-bulk", "region": "350000", "kind": "suspend", "reason": "certificateHold", "issued": {"region": "350100", "from": "2026-03-03T00:00:00Z", "until": "2026-03-02T00:00:00Z"}}""", "有误")]
    [InlineData("""{"action": "certificate.revoke", "region": "350000", "reason": "Superseeded", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "serial": "40"}""", "reason 应为 unspecified")]
    [InlineData("""{"action": "certificate.revoke", "region": "350000", "reason": 1, "issuer": "000102030405060708090a0b0c0d0e0f10111213", "serial": "40"}""", "reason")]
    [InlineData("""{"action": "certificate.revoke-by-owner", "region": "350000", "reason": "superseded"}""", "owner")]
    [InlineData("""{"action": "certificate.revoke-bulk", "region": "350000", "kind": "revoke", "reason": "superseded"}""", "certificates")]
    [InlineData("""{"action": "certificate.revoke-bulk", "region": "350000", "kind": "revoke", "reason": "superseded", "certificates": []}""", "有误")]
    [InlineData("""{"action": "certificate.order", "region": "350000", "certificate": {"profile": "officer", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "entity": "e", "request": "officer.pem", "subject": "CN=x", "days": 1}}""", "不是证书请求")]
    [InlineData("""{"action": "certificate.order", "region": "350000", "certificate": {"profile": "officer", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "entity": "e", "request": "request.csr", "subject": "x", "days": 1}}""", "不是可用的属性")]
    [InlineData("""{"action": "certificate.order", "region": "350000", "certificate": {"profile": "officer", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "entity": "e", "request": "request.csr", "subject": "CN=x", "days": 0}}""", "有误")]
    [InlineData("""{"action": "certificate.order", "region": "350000", "certificate": {"profile": "officer", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "entity": "e", "request": "request.csr", "subject": "CN=x", "days": 1, "names": ["x"]}}""", "dns:")]
    [InlineData("""{"action": "certificate.order", "region": "350000", "certificate": {"profile": "officer", "issuer": "000102030405060708090a0b0c0d0e0f10111213", "entity": "e", "request": "request.csr", "subject": "CN=x", "days": 1, "officer": {"person": "0198c0ffee0123456789abcdef012345", "role": "皇帝", "region": "350000"}}}""", "没有角色")]
    public void WhatIsWrong_IsRefusedWithItsPlace(string json, string word)
    {
        _desk.WriteCertificate("plain.pem", _desk.Certify(_desk.IssuerKey));
        RefusalException refused = Assert.Throws<RefusalException>(() => Read(json));
        Assert.Contains("papers.json", refused.Message, StringComparison.Ordinal);
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>As editors of other systems save text.</summary>
    [Fact]
    public void OnlyUtf8IsRead_WithItsMarkOrWithout()
    {
        const string Region = """{"action": "region.register", "code": "350100", "parent": "350000", "name": "福州市"}""";
        Assert.Equal(Read(Region)[0].Parameters, Assert.Single(CommandPaper.Read(new FileInfo(_desk.Write("marked.json", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Region)])))).Parameters);
        byte[] gbk = [.. Encoding.UTF8.GetBytes(Region.Replace("福州市", "X", StringComparison.Ordinal)).SelectMany(each => each == (byte)'X' ? new byte[] { 0xB8, 0xA3, 0xD6, 0xDD } : [each])];
        Assert.Contains("UTF-8", Assert.Throws<RefusalException>(() => CommandPaper.Read(new FileInfo(_desk.Write("gbk.json", gbk)))).Message, StringComparison.Ordinal);
    }

    /// <summary>A CRL of a large CA, a thick scan: only its hash is taken.</summary>
    [Fact]
    public void AFileThatIsHashed_MayBeLong()
    {
        byte[] crl = new byte[3_000_001];
        new Random(1).NextBytes(crl);
        _desk.Write("long.crl", crl);
        CrlAdoption adoption = Der.Decode<CrlAdoption>(Read($$"""{"action": "crl.adopt", "issuer": "{{Ski}}", "shard": "all", "file": "long.crl"}""")[0].Parameters);
        Assert.Equal(Sm3.HashData(crl), adoption.Hash.ToArray());
    }

    public void Dispose() => _desk.Dispose();

    private IReadOnlyList<CommandPaper> Read(string json) => CommandPaper.Read(new FileInfo(_desk.Write("papers.json", Encoding.UTF8.GetBytes(json))));

    [GeneratedRegex("^[a-z]+\\.[a-z-]+$")]
    private static partial Regex ActionName();
}
