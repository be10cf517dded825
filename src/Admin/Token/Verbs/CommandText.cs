using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Admin.Token;

/// <summary>What a command orders, in words: every field of its parameters, and of certificates that there are already who and which they are.</summary>
internal static class CommandText
{
    private static readonly Dictionary<string, (string Title, Action<StringBuilder, ReadOnlyMemory<byte>> Append)> Known = new(StringComparer.Ordinal)
    {
        [OfficerActions.Create] = As<Certificate>("创建人员", Officer),
        [OfficerActions.Disable] = As<OfficerChange>("停用人员", Change),
        [OfficerActions.Recertify] = As<OfficerChange>("重新确认人员权限", Change),
        [OfficerActions.ReplaceCertificate] = As<CertificateReplacement>("更换人员证书", (text, body) =>
        {
            Line(text, "原证书", $"序列号 {body.Officer}");
            Officer(text, body.Certificate);
        }),
        [OfficerActions.RegisterRegion] = As<RegionEntry>("登记区域", (text, body) =>
        {
            Line(text, "新区域", $"{body.Code} {body.Name}");
            Line(text, "上级区域", body.Parent);
        }),
        [RollbackDecision.Action] = As<LogRollback>("同意日志从较早的状态继续", (text, body) =>
        {
            Line(text, "日志", body.Origin);
            Line(text, "放弃", $"{body.AbandonedSize} 条的状态，根 {DecisionText.Hex(body.AbandonedRoot)}");
            Line(text, "保留", $"{body.KeptSize} 条");
            Line(text, "理由", body.Reason);
        }),
        ["profile.activate"] = As<ProfileReference>("启用证书模板", Profile),
        ["profile.retire"] = As<ProfileReference>("停用证书模板", Profile),
        ["ra.register"] = As<RaRegistration>("登记RA", Ra),
        ["ra.change"] = As<RaRegistration>("变更RA的业务范围和限额", Ra),
        ["ra.disable"] = As<RaSwitch>("停用RA", (text, body) => Switch(text, "RA", body.Name, body.Reason)),
        ["ra.enable"] = As<RaSwitch>("启用RA", (text, body) => Switch(text, "RA", body.Name, body.Reason)),
        ["certificate.order"] = As<CertificateOrder>("签发证书（按下列内容）", Order),
        ["client.register"] = As<ClientRegistration>("登记链路客户端，并签发其链路证书", (text, body) =>
        {
            Client(text, body.Name, body.Kind);
            Order(text, body.Order);
        }),
        ["client.admit"] = As<ClientAdmission>("接入链路客户端", (text, body) =>
        {
            Client(text, body.Name, body.Kind);
            Shown(text, "链路证书", body.Certificate);
            foreach (GeneralName name in body.Certificate.Tbs.Extensions?.Find<SubjectAltName>()?.Names ?? [])
            {
                Line(text, "链路证书备用名称", CertificateText.NameOf(name));
            }

            Line(text, "链路证书", $"指纹（SHA-256）{Convert.ToHexStringLower(SHA256.HashData(Der.Encode(body.Certificate)))}");
        }),
        ["client.disable"] = As<ClientSwitch>("关闭链路", Link),
        ["client.enable"] = As<ClientSwitch>("重新开放链路", Link),
        ["certificate.revoke"] = As<StatusBody>("吊销证书（双证书的另一张一般随之吊销）", DecisionText.Status),
        ["certificate.revoke-by-key"] = As<BulkStatusBody>("吊销使用某一密钥的所有证书", Many),
        ["certificate.revoke-by-owner"] = As<BulkStatusBody>("吊销某一所有者或主体的所有证书", Many),
        ["certificate.revoke-bulk"] = As<BulkStatusBody>("批量变更证书状态", Many),
        ["crl.emergency"] = As<CrlOrder>("立即签发CRL", (text, body) => Line(text, "CA", $"密钥标识 {DecisionText.Hex(body.Issuer)}")),
        ["crl.adopt"] = As<CrlAdoption>("承认已发布而数据库中没有的CRL", (text, body) =>
        {
            Line(text, "CA", $"密钥标识 {DecisionText.Hex(body.Issuer)}");
            Line(text, "CRL", $"{body.Shard}，文件的SM3 {DecisionText.Hex(body.Hash)}");
        }),
        ["ca.register"] = As<CaRegistration>("密钥管理中心开始为CA服务", ServedCa),
        ["ca.change"] = As<CaRegistration>("变更所服务的CA", ServedCa),
        ["ca.freeze"] = As<CaSwitch>("冻结所服务的CA", (text, body) => Switch(text, "CA", body.Name, body.Reason)),
        ["ca.unfreeze"] = As<CaSwitch>("解冻所服务的CA", (text, body) => Switch(text, "CA", body.Name, body.Reason)),
        ["recovery.judicial"] = As<JudicialOrder>("司法恢复：把用户的加密私钥交给下列接收方", Judicial),
        ["stock.discard"] = As<StockDiscard>("废弃密钥库存，全部重新生成", (text, body) => Line(text, "理由", body.Reason)),
    };

