using System.CommandLine;
using System.Globalization;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Admin.Ra;

/// <summary>What only reads: what can be applied for, which enrollments there are, one of them.</summary>
internal static class ListVerbs
{
    private static readonly string[] States = ["draft", "submitted", "reviewed", "returned", "rejected", "issuing", "issued", "delivered", "archived", "cancelled"];

    public static Command Profiles(DeskContext context)
    {
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("profiles", "列出可以申请的业务类型。") { json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), await session.GetAsync<EnrollmentProfileAnswer[]>("/profiles", cancellationToken), answer => DeskText.WriteTable(
                output,
                ["名称", "说明", "主体", "证书", "有效期", "审核", "证明材料", "可用"],
                answer.Select(each => (string[])
                [
                    each.Name,
                    each.Title,
                    RaText.SubscriberKind(each.Subscriber),
                    each.Encryption is null ? "单证书" : "双证书",
                    string.Create(CultureInfo.InvariantCulture, $"{each.Days} 天"),
                    string.Join("→", each.Reviews.Select(level => level switch { "city" => "市级", "province" => "省级", _ => level })),
                    string.Create(CultureInfo.InvariantCulture, $"{each.Evidence} 份"),
                    each.Available ? "是" : "否",
                ])));
        });
        return command;
    }

    public static Command List(DeskContext context)
    {
        var state = new Option<string?>("--state") { Description = "状态。" };
        state.AcceptOnlyFromAmong(States);
        var kind = new Option<string?>("--kind") { Description = "业务种类。" };
        kind.AcceptOnlyFromAmong(EnrollmentInput.Kinds);
        var region = new Option<string?>("--region") { Description = "区域（GB/T 2260），含其下级。" };
        var subscriber = new Option<string?>("--subscriber") { Description = "主体编号。" };
        var number = new Option<string?>("--tracking-number") { Description = "查询号。" };
        var overdue = new Option<bool>("--overdue") { Description = "只列逾期的业务。" };
        var paging = new PageOptions();
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("list", "列出本辖区的业务。") { state, kind, region, subscriber, number, overdue, paging.After, paging.Rows, paging.All, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            (List<EnrollmentSummary> found, string? next) = await paging.ReadAsync(
                parsed,
                async (after, rows) =>
                {
                    EnrollmentPage page = await session.GetAsync<EnrollmentPage>(
                        DeskVerbs.Query(
                            "/enrollments",
                            ("state", parsed.GetValue(state)),
                            ("kind", parsed.GetValue(kind)),
                            ("region", parsed.GetValue(region)),
                            ("subscriber", parsed.GetValue(subscriber)),
                            ("trackingNumber", parsed.GetValue(number)),
                            ("overdue", parsed.GetValue(overdue) ? "true" : null),
                            ("after", after),
                            ("rows", rows)),
                        cancellationToken);
                    return (page.Enrollments, page.Next);
                });
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), new EnrollmentPage { Enrollments = found, Next = next }, page =>
            {
                DeskText.WriteTable(
                    output,
                    ["编号", "业务", "状态", "类型", "区域", "受理", "时限", "查询号"],
                    page.Enrollments.Select(each => (string[])
                        [each.Id, RaText.Kind(each.Kind), RaText.State(each.State), each.Profile, each.Region, DeskText.Time(each.CreatedAt), DeskText.Time(each.DueAt), each.TrackingNumber]));
                PageOptions.Say(output, page.Next);
            });
        });
        return command;
    }

    public static Command Show(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        var save = new Option<DirectoryInfo?>("--save") { Description = "把证明材料存入此文件夹；同名文件不会被覆盖。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("show", "显示一项业务：内容、证明材料、经过、证书。") { id, save, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            EnrollmentAnswer answer = await session.GetAsync<EnrollmentAnswer>($"/enrollments/{parsed.GetRequiredValue(id)}", cancellationToken);
            DeskVerbs.Write(output, parsed.GetValue(json), answer, shown => RaText.Write(output, shown));
            foreach (EvidenceAnswer evidence in parsed.GetValue(save) is null ? [] : answer.Evidence)
            {
                await SaveAsync(session, answer, evidence, parsed.GetValue(save)!, cancellationToken);
            }
        });
        return command;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: another file than the officers sign for.</exception>
    private static async Task SaveAsync(OfficerSession session, EnrollmentAnswer enrollment, EvidenceAnswer evidence, DirectoryInfo folder, CancellationToken cancellationToken)
    {
        byte[] file = await session.GetBytesAsync($"/enrollments/{enrollment.Id}/evidence/{Uri.EscapeDataString(evidence.Hash)}", cancellationToken);
        if (Convert.ToHexStringLower(Sm3.HashData(file)) != evidence.Hash)
        {
            throw new RefusalException(Refusal.Malformed, $"证明材料“{LabelText.Shown(evidence.Title)}”与其SM3不符，没有保存。请报告管理员。");
        }

        // Named after its bytes: a title is anybody's text.
        folder.Create();
        OutputFile.WriteNew(new FileInfo(Path.Combine(folder.FullName, $"{evidence.Hash}.{EvidenceFile.ExtensionOf(file)}")), file);
    }
}
