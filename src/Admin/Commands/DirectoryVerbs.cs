using System.CommandLine;
using System.Globalization;
using ZwCa.Admin.Desk;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Kmc;

namespace ZwCa.Admin.Commands;

/// <summary>What commands have registered: names, serial numbers and thumbprints that the next ones need.</summary>
internal static class DirectoryVerbs
{
    public static Command Directory(DeskContext context) => new("directory", "列出命令所登记的：人员、区域、链路、RA、证书模板、所服务的CA。")
    {
        Paged<OfficerPage, OfficerAnswer>(
            context,
            "officers",
            "人员。",
            page => (page.Officers, page.Next),
            (rows, next) => new OfficerPage { Officers = rows, Next = next },
            ["人员证书", "姓名", "身份证号", "角色", "区域", "在职", "复核期限"],
            each => [each.Certificate, each.Name, each.IdNumber, each.Role, each.Region, YesNo(each.Enabled), DeskText.Time(each.CertifiedUntil)]),
        Paged<ClientPage, ClientAnswer>(
            context,
            "clients",
            "链路客户端。",
            page => (page.Clients, page.Next),
            (rows, next) => new ClientPage { Clients = rows, Next = next },
            ["链路证书指纹（SHA-256）", "种类", "客户端", "状态", "终止"],
            each => [each.Thumbprint, each.Kind, each.Entity, State(each.State), DeskText.Time(each.NotAfter)]),
        Whole<RegionAnswer>(context, "regions", "/regions", "区域。", ["区域", "名称", "上级"], each => [each.Code, each.Name, each.Parent ?? ""]),
        Whole<ProfileAnswer>(context, "profiles", "/profiles", "CA的证书模板。", ["证书模板", "说明", "SM3", "启用"], each => [each.Name, each.Title, each.Hash, YesNo(each.Active)]),
        Whole<RegistrationAuthorityAnswer>(
            context,
            "ras",
            "/registration-authorities",
            "CA的RA。",
            ["名称", "实体编号", "区域", "启用", "限额", "已签发", "业务范围"],
            each => [each.Name, each.Entity, each.Region, YesNo(each.Enabled), Number(each.Quota), Number(each.Issued), string.Join("、", each.Scope.Select(scope => scope.Profile).Distinct())]),
        Whole<ServedCaAnswer>(
            context, "cas", "/cas", "密钥管理中心所服务的CA。", ["名称", "状态", "消息证书", "终止", "链路"], each => [each.Name, each.State == "served" ? "服务中" : "已冻结", each.Certificate, DeskText.Time(each.NotAfter), each.Link]),
    };

    private static Command Paged<TPage, T>(
        DeskContext context,
        string name,
        string description,
        Func<TPage, (IReadOnlyList<T> Rows, string? Next)> split,
        Func<IReadOnlyList<T>, string?, TPage> join,
        string[] heads,
        Func<T, string[]> cells)
        where TPage : notnull
    {
        var paging = new PageOptions();
        Option<bool> json = DeskVerbs.Json();
        var command = new Command(name, description) { paging.After, paging.Rows, paging.All, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            (List<T> found, string? next) = await paging.ReadAsync(
                parsed, async (after, rows) => split(await session.GetAsync<TPage>(DeskVerbs.Query($"/{name}", ("after", after), ("rows", rows)), cancellationToken)));
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), join(found, next), _ =>
            {
                DeskText.WriteTable(output, heads, found.Select(cells));
                PageOptions.Say(output, next);
            });
        });
        return command;
    }

    private static Command Whole<T>(DeskContext context, string name, string path, string description, string[] heads, Func<T, string[]> cells)
    {
        Option<bool> json = DeskVerbs.Json();
        var command = new Command(name, description) { json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), await session.GetAsync<T[]>(path, cancellationToken), rows => DeskText.WriteTable(output, heads, rows.Select(cells)));
        });
        return command;
    }

    private static string YesNo(bool value) => value ? "是" : "否";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string State(string state) => state switch
    {
        "enabled" => "开放",
        "disabled" => "关闭",
        "revoked" => "已吊销",
        _ => state,
    };
}
