using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Officers;

namespace ZwCa.Admin.Token;

/// <summary>An application in words, all of it: nobody signs what he was not shown.</summary>
internal static class DecisionText
{
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: the body is not what the kind says, or cannot be shown.</exception>
    public static string Describe(Application application)
    {
        var text = new StringBuilder();
        Line(text, "业务", Kind(application.Kind));
        if (application.Kind == DecisionKind.Command && application.CaName == application.RaName)
        {
            Line(text, "服务", application.CaName);
        }
        else
        {
            Line(text, "CA", application.CaName);
            Line(text, "RA", application.RaName);
        }

        Line(text, "区域", Region(application.Region));
        Line(text, "编号", application.EnrollmentId);
        try
        {
            switch (application.Kind)
            {
                case DecisionKind.Recovery:
                    Recovery(text, Der.Decode<RecoveryBody>(application.Body));
                    break;
                case DecisionKind.Command:
                    CommandText.Append(text, Der.Decode<CommandBody>(application.Body));
                    break;
                case DecisionKind.Revoke or DecisionKind.Suspend or DecisionKind.Resume:
                    Status(text, Der.Decode<StatusBody>(application.Body));
                    break;
                default:
                    CertificateText.Append(text, Der.Decode<CertificateBody>(application.Body));
                    break;
            }
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, $"申请 {LabelText.Shown(application.EnrollmentId)} 的内容无法解读，不能签署。请向提交人核实。", inner: e);
        }

        Line(text, "摘要", $"SM3 {Convert.ToHexStringLower(application.Digest)}");
        return text.ToString();
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: this program has no word for it.</exception>
    public static string Kind(DecisionKind kind) => kind switch
    {
        DecisionKind.Issue => "签发证书",
        DecisionKind.Renew => "更新证书（同一密钥）",
        DecisionKind.Rekey => "换发证书（新密钥）",
        DecisionKind.Revoke => "吊销证书",
        DecisionKind.Suspend => "冻结证书",
        DecisionKind.Resume => "解冻证书",
        DecisionKind.Recovery => "密钥恢复",
        DecisionKind.Command => "系统命令",
        _ => throw new RefusalException(Refusal.Malformed, $"本程序不认识业务种类 {(int)kind}，不能签署。请使用新版本的程序。"),
    };

    public static string Reason(RevocationReason reason) => reason switch
    {
        RevocationReason.Unspecified => "未指明",
        RevocationReason.KeyCompromise => "密钥泄露或令牌遗失",
        RevocationReason.CaCompromise => "CA密钥泄露",
        RevocationReason.AffiliationChanged => "信息变更",
        RevocationReason.Superseded => "已被取代",
        RevocationReason.CessationOfOperation => "停止使用",
        RevocationReason.CertificateHold => "冻结",
        RevocationReason.RemoveFromCrl => "解冻",
        RevocationReason.PrivilegeWithdrawn => "撤销权限",
        _ => $"{reason}",
    };

    /// <summary>Who a certificate makes an officer, if it does.</summary>
    /// <exception cref="DerException">The extension is damaged.</exception>
    public static string? Officer(Certificate certificate) => certificate.Tbs.Extensions?.Find<OfficerIdentity>() is { } identity
        ? $"{identity.Role}（{Kind(identity.Kind)}），区域 {Region(identity.Region)}，人员编号 {Hex(identity.Person)}"
        : null;

    private static void Recovery(StringBuilder text, RecoveryBody body)
    {
        Line(text, "事项", "恢复加密证书的私钥，交给下列接收方");
        Line(text, "签发者", $"密钥标识 {Hex(body.Issuer)}");
        Line(text, "加密证书", $"序列号 {body.SerialNumber}");
        Line(text, "接收方", $"SM2公钥，指纹 {TokenContainer.FingerprintOf(body.Recipient)}");
    }

    internal static void Status(StringBuilder text, StatusBody body)
    {
        Line(text, "签发者", $"密钥标识 {Hex(body.Certificate.Issuer)}");
        Line(text, "证书", $"序列号 {body.Certificate.SerialNumber}");
        Line(text, "原因", Reason(body.Reason));
    }

    internal static string Kind(OfficerKind kind) => kind switch
    {
        OfficerKind.Administrator => "管理类",
        OfficerKind.Operator => "操作类",
        _ => "审计类",
    };

    internal static string Region(string code) => code == RegionCode.Nation.Value ? $"{code}（全国）" : code;

    internal static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    internal static void Line(StringBuilder text, string what, string value) => text.Append("  ").Append(what).Append("：").Append(LabelText.Shown(value)).Append('\n');
}
