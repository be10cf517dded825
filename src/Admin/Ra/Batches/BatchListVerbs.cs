using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What only reads: which batches there are, one of them, its rows.</summary>
internal static class BatchListVerbs
{
    public static Command List(DeskContext context)
    {
        var region = new Option<string?>("--region") { Description = "区域（GB/T 2260），含其下级；不写则为本辖区。" };
        var after = new Option<string?>("--after") { Description = "从上一页末尾的编号之后继续。" };
        var rows = new Option<int?>("--rows") { Description = "每页行数，1至500。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("list", "列出批次，最近的在前。") { region, after, rows, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            string query = DeskVerbs.Query(
                "/batches", ("region", parsed.GetValue(region)), ("after", parsed.GetValue(after)), ("rows", parsed.GetValue(rows) is { } most ? BatchText.Number(most) : null));
            DeskVerbs.Write(output, parsed.GetValue(json), await session.GetAsync<BatchPage>(query, cancellationToken), page =>
            {
                DeskText.WriteTable(
                    output,
                    ["编号", "类别", "名称", "区域", "建立", "状态", "业务"],
                    page.Batches.Select(each => (string[])
                        [each.Id, BatchText.Kind(each.Kind), each.Title, each.Region, DeskText.Time(each.CreatedAt), BatchText.State(each), BatchText.Number(each.Tasks.FirstOrDefault(task => task.Kind == "making")?.Done ?? 0)]));
                PageOptions.Say(output, page.Next);
            });
        });
        return command;
    }

    public static Command Show(DeskContext context)
    {
        Argument<string> id = BatchVerbs.Id();
        var wait = new Option<bool>("--wait") { Description = "等到正在办的办完。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("show", "显示一个批次：办过什么，办到哪里，各状态的业务有多少。") { id, wait, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            BatchAnswer batch = await BatchWork.FindAsync(session, parsed.GetRequiredValue(id), cancellationToken);
            batch = parsed.GetValue(wait) ? await BatchWork.UntilIdleAsync(session, batch, parsed.InvocationConfiguration.Error, cancellationToken) : batch;
            DeskVerbs.Write(output, parsed.GetValue(json), batch, shown => BatchText.Write(output, shown));
        });
        return command;
    }

    public static Command Rows(DeskContext context)
    {
        Argument<string> id = BatchVerbs.Id();
        var task = new Option<int?>("--task") { Description = "任务序号，见 zwca ra batch show：列出它未通过的行及原因；不写则列出已有业务的行。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("rows", "列出一个批次的所有行。") { id, task, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            List<BatchRowAnswer> rows = await BatchWork.RowsAsync(session, parsed.GetRequiredValue(id), parsed.GetValue(task), cancellationToken);
            DeskVerbs.Write(output, parsed.GetValue(json), new BatchRowPage { Rows = rows }, page => BatchText.WriteRows(output, page.Rows));
        });
        return command;
    }
}
