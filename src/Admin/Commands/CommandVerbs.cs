using System.CommandLine;
using System.Text.Json;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Kmc;

namespace ZwCa.Admin.Commands;

/// <summary>
/// <c>zwca command</c>: officers of a CA or a KMC at a terminal, over its REST API, with their tokens (docs/COMMANDS.md). One proposes what he has written down, another approves what he was shown. In Chinese;
/// exit codes as of <c>zwca ra</c>.
/// </summary>
internal static class CommandVerbs
{
    private const string Again = "请再次运行同一命令";
    private const string NotDone = "待提出人以外的第二人批准：zwca command approve";

    public static Command Commands() => Commands(OfficerDesk.Terminal);

    internal static Command Commands(OfficerDesk desk)
    {
        var context = new DeskContext(desk, "command", "CA或密钥管理中心", "请先用 zwca command show 编号 查看，或用 list 列出各状态的命令");
        return new Command("command", "CA和密钥管理中心的系统命令：一人提出，另一人批准；只收回权限的（停用、冻结、关闭）一人提出即生效。用令牌登录和签名；PIN从终端输入，或放在环境变量 ZWCA_TOKEN_PIN 中。")
        {
            context.Config,
            Propose(context),
            CommandListVerbs.List(context),
            CommandListVerbs.Show(context),
            Approve(context),
            Ends(context, "reject", "rejection", "不批准一项命令；须是本可批准它的人。", "已驳回"),
            Ends(context, "withdraw", "withdrawal", "撤回自己提出的命令。", "已撤回"),
            Person(context),
            RenewLink(context),
            DirectoryVerbs.Directory(context),
            RecoveryVerbs.EscrowedKey(context),
            RecoveryVerbs.Recovery(context),
        };
    }

    private static Command Propose(DeskContext context)
    {
        var file = new Argument<FileInfo>("FILE") { Description = "命令（JSON，一项或一个数组），字段见 docs/COMMANDS.md。其中的文件名相对于此文件。" };
        var from = new Option<int>("--from") { Description = "从第几项开始；前面的已提出过。", DefaultValueFactory = _ => 1 };
        Option<bool> yes = DeskVerbs.Yes();
        var command = new Command("propose", "提出命令：先用文字说明全部内容，再逐项签名、发送。") { file, from, yes };
        context.Does(command, parsed => Read(parsed.GetRequiredValue(file), parsed.GetValue(from)), async (session, papers, parsed, cancellationToken) =>
        {
            // Step 1: what is signed of all of it.
            TextWriter output = parsed.InvocationConfiguration.Output;
            string service = ServiceOf(session);
            int first = parsed.GetValue(from);
            Application[] applications = [.. papers.Select(paper => paper.ToApplication(service, context.Desk.Token.Time))];

            // Step 2: his yes to all that he was shown.
            int atOnce = papers.Count(paper => CommandText.IsAtOnce(paper.Action));
            output.WriteLine($"将以提出人身份签署下列 {applications.Length} 项命令{(atOnce > 0 ? $"，其中 {atOnce} 项立即生效" : "")}：");
            Describe(output, applications, first);
            Agree(context, parsed.GetValue(yes));

            // Step 3: one after the other, each whole.
            for (int i = 0; i < applications.Length; i++)
            {
                var proposal = new CommandProposal { Application = Der.Encode(applications[i]), Approval = session.Sign(ApprovalStep.Entry, [applications[i]]) };
                CommandAnswer answer = await SendAsync(
                    () => session.PostAsync<CommandAnswer>("/commands", proposal, cancellationToken),
                    applications[i].EnrollmentId,
                    $"第 {first + i} 项",
                    applications.Length == 1 ? "" : $"其前各项已提出，其后各项没有；改正后用 --from {first + i} 继续。",
                    $"查不到它时再用 --from {first + i} 继续");
                output.WriteLine($"[{first + i}] 编号 {LabelText.Shown(answer.Id)}，{CommandListVerbs.State(answer.State)}{(answer.State == CommandListVerbs.Proposed ? $"；{NotDone} {LabelText.Shown(answer.Id)}" : "")}");
            }
        });
        return command;
    }

