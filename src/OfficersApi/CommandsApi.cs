using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.OfficersApi;

/// <summary>Officers' commands as a resource: proposed by one, approved by another.</summary>
public static class CommandsApi
{
    /// <param name="clients">Besides officers: who passes on what its own officers propose.</param>
    public static void MapCommands(this IEndpointRouteBuilder app, params ClientKind[] clients)
    {
        RouteGroupBuilder group = app.MapGroup("/commands").RequireClient([ClientKind.Officer, .. clients]);
        group.MapPost("", ProposeAsync).RequireSignedMessage();
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapGet("{id}", ShowAsync).RequireSignedReading();
        group.MapPost("{id}/approval", ApproveAsync).RequireSignedMessage();
        group.MapPost("{id}/rejection", RejectAsync).RequireSignedMessage();
        group.MapPost("{id}/withdrawal", WithdrawAsync).RequireSignedMessage();
    }

    private static async Task<Ok<CommandAnswer>> ProposeAsync(
        MessageContext message, CommandProposal proposal, OfficerCommands commands, CommandAnswers answers, CancellationToken cancellationToken)
    {
        Application application = Decode<Application>(proposal.Application, "命令");
        Approval approval = Decode<Approval>(proposal.Approval, "录入意见");
        RequireSender(message, application, approval);
        if (message.Rows is null)
        {
            await commands.ProposeAsync(application, approval, Keep(message, application.EnrollmentId), cancellationToken);
        }

        return TypedResults.Ok(await answers.ShowAsync((RegionalSender)message.Sender, Page.Id(application.EnrollmentId), cancellationToken));
    }

    private static async Task<Ok<CommandAnswer>> ApproveAsync(
        MessageContext message, string id, CommandReview review, OfficerCommands commands, CommandFollowUp followUp, CommandAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        Approval approval = Decode<Approval>(review.Approval, "审核意见");
        Require(approval.Certificate.Tbs.SerialNumber == officer.SerialNumber, Refusal.NotApproved, "审核意见须由审核人本人发送。");
        byte[] command = Page.Id(id);
        if (message.Rows is null)
        {
            await commands.ApproveAsync(command, approval, Keep(message, id), cancellationToken);

            // The command is done and says so, whatever becomes of what follows from it.
            await followUp.CarryOutAsync(command, cancellationToken);
        }

        return TypedResults.Ok(await answers.ShowAsync((RegionalSender)message.Sender, command, cancellationToken));
    }

    private static async Task<Ok<CommandAnswer>> RejectAsync(
        MessageContext message, string id, OfficerCommands commands, CommandAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        if (message.Rows is null)
        {
            await commands.RejectAsync(officer, Page.Id(id), Keep(message, id), cancellationToken);
        }

        return TypedResults.Ok(await answers.ShowAsync((RegionalSender)message.Sender, Page.Id(id), cancellationToken));
    }

    private static async Task<Ok<CommandAnswer>> WithdrawAsync(
        MessageContext message, string id, OfficerCommands commands, CommandAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        if (message.Rows is null)
        {
            await commands.WithdrawAsync(officer, Page.Id(id), Keep(message, id), cancellationToken);
        }

        return TypedResults.Ok(await answers.ShowAsync((RegionalSender)message.Sender, Page.Id(id), cancellationToken));
    }

    private static async Task<Ok<CommandAnswer>> ShowAsync(MessageContext message, string id, CommandAnswers answers, CancellationToken cancellationToken) =>
        TypedResults.Ok(await answers.ShowAsync((RegionalSender)message.Sender, Page.Id(id), cancellationToken));

    private static async Task<Ok<CommandPage>> ListAsync(
        MessageContext message, CommandAnswers answers, CancellationToken cancellationToken, string? state = null, string? after = null, int? rows = null) =>
        TypedResults.Ok(await answers.ListAsync((RegionalSender)message.Sender, state, Page.After(after), Page.Rows(rows), cancellationToken));

    /// <summary>The command's id is kept as the answer, in the transaction of the change: the answer is made from the rows, now and when the message comes again.</summary>
    private static Func<Transaction, Task> Keep(MessageContext message, string id) => transaction => message.AnswerWithRowsAsync(transaction, id);

    /// <summary>An officer sends what he signed. Who passes on what its officers signed does so for its region.</summary>
    private static void RequireSender(MessageContext message, Application application, Approval approval)
    {
        var sender = (RegionalSender)message.Sender;
        Require(sender.Officer is null || approval.Certificate.Tbs.SerialNumber == sender.SerialNumber, Refusal.NotApproved, "录入意见须由提出人本人发送。");
        Require(sender.Officer is not null || sender.Region.Covers(RegionCode.Parse(application.Region)), Refusal.OutOfScope, "该命令不在发送方的区域内。");
    }
}
