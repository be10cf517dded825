using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;

namespace ZwCa.Admin.Commands;

/// <summary>Commands that there are, and what one of them says.</summary>
internal static class CommandListVerbs
{
    public const string Proposed = "proposed";
    public const string OrderRefused = "refused";

    private static readonly string[] States = [Proposed, "done", "rejected", "withdrawn"];

    public static Command List(DeskContext context)
    {
        var state = new Option<string?>("--state") { Description = "状态；不写则只列待批准的。" };
        state.AcceptOnlyFromAmong(States);
        PageOptions paging = new();
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("list", "列出本辖区的命令。") { state, paging.After, paging.Rows, paging.All, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            (List<CommandAnswer> found, string? next) = await paging.ReadAsync(
                parsed,
                async (after, rows) =>
                {
                    CommandPage page = await session.GetAsync<CommandPage>(DeskVerbs.Query("/commands", ("state", parsed.GetValue(state)), ("after", after), ("rows", rows)), cancellationToken);
                    return (page.Commands, page.Next);
                });
            TextWriter output = parsed.InvocationConfiguration.Output;
            DeskVerbs.Write(output, parsed.GetValue(json), new CommandPage { Commands = found, Next = next }, page =>
            {
                DeskText.WriteTable(
                    output,
                    ["编号", "命令", "事项", "区域", "状态", "提出", "期限"],
                    page.Commands.Select(each => (string[])
                        [each.Id, each.Action, CommandText.Title(each.Action), Decode(each.Application).Region, State(each.State), DeskText.Time(each.ProposedAt), DeskText.Time(each.ExpiresAt)]));
                PageOptions.Say(output, page.Next);
            });
        });
        return command;
    }

    public static Command Show(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id("命令");
        var file = new Option<FileInfo?>("--out") { Description = "把命令所签发的证书（PEM）写入此文件，不得已存在。" };
        Option<bool> json = DeskVerbs.Json();
        var command = new Command("show", "显示一项命令：内容、提出人、结果。") { id, file, json };
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            OutputFile.RequireNew(parsed.GetValue(file));
            string named = parsed.GetRequiredValue(id);
            CommandAnswer answer = await session.GetAsync<CommandAnswer>($"/commands/{named}", cancellationToken);
            DeskVerbs.Write(output, parsed.GetValue(json), answer, shown =>
            {
                Application application = Read(shown, named, session.Settings.Service);
                output.WriteLine($"{Said(shown, application)}，{State(shown.State)}{OrderText(shown.Order)}");
                output.Write(DecisionText.Describe(application));
            });
            if (parsed.GetValue(file) is { } to)
            {
                OutputFile.WriteNew(to, Pem.Encode(Pem.Certificate, Der.Encode(Ordered(answer, Read(answer, named, session.Settings.Service)))));
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"证书已写入 {to.FullName}");
            }
        });
        return command;
    }

    /// <summary>What is signed about a command: of this id, and of whom the desk works for.</summary>
    /// <param name="service">Null: whoever it is.</param>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: something else; <see cref="Refusal.Malformed"/>: it cannot be read.</exception>
    public static Application Read(CommandAnswer answer, string id, string? service)
    {
        Application application = Decode(answer.Application);
        return application.Kind == DecisionKind.Command && application.EnrollmentId == id && application.CaName == application.RaName && (service is null || application.CaName == service)
            ? application
            : throw new RefusalException(Refusal.NotApproved, "给出的内容不是这项命令的，没有签名。请立即报告管理员。");
    }

    public static string State(string state) => state switch
    {
        Proposed => "待批准",
        "done" => "已生效",
        "rejected" => "已驳回",
        "withdrawn" => "已撤回",
        _ => LabelText.Shown(state),
    };

    /// <summary>Who has proposed it, by the certificate whose key has signed it; that it is an officer's, the service has verified.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.BadSignature"/>: nobody has, or something else; <see cref="Refusal.Malformed"/>: it cannot be read.</exception>
    public static string Said(CommandAnswer answer, Application application)
    {
        try
        {
            Approval proposal = Der.Decode<Approval>(answer.Proposal);
            Certificate proposer = proposal.Certificate;
            return proposal.Tbs.Step == ApprovalStep.Entry && proposal.Tbs.Covers(application.Digest) && proposal.IsSignedByCertificate()
                ? LabelText.Shown($"{DeskText.Time(proposal.Tbs.Time.Value)} 由 {proposer.Tbs.Subject}（{DecisionText.Officer(proposer) ?? "证书中没有人员身份"}）提出")
                : throw new RefusalException(Refusal.BadSignature, "提出人的签名不是这项命令的，没有签名。请立即报告管理员。");
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "提出人的签名无法解读，请联系管理员。", inner: e);
        }
    }

    /// <summary>What became of what was ordered, as the end of a line.</summary>
    public static string OrderText(OrderAnswer? order) => order switch
    {
        null => "",
        { State: OrderRefused } => $"；证书没有签发：{LabelText.Shown(order.Detail ?? order.Refusal ?? "")}",
        { Certificate: { } issued } => $"；证书已签发，序列号 {LabelText.Shown(issued.Serial)}，用 show --out 取得",
        _ => "；证书待签发，稍后用 show 查看",
    };

    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: there is none (yet); <see cref="Refusal.Malformed"/>: it is not what was ordered.</exception>
    private static Certificate Ordered(CommandAnswer answer, Application application)
    {
        if (answer.Order?.Certificate?.Certificate is not { } der)
        {
            throw new RefusalException(Refusal.WrongState, $"这项命令没有签发证书{OrderText(answer.Order)}。");
        }

        try
        {
            CommandBody body = Der.Decode<CommandBody>(application.Body);
            CertificateOrder order = body.Action == "client.register" ? Der.Decode<ClientRegistration>(body.Parameters).Order : Der.Decode<CertificateOrder>(body.Parameters);
            Certificate certificate = Der.Decode<Certificate>(der);
            return certificate.Tbs.SubjectPublicKeyInfo == order.Body.SubjectPublicKeyInfo
                ? certificate
                : throw new RefusalException(Refusal.Malformed, "给出的证书不是命令所写密钥的，没有写入。请立即报告管理员。");
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "给出的证书无法解读，请联系管理员。", inner: e);
        }
    }

    private static Application Decode(byte[] der)
    {
        try
        {
            return Der.Decode<Application>(der);
        }
        catch (DerException e)
        {
            throw new RefusalException(Refusal.Malformed, "命令无法解读，请联系管理员。", inner: e);
        }
    }
}
