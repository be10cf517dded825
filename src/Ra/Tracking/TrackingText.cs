namespace ZwCa.Ra.Tracking;

/// <summary>What an applicant is told of an enrollment: by the numbers that the table has.</summary>
internal static class TrackingText
{
    private static readonly string[] Kinds = ["new", "renew", "rekey", "change", "replace", "revoke", "suspend", "resume", "recovery"];

    private static readonly (string Name, string Message)[] States =
    [
        ("draft", "已登记，材料正在整理，尚未提交审核。"),
        ("submitted", "已提交，等待审核，请耐心等候。"),
        ("reviewed", "已通过一级审核，等待上一级审核，请耐心等候。"),
        ("returned", "已退回补正，请与受理点联系，按要求补充或更正材料后重新提交。"),
        ("rejected", "审核未通过，如有疑问请与受理点联系。"),
        ("issuing", "审核已通过，正在办理，请耐心等候。"),
        ("issued", "已办理完成，请携带证件和介质到受理点领取。"),
        ("delivered", "已办结。领取了介质的，请妥善保管介质和口令。"),
        ("archived", "已办结归档。"),
        ("cancelled", "已撤销，如需办理请重新申请。"),
    ];

    /// <param name="kind">From 1 on.</param>
    public static string KindOf(short kind) => Kinds[kind - 1];

    public static (string Name, string Message) StateOf(short state) => States[state];
}
