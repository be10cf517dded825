using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What an RA answers, for a person's eyes.</summary>
internal static class RaText
{
    /// <summary>Until the CA has the receipt.</summary>
    public const string Issued = "issued";

    public static string Kind(string kind) => kind switch
    {
        "new" => "新办",
        "renew" => "更新",
        "rekey" => "换发",
        "change" => "变更",
        "replace" => "补办",
        "revoke" => "吊销",
        "suspend" => "冻结",
        "resume" => "解冻",
        "recovery" => "密钥恢复",
        _ => kind,
    };

    public static string State(string state) => state switch
    {
        "draft" => "草稿",
        "submitted" => "待审核",
        "reviewed" => "待上级审核",
        "returned" => "已退回",
        "rejected" => "未通过",
        "issuing" => "签发中",
        Issued => "待领取",
        "delivered" => "已办结",
        "archived" => "已归档",
        "cancelled" => "已撤销",
        _ => state,
    };

    public static string SubscriberKind(string kind) => kind switch
    {
        "person" => "个人",
        "organization" => "机构",
        "device" => "设备",
        _ => kind,
    };

    public static void Write(TextWriter output, EnrollmentAnswer enrollment)
    {
        Line("编号", enrollment.Id);
        Line("查询号", enrollment.TrackingNumber);
        Line("业务", Kind(enrollment.Kind));
        Line("状态", State(enrollment.State));
        Line("类型", enrollment.Profile);
        Line("区域", enrollment.Region);
        Line("主体", $"{SubscriberKind(enrollment.Subscriber.Kind)} {enrollment.Subscriber.Name} {enrollment.Subscriber.Number}（{enrollment.Subscriber.Id}）");
        Line("单位", enrollment.Subscriber.OrganizationName);
        Line("经办人", enrollment.Agent);
        Line("有效期", enrollment.Days is { } days ? $"{days} 天" : null);
        Line("部门", enrollment.Departments.Count > 0 ? string.Join(" / ", enrollment.Departments) : null);
        Line("备用名称", enrollment.AlternativeNames.Count > 0 ? string.Join("、", enrollment.AlternativeNames) : null);
        Line("原证书", Named(enrollment.Certificate));
        Line("吊销原因", enrollment.RevocationReason);
        Line("接收证书", Named(enrollment.Recipient));
        Line("说明", enrollment.Reason);
        Line("等待CA", enrollment.Waiting);
        Line("受理", DeskText.Time(enrollment.CreatedAt));
        Line("时限", enrollment.DueAt is null ? null : DeskText.Time(enrollment.DueAt));
        foreach (EvidenceAnswer evidence in enrollment.Evidence)
        {
            Line("证明材料", $"{evidence.Title}（{evidence.MediaType}，{evidence.Length} 字节）{evidence.Hash}");
        }

        foreach (StepAnswer step in enrollment.Steps)
        {
            Line("经过", $"{DeskText.Time(step.At)} {State(step.State)} {step.Actor} {step.Reason}".TrimEnd());
        }

        foreach (CertificateName certificate in enrollment.Certificates)
        {
            Line("证书", Named(certificate));
        }

        void Line(string what, string? value)
        {
            if (value is { Length: > 0 })
            {
                output.WriteLine($"{what}：{LabelText.Shown(value)}");
            }
        }
    }

    private static string? Named(CertificateName? certificate) => certificate is null ? null : $"{certificate.Issuer}/{certificate.Serial}";
}
