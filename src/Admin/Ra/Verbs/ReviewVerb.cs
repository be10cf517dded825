using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>Another officer's word on what was entered.</summary>
internal static class ReviewVerb
{
    public static Command Review(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        var approve = new Option<bool>("--approve") { Description = "同意。" };
        var back = new Option<string?>("--return") { Description = "退回，写明原因；不写个人信息。", HelpName = "原因" };
        var reject = new Option<string?>("--reject") { Description = "拒绝，写明原因；不写个人信息。", HelpName = "原因" };
        Option<bool> yes = DeskVerbs.Yes();
        var command = new Command("review", "审核一项业务：先用文字说明要签的内容，再签名同意；或退回、拒绝。") { id, approve, back, reject, yes };
        command.Validators.Add(result =>
        {
            if (new[] { result.GetValue(approve), result.GetValue(back) is not null, result.GetValue(reject) is not null }.Count(given => given) != 1)
            {
                result.AddError("请在 --approve、--return 与 --reject 中选用一个。");
            }
        });
        context.Does(command, async (session, parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            string path = $"/enrollments/{parsed.GetRequiredValue(id)}";
            EnrollmentAnswer enrollment = await session.GetAsync<EnrollmentAnswer>(path, cancellationToken);
            RaText.Write(output, enrollment);
            ReviewRequest review;
            if (parsed.GetValue(approve))
            {
                (long version, byte[] approval) = await RaDecision.SignAsync(
                    session, context.Desk, enrollment with { Id = parsed.GetRequiredValue(id) }, ApprovalStep.Review, key: null, parsed.GetValue(yes), output, cancellationToken);
                review = new ReviewRequest { Version = version, Outcome = "approved", Approval = approval };
            }
            else
            {
                review = parsed.GetValue(back) is { } reason
                    ? new ReviewRequest { Version = enrollment.Version, Outcome = "returned", Reason = reason }
                    : new ReviewRequest { Version = enrollment.Version, Outcome = "rejected", Reason = parsed.GetValue(reject) };
            }

            enrollment = await session.PostAsync<EnrollmentAnswer>($"{path}/review", review, cancellationToken);
            output.WriteLine($"已审核，状态：{LabelText.Shown(RaText.State(enrollment.State))}");
        });
        return command;
    }
}
