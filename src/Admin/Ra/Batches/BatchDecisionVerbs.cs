using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;

namespace ZwCa.Admin.Ra;

/// <summary>One officer's signature over what of a batch he can decide about now. Each application is held against what it is of and shown from its bytes, as for one (<see cref="RaDecision"/>).</summary>
internal static class BatchDecisionVerbs
{
    /// <summary>Enrollments that are asked for at once.</summary>
    private const int AtOnce = 8;

    public static Command Submit(DeskContext context) => Decide(context, ApprovalStep.Entry, "submit", "整批提交：读取可以提交的草稿，逐项核对并列表说明，一次签名后提交，等到办完。");

    public static Command Review(DeskContext context) => Decide(context, ApprovalStep.Review, "review", "整批审核同意：读取待您审核的业务，逐项核对并列表说明，一次签名后同意，等到办完。退回和拒绝请逐项办理（zwca ra review）。");

    private static Command Decide(DeskContext context, ApprovalStep step, string verb, string description)
    {
        Argument<string> id = BatchVerbs.Id();
        var full = new Option<bool>("--full") { Description = "逐项用文字说明全部内容。" };
        var save = new Option<FileInfo?>("--save") { Description = "把列表存为文件（CSV），不得已存在。" };
        Option<bool> yes = DeskVerbs.Yes();
        var command = new Command(verb, description) { id, full, save, yes };
        context.DoesAll(command, async (session, parsed, cancellationToken) =>
        {
            // Step 1: what can be signed now, once nothing is being done any more.
            (TextWriter output, TextWriter error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            OutputFile.RequireNew(parsed.GetValue(save));
            BatchAnswer batch = await BatchWork.UntilIdleAsync(session, await BatchWork.FindAsync(session, parsed.GetRequiredValue(id), cancellationToken), error, cancellationToken);
            List<BatchApplicationAnswer> answers = await BatchWork.ApplicationsAsync(session, batch.Id, step == ApprovalStep.Entry ? "entry" : "review", cancellationToken);

            // Step 2: whether each is about what it should be.
            IReadOnlyList<BatchLine> lines = await ReadAsync(session, batch, step, answers, error, cancellationToken);
            string[] states = StatesOf(step);
            long others = batch.States.Where(each => states.Contains(each.Key)).Sum(each => each.Value) - lines.Count;
            string left = others <= 0 ? "" : $"另有 {others} 项现在不能由您{(step == ApprovalStep.Entry ? "提交（没有密钥、证明材料不齐，或须由他人办理）" : "审核（须由他人或上级办理）")}。";
            if (lines.Count == 0)
            {
                output.WriteLine($"没有可以签署的业务。{left}");
                return true;
            }

            // Step 3: shown, and his yes, which names how many.
            output.WriteLine(LabelText.Shown($"将以{(step == ApprovalStep.Entry ? "录入人身份签署" : "审核人身份同意")}{BatchText.Kind(batch.Kind)}“{batch.Title}”的下列申请："));
            BatchSheet.Write(output, lines, parsed.GetValue(full));
            output.WriteLine($"共 {lines.Count} 项。{left}");
            if (parsed.GetValue(save) is { } file)
            {
                OutputFile.WriteNew(file, BatchSheet.ToCsv(lines));
                output.WriteLine($"列表已写入 {file.FullName}");
            }

            if (!parsed.GetValue(yes))
            {
                context.Desk.Token.Confirm($"以上 {lines.Count} 项内容属实并同意签名，请输入 yes {lines.Count}：", $"yes {lines.Count}", "未确认，没有签名。");
            }

            // Step 4: one signature for as many as an approval takes.
            return await SendAsync(session, batch, step, lines, parsed, cancellationToken);
        });
        return command;
    }

    /// <returns>Whether all that was signed was done.</returns>
    private static async Task<bool> SendAsync(OfficerSession session, BatchAnswer batch, ApprovalStep step, IReadOnlyList<BatchLine> lines, ParseResult parsed, CancellationToken cancellationToken)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        bool isGood = true;
        foreach (BatchLine[] part in lines.Chunk(TbsApproval.MaxDigests))
        {
            byte[] approval = session.Sign(step, [.. part.Select(line => line.Application)]);
            (batch, BatchTaskAnswer done) = await BatchWork.DoAsync(
                session, batch, step == ApprovalStep.Entry ? "submission" : "review", new BatchDecisionRequest { Approval = approval }, parsed.InvocationConfiguration.Error, cancellationToken);
            isGood &= await BatchWork.ReportAsync(session, batch, done, output, cancellationToken);
            if (part.Length - done.Done - done.Refused is > 0 and var changed)
            {
                output.WriteLine($"{changed} 项在签名后有变动，没有办理。请重新运行，查看并签名。");
                isGood = false;
            }
        }

        return isGood;
    }

    /// <summary>Each held against the RA's own answer about its enrollment, and against what the batch is of.</summary>
    /// <returns>Without those that have moved on since.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: one is of something else, and nothing is signed; <see cref="Refusal.Malformed"/>: one cannot be read.</exception>
    private static async Task<IReadOnlyList<BatchLine>> ReadAsync(
        OfficerSession session, BatchAnswer batch, ApprovalStep step, List<BatchApplicationAnswer> answers, TextWriter error, CancellationToken cancellationToken)
    {
        string kind = batch.Kind switch
        {
            "import" => "new",
            "renewal" => "renew",
            "revocation" => "revoke",
            _ => throw new RefusalException(Refusal.Malformed, $"本程序不认识批次类别“{LabelText.Shown(batch.Kind)}”，不能签署。请使用新版本的程序。"),
        };
        var within = RegionCode.Parse(batch.Region);
        Require(answers.Select(each => each.Enrollment).Distinct().Count() == answers.Count, "RA重复给出了同一业务，没有签名。请立即报告管理员。");
        var lines = new BatchLine?[answers.Count];
        string[] states = StatesOf(step);
        int read = 0;
        await ProgressBar.RunAsync(error, "核对", tell => Parallel.ForAsync(0, answers.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (i, cancellation) =>
        {
            BatchApplicationAnswer answer = answers[i];
            Require(DeskVerbs.IsId(answer.Enrollment), $"第{answer.Row}行：RA给出的业务编号有误，没有签名。请立即报告管理员。");
            EnrollmentAnswer enrollment = await session.GetAsync<EnrollmentAnswer>($"/enrollments/{answer.Enrollment}", cancellation);
            if (states.Contains(enrollment.State))
            {
                lines[i] = Read(answer, enrollment with { Id = answer.Enrollment }, kind, within);
            }

            tell(Interlocked.Increment(ref read), answers.Count);
        }));
        return [.. lines.OfType<BatchLine>()];
    }

    private static BatchLine Read(BatchApplicationAnswer answer, EnrollmentAnswer enrollment, string kind, RegionCode within)
    {
        try
        {
            Require(enrollment.Kind == kind && within.Covers(RegionCode.Parse(enrollment.Region)), "这项业务的种类或区域不属于该批次，没有签名。请立即报告管理员。");
            return BatchLine.Of(answer.Row, enrollment, RaDecision.Read(enrollment, answer.Application, answer.Following, key: null).Main);
        }
        catch (RefusalException e)
        {
            throw new RefusalException(e.Kind, $"第{answer.Row}行（{enrollment.Id}）：{e.Message}", inner: e);
        }
    }

    private static string[] StatesOf(ApprovalStep step) => step == ApprovalStep.Entry ? ["draft", "returned"] : ["submitted", "reviewed"];

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.NotApproved, detail);
        }
    }
}