    /// <summary>What one person does alone: it only takes power away.</summary>
    private static readonly string[] AtOnce = [OfficerActions.Disable, "ra.disable", "client.disable", "ca.freeze"];

    /// <summary>All that there are words for.</summary>
    public static IReadOnlyCollection<string> Actions => Known.Keys;

    /// <exception cref="DerException">The parameters are not what the action takes.</exception>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: they cannot be shown.</exception>
    public static void Append(StringBuilder text, CommandBody body)
    {
        if (Known.TryGetValue(body.Action, out (string Title, Action<StringBuilder, ReadOnlyMemory<byte>> Append) words))
        {
            Line(text, "事项", $"{words.Title}（{body.Action}）");
            if (IsAtOnce(body.Action))
            {
                Line(text, "注意", body.Action == OfficerActions.Disable ? "不须第二人批准，提出后立即生效；不可恢复" : "不须第二人批准，提出后立即生效");
            }

            words.Append(text, body.Parameters);
        }
        else
        {
            // Of another version: shown as it is, all of it or it is not signed.
            Line(text, "事项", $"命令 {body.Action}，参数如下");
            text.Append(DerOutline.Of(body.Parameters));
        }
    }

    /// <summary>Whether a proposal is all that it takes.</summary>
    public static bool IsAtOnce(string action) => AtOnce.Contains(action);

    public static string Title(string action) => Known.TryGetValue(action, out (string Title, Action<StringBuilder, ReadOnlyMemory<byte>> Append) words) ? words.Title : action;

    private static (string, Action<StringBuilder, ReadOnlyMemory<byte>>) As<T>(string title, Action<StringBuilder, T> append)
        where T : IDer<T> => (title, (text, parameters) => append(text, Der.Decode<T>(parameters)));

    private static void Change(StringBuilder text, OfficerChange body)
    {
        Line(text, "人员证书", $"序列号 {body.Officer}");
        Line(text, "理由", body.Reason);
    }

    private static void Officer(StringBuilder text, Certificate certificate)
    {
        Shown(text, "证书", certificate);
        Line(text, "人员", DecisionText.Officer(certificate) ?? "证书中没有人员身份");
    }

    private static void Shown(StringBuilder text, string what, Certificate certificate)
    {
        Line(text, $"{what}主体", certificate.Tbs.Subject.ToString());
        Line(text, what, $"序列号 {certificate.Tbs.SerialNumber}，有效期 {LabelText.Shown(certificate.Tbs.Validity)}");
        Line(text, "公钥", $"指纹 {TokenContainer.FingerprintOf(certificate.Tbs.SubjectPublicKeyInfo)}");
    }

    private static void Profile(StringBuilder text, ProfileReference body) => Line(text, "证书模板", $"{body.Name}（SM3 {DecisionText.Hex(body.Hash)}）");

    private static void Ra(StringBuilder text, RaRegistration body)
    {
        Line(text, "RA名称", body.Name);
        Line(text, "实体编号", body.Entity);
        Line(text, "所属区域", DecisionText.Region(body.Region));
        Line(text, "限额", string.Create(CultureInfo.InvariantCulture, $"累计最多 {body.Quota} 张证书"));
        foreach (RaScope each in body.Scope)
        {
            Line(text, "业务范围", $"{each.Profile}，由CA {DecisionText.Hex(each.Issuer)} 签发");
        }
    }

