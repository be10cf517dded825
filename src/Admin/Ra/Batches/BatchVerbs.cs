using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary><c>zwca ra batch</c>: many applications at once. What breaks off is gone on with by the same verb.</summary>
internal static class BatchVerbs
{
    public static Command Batch(DeskContext context) => new("batch", "批量办理：导入、更新、吊销；整批提交和审核，一次签名。中断后可以重新运行，已办的不会重办。")
    {
        BatchImportVerb.Import(context),
        BatchFollowingVerbs.Renew(context),
        BatchFollowingVerbs.Revoke(context),
        BatchListVerbs.List(context),
        BatchListVerbs.Show(context),
        BatchListVerbs.Rows(context),
        Make(context),
        BatchTokenVerbs.Keys(context),
        BatchDecisionVerbs.Submit(context),
        BatchDecisionVerbs.Review(context),
        BatchTokenVerbs.Deliver(context),
        Cancel(context),
    };

    internal static Argument<string> Id() => DeskVerbs.Id("批次");

    /// <summary>Asks, and has drafts made of the rows that the dry run found good.</summary>
    /// <param name="wait">Until they are there.</param>
    /// <returns>Whether all of them could be made, as far as it is known.</returns>
    /// <exception cref="Contracts.RefusalException"><see cref="Contracts.Refusal.NotApproved"/>: he said no.</exception>
    internal static async Task<bool> MakeAsync(OfficerSession session, OfficerDesk desk, BatchAnswer batch, bool isSure, bool wait, ParseResult parsed, CancellationToken cancellationToken)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        if (!isSure)
        {
            long good = batch.Tasks.LastOrDefault(task => task.Kind == "checking")?.Done ?? 0;
            desk.Token.Confirm($"将为通过检查的 {good} 行生成草稿，请输入 yes：", "yes", "未确认，没有生成草稿。");
        }

        if (!wait)
        {
            BatchWork.Require(await session.PostAsync<BatchAnswer>($"/batches/{batch.Id}/making", new { }, cancellationToken), batch.Id);
            output.WriteLine($"正在生成草稿，进度见：zwca ra batch show {LabelText.Shown(batch.Id)} --wait");
            return true;
        }

        (batch, BatchTaskAnswer made) = await BatchWork.DoAsync(session, batch, "making", new { }, parsed.InvocationConfiguration.Error, cancellationToken);
        return await BatchWork.ReportAsync(session, batch, made, output, cancellationToken);
    }

    private static Command Make(DeskContext context)
    {
        Argument<string> id = Id();
        var yes = new Option<bool>("--yes") { Description = "不再询问。" };
        var command = new Command("make", "为通过检查的各行生成草稿，等到办完。") { id, yes };
        context.DoesAll(command, async (session, parsed, cancellationToken) =>
        {
            // An earlier making, perhaps of this very verb, is waited for and told of.
            BatchAnswer batch = await BatchWork.UntilIdleAsync(session, await BatchWork.FindAsync(session, parsed.GetRequiredValue(id), cancellationToken), parsed.InvocationConfiguration.Error, cancellationToken);
            return batch.Tasks.FirstOrDefault(task => task.Kind == "making") is { } made
                ? await BatchWork.ReportAsync(session, batch, made, parsed.InvocationConfiguration.Output, cancellationToken)
                : await MakeAsync(session, context.Desk, batch, parsed.GetValue(yes), wait: true, parsed, cancellationToken);
        });
        return command;
    }

    private static Command Cancel(DeskContext context)
    {
        Argument<string> id = Id();
        var reason = new Option<string>("--reason") { Description = "原因；不写个人信息。", Required = true };
        var command = new Command("cancel", "撤销一批中尚未批准的业务，等到办完。") { id, reason };
        context.DoesAll(command, async (session, parsed, cancellationToken) =>
        {
            // What runs is ended by it.
            BatchAnswer batch = await BatchWork.FindAsync(session, parsed.GetRequiredValue(id), cancellationToken);
            (batch, BatchTaskAnswer cancelled) = await BatchWork.DoAsync(
                session, batch, "cancellation", new StepRequest { Version = 0, Reason = parsed.GetRequiredValue(reason) }, parsed.InvocationConfiguration.Error, cancellationToken);
            return await BatchWork.ReportAsync(session, batch, cancelled, parsed.InvocationConfiguration.Output, cancellationToken);
        });
        return command;
    }
}
