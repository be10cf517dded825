using System.Text;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Token;

/// <summary>
/// A file that is signed as a statement, in words. What another verb or program signs in its own way is refused here: an approval, a message to a service, a
/// certificate slipped in as "just a file" would be a signed one.
/// </summary>
internal static class StatementText
{
    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/> (it is something else), <see cref="Refusal.Malformed"/> (empty).</exception>
    public static string Describe(byte[] content)
    {
        if (content.Length == 0)
        {
            throw new RefusalException(Refusal.Malformed, "文件是空的，没有可签署的内容。");
        }

        if (Forbidden(content) is { } other)
        {
            throw new RefusalException(Refusal.NotAllowed, $"该文件是{other}，不能作为声明签署。{(other == ApprovalName ? "审批请用 --application。" : "请向交来文件的人核实。")}");
        }

        var text = new StringBuilder();
        text.Append("  内容：").Append(Known(content)).Append('\n');
        text.Append("  大小：").Append(content.Length).Append(" 字节\n");
        text.Append("  摘要：SM3 ").Append(Convert.ToHexStringLower(Sm3.HashData(content))).Append('\n');
        return text.ToString();
    }

    private const string ApprovalName = "审批意见";

    private static string? Forbidden(byte[] content) =>
        Is<TbsApproval>(content) ? ApprovalName
        : content.AsSpan().StartsWith("ZWCA1"u8) ? "发给服务的报文"
        : Is<TbsCertificate>(content) ? "未签名的证书"
        : Is<CertificationRequestInfo>(content) ? "未签名的证书申请"
        : Is<TbsCertList>(content) ? "未签名的吊销列表"
        : Is<ResponseData>(content) ? "未签名的OCSP响应"
        : Is<DeliveryReceipt>(content) ? "未签名的加密密钥回执"
        : Is<TbsCheckpoint>(content) ? "未签名的日志检查点"
        : null;

    private static string Known(byte[] content) =>
        Try<RecoveryCase>(content) is { } recovery
            ? $"司法恢复令：把用户私钥交给他人\n  案号：{LabelText.Shown(recovery.CaseNumber)}\n  文书：SM3 {Hex(recovery.DocumentHash)}\n  密钥：{Hex(recovery.KeyId)}\n"
                + $"  接收方：SM2公钥 {Hex(recovery.Recipient.PublicKey)}\n  分区：{Hex(recovery.Partition)}\n  有效至：{LabelText.Shown(recovery.NotAfter)}"
        : Try<BackupStatement>(content) is { } backup
            ? $"备份令：备份分区 {Hex(backup.Partition)} 的全部密钥，有效至 {LabelText.Shown(backup.NotAfter)}"
        : Try<PartitionPolicy>(content) is { } policy ? Policy(policy)
        : Is<Application>(content) ? "业务申请（作为声明签署不等于审批）"
        : Is<Certificate>(content) ? "证书"
        : IsText(content) ? "文本文件，请自行打开阅读；签署的是文件的全部字节"
        : "其他文件；签署的是文件的全部字节";

    private static string Policy(PartitionPolicy policy)
    {
        var text = new StringBuilder($"密码机分区策略，第 {policy.Version} 版，分区 {Hex(policy.Partition)}");
        foreach (ClientCredential client in policy.Clients)
        {
            text.Append("\n  可连接：证书 SHA-256 ").Append(Hex(client.CertificateHash)).Append("，口令 SM3 ").Append(Hex(client.SecretHash));
        }

        text.Append("\n  SM2解密：").Append(policy.AllowSm2Decrypt ? "允许" : "不允许");
        foreach (AuthorizingCa ca in policy.AuthorizingCas)
        {
            text.Append("\n  可取用密钥的CA：").Append(LabelText.Shown(ca.Name)).Append(Keys(ca.Keys));
        }

        text.Append("\n  人员证书签发者：").Append(policy.OfficerIssuers.Count).Append(" 个").Append(Keys(policy.OfficerIssuers));
        return text.Append("\n  司法恢复：")
            .Append(policy.Recovery is { } rule ? $"{rule.Officers.Count} 人中的 {rule.Threshold} 人{Keys(rule.Officers)}" : "不允许")
            .ToString();
    }

    private static string Keys(IReadOnlyList<SubjectPublicKeyInfo> keys) => string.Concat(keys.Select(key => $"\n    公钥 {Hex(key.PublicKey)}"));

    private static bool IsText(byte[] content) => System.Text.Unicode.Utf8.IsValid(content) && !content.Contains((byte)0);

    private static bool Is<T>(byte[] content)
        where T : class, IDer<T> => Try<T>(content) is not null;

    private static T? Try<T>(byte[] content)
        where T : class, IDer<T>
    {
        try
        {
            return Der.Decode<T>(content);
        }
        catch (DerException)
        {
            return null;
        }
    }

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);
}