    private static Command Approve(DeskContext context)
    {
        var ids = new Argument<string[]>("ID") { Description = "命令编号，一个或多个。", Arity = ArgumentArity.OneOrMore };
        ids.Validators.Add(result =>
        {
            if (result.Tokens.Any(each => !DeskVerbs.IsId(each.Value)))
            {
                result.AddError("ID 应为32位小写十六进制数。");
            }
        });
        Option<bool> yes = DeskVerbs.Yes();
        var command = new Command("approve", "批准他人提出的命令：先用文字说明全部内容，再逐项签名、发送。") { ids, yes };
        context.DoesAll(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            string service = ServiceOf(session);
            var applications = new List<Application>();
            foreach (string id in parsed.GetRequiredValue(ids).Distinct(StringComparer.Ordinal))
            {
                CommandAnswer found = await session.GetAsync<CommandAnswer>($"/commands/{id}", cancellationToken);
                applications.Add(CommandListVerbs.Read(found, id, service));
                output.WriteLine($"[{applications.Count}] {CommandListVerbs.Said(found, applications[^1])}");
                if (found.State != CommandListVerbs.Proposed)
                {
                    throw new RefusalException(Refusal.WrongState, $"命令 {id} {CommandListVerbs.State(found.State)}，不能批准。");
                }
            }

            output.WriteLine($"将以批准人身份签署下列 {applications.Count} 项命令，批准后即生效：");
            Describe(output, applications, 1);
            Agree(context, parsed.GetValue(yes));
            bool all = true;
            foreach ((int index, Application application) in applications.Index())
            {
                var review = new CommandReview { Approval = session.Sign(ApprovalStep.Review, [application]) };
                CommandAnswer answer = await SendAsync(
                    () => session.PostAsync<CommandAnswer>($"/commands/{application.EnrollmentId}/approval", review, cancellationToken),
                    application.EnrollmentId,
                    $"第 {index + 1} 项",
                    applications.Count == 1 ? "" : "其前各项已批准，其后各项没有。",
                    "仍待批准时再批准它和其后各项");
                output.WriteLine($"[{index + 1}] 编号 {application.EnrollmentId}，{CommandListVerbs.State(answer.State)}{CommandListVerbs.OrderText(answer.Order)}");
                all &= answer.Order?.State is not CommandListVerbs.OrderRefused;
            }

            return all;
        });
        return command;
    }

    private static Command Ends(DeskContext context, string name, string resource, string description, string done)
    {
        Argument<string> id = DeskVerbs.Id("命令");
        var command = new Command(name, description) { id };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            CommandAnswer answer = await session.PostAsync<CommandAnswer>($"/commands/{parsed.GetRequiredValue(id)}/{resource}", new { }, cancellationToken);
            parsed.InvocationConfiguration.Output.WriteLine($"{done}，状态：{CommandListVerbs.State(answer.State)}");
        });
        return command;
    }

    /// <summary>The number is asked for: on a command line others would see it, and a history keep it.</summary>
    private static Command Person(DeskContext context)
    {
        var name = new Option<string>("--name") { Description = "姓名。", Required = true };
        var known = new Option<string?>("--id") { Description = "CA已给的人员编号：在密钥管理中心登记同一人员时写明；在CA写明则核对。" };
        known.Validators.Add(result =>
        {
            if (result.GetValue(known) is { } given && !DeskVerbs.IsId(given))
            {
                result.AddError("--id 应为32位小写十六进制数。");
            }
        });
        var command = new Command("person", "登记将要任职的人员，取得其人员编号；同一身份证号总得到同一编号。身份证号从终端输入。") { name, known };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            string number = context.Desk.Token.AskNumber("请输入身份证号：");
            string? id = parsed.GetValue(known);
            PersonAnswer answer = await session.PostAsync<PersonAnswer>(
                "/persons",
                id is null ? new PersonRequest { Name = parsed.GetRequiredValue(name), IdNumber = number } : new KnownPerson { PersonId = id, Name = parsed.GetRequiredValue(name), IdNumber = number },
                cancellationToken);
            parsed.InvocationConfiguration.Output.WriteLine($"人员编号：{LabelText.Shown(answer.PersonId)}");
            if (id is not null && answer.PersonId != id)
            {
                throw new RefusalException(Refusal.Duplicate, $"此人的编号不是 {id}：请核对身份证号、编号，以及工作台配置是哪个服务的。");
            }
        }, Again);
        return command;
    }

    private static Command RenewLink(DeskContext context)
    {
        var container = new Argument<string>("CONTAINER") { Description = "新链路密钥的容器名；中断后用同一名称再次运行。" };
        var file = new Option<FileInfo?>("--out") { Description = "把新链路证书（PEM）也写入此文件，不得已存在：密钥管理中心要以 client.admit 接入它。" };
        var command = new Command("renew-link", "在有效期的后三分之一更新自己的链路证书：在CA，经原链路，用新的密钥。") { container, file };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            OutputFile.RequireNew(parsed.GetValue(file));
            string name = parsed.GetRequiredValue(container);
            Certificate renewed = await session.RenewLinkAsync(name, cancellationToken);
            if (parsed.GetValue(file) is { } to)
            {
                OutputFile.WriteNew(to, Pem.Encode(Pem.Certificate, Der.Encode(renewed)));
            }

            TextWriter output = parsed.InvocationConfiguration.Output;
            output.WriteLine($"新链路证书在容器“{LabelText.Shown(name)}”中，有效期 {LabelText.Shown(renewed.Tbs.Validity)}。");
            output.WriteLine("请把CA和RA工作台配置中的 linkContainer 改为它；密钥管理中心的，待两人以 client.admit 接入新证书后再改。");
        }, Again);
        return command;
    }

    /// <summary>Sends what was signed; where that fails, says of which command, and what has become of the others.</summary>
    /// <param name="rest">Of a refusal: what of the others is done.</param>
    /// <param name="then">Where nobody knows what became of it: how to go on.</param>
    private static async Task<CommandAnswer> SendAsync(Func<Task<CommandAnswer>> send, string id, string which, string rest, string then)
    {
        try
        {
            return await send();
        }
        catch (RefusalException e) when (e.Kind != Refusal.InProgress)
        {
            throw rest.Length == 0 ? e : new RefusalException(e.Kind, $"{which}被拒绝：{e.Message} {rest}", inner: e);
        }
        catch (Exception e) when (e is RefusalException or HttpRequestException or IOException or OperationCanceledException or UnexpectedResponseException or JsonException)
        {
            throw new RefusalException(Refusal.InProgress, $"{which}（编号 {id}）不知道是否已经办理：先用 zwca command show {id} 查看，{then}。", inner: e);
        }
    }

    /// <summary>What is written down, from the item on that is named.</summary>
    private static List<CommandPaper> Read(FileInfo file, int from)
    {
        IReadOnlyList<CommandPaper> papers = CommandPaper.Read(file);
        return from >= 1 && from <= papers.Count
            ? [.. papers.Skip(from - 1)]
            : throw new RefusalException(Refusal.NotFound, $"文件中没有第 {from} 项：共有 {papers.Count} 项命令。");
    }

    private static string ServiceOf(OfficerSession session) =>
        session.Settings.Service ?? throw new RefusalException(Refusal.Malformed, "工作台配置中没有 service：命令要写明给谁（CA的 Ca:Name，或密钥管理中心的 Kmc:Name）。");

    private static void Describe(TextWriter output, IReadOnlyList<Application> applications, int first)
    {
        foreach ((int index, Application application) in applications.Index())
        {
            output.WriteLine($"[{first + index}]");
            output.Write(DecisionText.Describe(application));
        }
    }

    private static void Agree(DeskContext context, bool isSure)
    {
        if (!isSure)
        {
            context.Desk.Token.Confirm();
        }
    }
}
