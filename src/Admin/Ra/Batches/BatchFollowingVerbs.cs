using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>Drafts about certificates that there are: of those that expire soon, of all that an organisation has.</summary>
internal static class BatchFollowingVerbs
{
    public static Command Renew(DeskContext context)
    {
        var region = Region();
        var title = Title();
        var days = new Option<int>("--within-days") { Description = "多少天内到期，1至366。", Required = true };
        var profile = new Option<string?>("--profile") { Description = "只更新这一业务类型的证书。" };
        var organization = new Option<string?>("--organization") { Description = "只更新这一机构及其设备、人员的证书：主体编号。" };
        var agent = Agent();
        var command = new Command("renew", "批量更新：为即将到期的证书各生成一份更新草稿（同一密钥），等到办完。") { region, days, profile, organization, title, agent };
        Opens(context, command, parsed => new BatchRequest
        {
            Kind = "renewal",
            Region = parsed.GetRequiredValue(region),
            Title = parsed.GetValue(title) ?? $"{parsed.GetRequiredValue(days)}天内到期",
            WithinDays = parsed.GetRequiredValue(days),
            Profile = parsed.GetValue(profile),
            Organization = parsed.GetValue(organization),
            Agent = ReadAgent(parsed, agent, context),
        });
        return command;
    }

    public static Command Revoke(DeskContext context)
    {
        var region = Region();
        var title = Title();
        var organization = new Option<string>("--organization") { Description = "机构的主体编号。", Required = true };
        var reason = new Option<string>("--reason") { Description = "吊销原因，例如 cessationOfOperation。", Required = true };
        var agent = Agent();
        var command = new Command("revoke", "批量吊销：为一个机构及其设备、人员的证书各生成一份吊销草稿，等到办完。") { organization, reason, region, title, agent };
        Opens(context, command, parsed => new BatchRequest
        {
            Kind = "revocation",
            Region = parsed.GetRequiredValue(region),
            Title = parsed.GetValue(title) ?? "机构证书吊销",
            Organization = parsed.GetRequiredValue(organization),
            RevocationReason = parsed.GetRequiredValue(reason),
            Agent = ReadAgent(parsed, agent, context),
        });
        return command;
    }

    private static void Opens(DeskContext context, Command command, Func<ParseResult, BatchRequest> request) => context.DoesAll(command, async (session, parsed, cancellationToken) =>
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        BatchAnswer batch = BatchImportVerb.RequireNew(await session.PostAsync<BatchAnswer>("/batches", request(parsed), cancellationToken));
        output.WriteLine($"批次编号：{LabelText.Shown(batch.Id)}");
        batch = await BatchWork.UntilIdleAsync(session, batch, parsed.InvocationConfiguration.Error, cancellationToken);
        BatchTaskAnswer made = batch.Tasks.LastOrDefault(task => task.Kind == "making") ?? throw BatchWork.Unreadable();
        bool isGood = await BatchWork.ReportAsync(session, batch, made, output, cancellationToken);
        output.WriteLine(made.Done == 0 ? "没有生成草稿。" : $"提交：zwca ra batch submit {LabelText.Shown(batch.Id)}");
        return isGood;
    });

    private static Option<string> Region() => new("--region") { Description = "区域（GB/T 2260），含其下级。", Required = true };

    private static Option<string?> Title() => new("--title") { Description = "批次名称，便于查找。" };

    private static Option<string?> Agent() => new("--agent") { Description = "机构和设备的经办人姓名；其证件号码从终端输入。不写则略过机构和设备的证书，并予说明。" };

    private static AgentRequest? ReadAgent(ParseResult parsed, Option<string?> agent, DeskContext context) =>
        parsed.GetValue(agent) is { } name ? new AgentRequest { Name = name, IdNumber = context.Desk.Token.AskNumber("请输入经办人证件号码：") } : null;
}
