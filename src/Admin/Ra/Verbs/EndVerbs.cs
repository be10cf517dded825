using System.CommandLine;
using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>Gives up what nobody has finally approved, and puts away what is done.</summary>
internal static class EndVerbs
{
    public static Command Cancel(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        var reason = new Option<string>("--reason") { Description = "原因；不写个人信息。", Required = true };
        var command = new Command("cancel", "撤销一项尚未批准的业务。") { id, reason };
        context.Does(command, (session, parsed, cancellationToken) => EndAsync(session, parsed, parsed.GetRequiredValue(id), "cancellation", parsed.GetRequiredValue(reason), cancellationToken));
        return command;
    }

    public static Command Archive(DeskContext context)
    {
        Argument<string> id = DeskVerbs.Id();
        var command = new Command("archive", "归档一项已办结的业务。") { id };
        context.Does(command, (session, parsed, cancellationToken) => EndAsync(session, parsed, parsed.GetRequiredValue(id), "archiving", null, cancellationToken));
        return command;
    }

    private static async Task EndAsync(OfficerSession session, ParseResult parsed, string id, string step, string? reason, CancellationToken cancellationToken)
    {
        EnrollmentAnswer enrollment = await session.GetAsync<EnrollmentAnswer>($"/enrollments/{id}", cancellationToken);
        enrollment = await session.PostAsync<EnrollmentAnswer>($"/enrollments/{id}/{step}", new StepRequest { Version = enrollment.Version, Reason = reason }, cancellationToken);
        parsed.InvocationConfiguration.Output.WriteLine($"状态：{LabelText.Shown(RaText.State(enrollment.State))}");
    }
}
