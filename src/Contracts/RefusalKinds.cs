using System.Collections.Frozen;

namespace ZwCa.Contracts;

/// <summary>The one table of HTTP statuses and titles, for both ends.</summary>
public static class RefusalKinds
{
    /// <summary>What a problem's type begins with; the name of the <see cref="Refusal"/> follows.</summary>
    public const string TypePrefix = "urn:zwca:refusal:";

    private static readonly FrozenDictionary<Refusal, (int Status, string Title)> Table = new Dictionary<Refusal, (int, string)>
    {
        [Refusal.Malformed] = (400, "请求格式不正确"),
        [Refusal.TooLarge] = (413, "请求过大"),
        [Refusal.BadCsr] = (422, "证书申请不正确"),
        [Refusal.BadPublicKey] = (422, "公钥不合格"),
        [Refusal.UnknownProfile] = (422, "证书模板不存在"),
        [Refusal.ValidityTooLong] = (422, "有效期过长"),
        [Refusal.SubjectNotAllowed] = (422, "证书主体不符合规定"),
        [Refusal.LinkNotTrusted] = (401, "链路不受信任"),
        [Refusal.BadSignature] = (401, "签名验证未通过"),
        [Refusal.Expired] = (401, "报文已过期"),
        [Refusal.Duplicate] = (409, "重复或冲突"),
        [Refusal.InProgress] = (409, "正在处理"),
        [Refusal.NotFound] = (404, "未找到"),
        [Refusal.NotAllowed] = (403, "无权操作"),
        [Refusal.OutOfScope] = (403, "超出管辖范围"),
        [Refusal.QuotaExhausted] = (429, "配额已用完"),
        [Refusal.SecondOfficerRequired] = (403, "须由另一人审批"),
        [Refusal.RolesNotDisjoint] = (403, "角色互斥"),
        [Refusal.NotApproved] = (403, "未获批准"),
        [Refusal.WrongState] = (409, "状态不允许"),
        [Refusal.AlreadyRevoked] = (409, "证书已吊销"),
        [Refusal.RecertificationDue] = (403, "权限须重新确认"),
        [Refusal.TooManyRequests] = (429, "请求过于频繁"),
        [Refusal.AuditUnavailable] = (503, "审计不可用，暂停签发"),
        [Refusal.Unavailable] = (503, "服务暂不可用"),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Refusal> ByType = Enum.GetValues<Refusal>().ToFrozenDictionary(TypeOf, StringComparer.Ordinal);

    /// <returns>The HTTP status.</returns>
    public static int StatusOf(Refusal kind) => Table[kind].Status;

    /// <returns>A few words of Chinese that say the kind.</returns>
    public static string TitleOf(Refusal kind) => Table[kind].Title;

    /// <returns>The problem's type on the wire.</returns>
    public static string TypeOf(Refusal kind) => TypePrefix + kind;

    /// <returns>Null: no refusal that this program knows.</returns>
    public static Refusal? OfType(string? type) => type is not null && ByType.TryGetValue(type, out Refusal kind) ? kind : null;
}
