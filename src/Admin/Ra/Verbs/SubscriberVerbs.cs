using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>Of whom certificates are: registered, found, listed.</summary>
internal static class SubscriberVerbs
{
    private static readonly string[] Kinds = ["person", "organization", "device"];

    public static Command Subscriber(DeskContext context) => new("subscriber", "主体：个人、机构、设备。") { Add(context), Find(context), List(context) };

    private static Command Add(DeskContext context)
    {
        Option<string> kind = Kind();
        var region = new Option<string>("--region") { Description = "区域（GB/T 2260）。", Required = true };
        var name = new Option<string>("--name") { Description = "姓名或名称。", Required = true };
        Option<string?> number = Number();
        var organization = new Option<string?>("--organization") { Description = "所在（所属）机构的主体编号。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("add", "登记主体；号码已登记的，给出原有的登记。") { kind, region, name, number, organization, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            var request = new SubscriberRequest
            {
                Kind = parsed.GetRequiredValue(kind),
                Region = parsed.GetRequiredValue(region),
                Name = parsed.GetRequiredValue(name),
                Number = NumberOf(parsed, number, context),
                Organization = parsed.GetValue(organization),
            };
            Write(parsed, json, await session.PostAsync<SubscriberAnswer>("/subscribers", request, cancellationToken));
        });
        return command;
    }

    private static Command Find(DeskContext context)
    {
        Option<string> kind = Kind();
        Option<string?> number = Number();
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("find", "按号码查找主体。") { kind, number, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            var search = new SubscriberSearch { Kind = parsed.GetRequiredValue(kind), Number = NumberOf(parsed, number, context) };
            Write(parsed, json, await session.PostAsync<SubscriberAnswer>("/subscribers/search", search, cancellationToken));
        });
        return command;
    }

    private static Command List(DeskContext context)
    {
        var kind = new Option<string?>("--kind") { Description = "种类。" };
        kind.AcceptOnlyFromAmong(Kinds);
        var region = new Option<string?>("--region") { Description = "区域（GB/T 2260），含其下级。" };
        var organization = new Option<string?>("--organization") { Description = "所在（所属）机构的主体编号。" };
        var name = new Option<string?>("--name") { Description = "机构或设备名称的开头。" };
        var paging = new PageOptions();
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("list", "列出本辖区的主体。") { kind, region, organization, name, paging.After, paging.Rows, paging.All, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            (List<SubscriberAnswer> found, string? next) = await paging.ReadAsync(
                parsed,
                async (after, rows) =>
                {
                    SubscriberPage page = await session.GetAsync<SubscriberPage>(
                        DeskVerbs.Query(
                            "/subscribers",
                            ("kind", parsed.GetValue(kind)),
                            ("region", parsed.GetValue(region)),
                            ("organization", parsed.GetValue(organization)),
                            ("name", parsed.GetValue(name)),
                            ("after", after),
                            ("rows", rows)),
                        cancellationToken);
                    return (page.Subscribers, page.Next);
                });
            DeskVerbs.Write(output, parsed.GetValue(json), new SubscriberPage { Subscribers = found, Next = next }, page =>
            {
                DeskText.WriteTable(
                    output,
                    ["编号", "种类", "名称", "号码", "区域", "机构"],
                    page.Subscribers.Select(each => (string[])[each.Id, RaText.SubscriberKind(each.Kind), each.Name, each.Number, each.Region, each.OrganizationName ?? ""]));
                PageOptions.Say(output, page.Next);
            });
        });
        return command;
    }

    private static Option<string> Kind()
    {
        var kind = new Option<string>("--kind") { Description = "种类。", Required = true };
        kind.AcceptOnlyFromAmong(Kinds);
        return kind;
    }

    private static Option<string?> Number() => new("--number") { Description = "证件号码、统一社会信用代码、设备地址或编号；个人的不要写在命令行上，不写则从终端输入。" };

    private static string NumberOf(ParseResult parsed, Option<string?> number, DeskContext context) =>
        parsed.GetValue(number) ?? context.Desk.Token.AskNumber("请输入号码：");

    private static void Write(ParseResult parsed, Option<bool> json, SubscriberAnswer answer)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        DeskVerbs.Write(output, parsed.GetValue(json), answer, shown =>
        {
            output.WriteLine($"主体编号 {LabelText.Shown(shown.Id)}");
            output.WriteLine(LabelText.Shown($"{RaText.SubscriberKind(shown.Kind)} {shown.Name} {shown.Number}，区域 {shown.Region}{(shown.OrganizationName is null ? "" : $"，{shown.OrganizationName}")}"));
        });
    }
}