    private static void Switch(StringBuilder text, string what, string name, string reason)
    {
        Line(text, what, name);
        Line(text, "理由", reason);
    }

    /// <summary>The request is the proof of possession; the service holds it against the key.</summary>
    private static void Order(StringBuilder text, CertificateOrder body)
    {
        CertificateText.Append(text, body.Body);
        if (body.Request.Info.SubjectPublicKeyInfo != body.Body.SubjectPublicKeyInfo)
        {
            Line(text, "注意", "所附证书请求是另一个密钥的");
        }
    }

    private static void Client(StringBuilder text, string name, LinkKind kind) => Line(text, "客户端", $"{name}（{kind switch
    {
        LinkKind.Ca => "CA",
        LinkKind.Kmc => "密钥管理中心",
        LinkKind.Ra => "RA",
        LinkKind.Ocsp => "OCSP",
        _ => "人员",
    }}）");

    private static void Link(StringBuilder text, ClientSwitch body)
    {
        Line(text, "链路证书", $"指纹（SHA-256）{DecisionText.Hex(body.Thumbprint)}");
        Line(text, "理由", body.Reason);
    }

    private static void Many(StringBuilder text, BulkStatusBody body)
    {
        Line(text, "操作", DecisionText.Kind(body.Kind));
        Line(text, "原因", DecisionText.Reason(body.Reason));
        switch (body.Selection)
        {
            case CertificateSelection.Certificates listed:
                foreach (CertificateReference each in listed.List)
                {
                    Line(text, "证书", $"签发者密钥标识 {DecisionText.Hex(each.Issuer)}，序列号 {each.SerialNumber}");
                }

                break;
            case CertificateSelection.Key key:
                Line(text, "密钥", $"公钥的SM3 {DecisionText.Hex(key.Hash)}");
                break;
            case CertificateSelection.Subject subject:
                Line(text, "主体", $"主体名称的SM3 {DecisionText.Hex(subject.Hash)}");
                break;
            case CertificateSelection.Owner owner:
                Line(text, "所有者", owner.Name);
                break;
            case CertificateSelection.Issued issued:
                Line(text, "范围", $"{issued.From} 起、{issued.Until} 前签发，区域 {DecisionText.Region(issued.Region)} 及其下级，{(issued.RaName is null ? "不论申请方" : $"由 {issued.RaName} 申请")}");
                break;
        }
    }

    private static void ServedCa(StringBuilder text, CaRegistration body)
    {
        Line(text, "CA名称", body.Name);
        Shown(text, "消息证书", body.Certificate);
        Line(text, "链路", body.Link);
        Line(text, "应答签名", $"{(body.SignedPart == SignedPart.Content ? "签私钥内容" : "签EncryptedContentInfo")}，{(body.SignatureForm == SignatureForm.Der ? "DER" : "r‖s")}");
    }

    private static void Judicial(StringBuilder text, JudicialOrder body)
    {
        RecoveryCase recovery = body.DecodeCase();
        Line(text, "CA名称", body.CaName);
        Line(text, "加密证书", $"序列号 {body.SerialNumber}");
        Line(text, "案号", recovery.CaseNumber);
        Line(text, "文书", $"SM3 {DecisionText.Hex(recovery.DocumentHash)}");
        Line(text, "密钥", $"{DecisionText.Hex(recovery.KeyId)}，分区 {DecisionText.Hex(recovery.Partition)}");
        Line(text, "接收方", $"SM2公钥，指纹 {TokenContainer.FingerprintOf(recovery.Recipient)}");
        Line(text, "期限", LabelText.Shown(recovery.NotAfter));
        Line(text, "案件签名", string.Create(CultureInfo.InvariantCulture, $"{body.Statement.Signatures.Count} 个，由密码机验证"));
    }

    private static void Line(StringBuilder text, string what, string value) => DecisionText.Line(text, what, value);
}
