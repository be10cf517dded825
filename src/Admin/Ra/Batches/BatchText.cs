using System.Globalization;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What an RA answers about a batch, for a person's eyes.</summary>
internal static class BatchText
{
    public static string Kind(string kind) => kind switch
    {
        "import" => "批量导入",
        "renewal" => "批量更新",
        "revocation" => "批量吊销",
        _ => kind,
    };

    public static string TaskKind(string kind) => kind switch
    {
        "checking" => "检查",
        "making" => "生成草稿",
        "submission" => "提交",
        "review" => "审核",
        "cancellation" => "撤销",
        _ => kind,
    };

    public static string TaskState(string state) => state switch
    {
        "running" => "进行中",
        "done" => "已完成",
        "refused" => "整体未通过",
        _ => state,
    };

    /// <summary>How far it is, or how it ended.</summary>
    public static string State(BatchAnswer batch) => batch switch
    {
        { Tasks: [.., { State: "running" } running] } => $"{TaskKind(running.Kind)}{TaskState(running.State)}",
        { CancelledAt: not null } => "已撤销",
        { Tasks: [.., var last] } => $"{TaskKind(last.Kind)}{TaskState(last.State)}",
        _ => "待上传文件",
    };

    public static void Write(TextWriter output, BatchAnswer batch)
    {
        output.WriteLine($"批次编号：{LabelText.Shown(batch.Id)}");
        output.WriteLine(LabelText.Shown($"类别：{Kind(batch.Kind)}，名称：{batch.Title}，区域：{batch.Region}，状态：{State(batch)}"));
        output.WriteLine(LabelText.Shown($"建立：{DeskText.Time(batch.CreatedAt)}，人员证书 {batch.CreatedBy}{(batch.CancelledAt is null ? "" : $"；撤销：{DeskText.Time(batch.CancelledAt)}")}"));
        if (batch.File is not null)
        {
            output.WriteLine($"文件：SM3 {LabelText.Shown(batch.File)}{(batch.FileDeletedAt is null ? "" : $"；已按保存期限删除：{DeskText.Time(batch.FileDeletedAt)}")}");
        }

        DeskText.WriteTable(
            output,
            ["序号", "任务", "状态", "已处理", "总数", "通过", "未通过", "开始", "结束", "说明"],
            batch.Tasks.Select(task => (string[])
            [
                Number(task.Number), TaskKind(task.Kind), TaskState(task.State), Number(task.Reached), task.Rows is { } rows ? Number(rows) : "", Number(task.Done), Number(task.Refused),
                DeskText.Time(task.StartedAt), DeskText.Time(task.EndedAt), task.Waiting ?? task.Reason ?? "",
            ]));
        if (batch.States.Count > 0)
        {
            output.WriteLine(LabelText.Shown($"业务：{string.Join("，", batch.States.Select(each => $"{RaText.State(each.Key)} {each.Value}"))}"));
        }
    }

    public static void WriteRows(TextWriter output, IEnumerable<BatchRowAnswer> rows) => DeskText.WriteTable(
        output,
        ["行", "业务编号", "状态", "原因"],
        rows.Select(row => (string[])[Number(row.Row), row.Enrollment ?? "", row.State is null ? "" : RaText.State(row.State), row.Reason ?? ""]));

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
