using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Officers;

/// <summary>Officers' commands are the CA's, which decides about them: an RA passes on what its officers propose, and shows what has become of it.</summary>
internal static class ForwardedCommandsApi
{
    public static void MapForwardedCommands(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/commands").RequireClient(ClientKind.Officer);
        group.MapPost("", ProposeAsync).RequireSignedMessage();
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapGet("{id}", ShowAsync).RequireSignedReading();
    }

    private static async Task<Ok<CommandAnswer>> ProposeAsync(MessageContext message, CommandProposal proposal, ForwardCommands commands, CancellationToken cancellationToken)
    {
        Officer officer = RegionalSender.RequireOfficer(message);
        Application application = Decode<Application>(proposal.Application, "命令");
        Approval approval = Decode<Approval>(proposal.Approval, "录入意见");
        Require(approval.Certificate.Tbs.SerialNumber == officer.SerialNumber, Refusal.NotApproved, "录入意见须由提出人本人发送。");
        return TypedResults.Ok(message.Rows is { } id
            ? await commands.ShowAsync(officer, id, cancellationToken)
            : await commands.ProposeAsync(message, officer, application, proposal, cancellationToken));
    }

    private static async Task<Ok<CommandAnswer>> ShowAsync(MessageContext message, string id, ForwardCommands commands, CancellationToken cancellationToken) =>
        TypedResults.Ok(await commands.ShowAsync(RegionalSender.RequireOfficer(message), id, cancellationToken));

    private static async Task<Ok<CommandPage>> ListAsync(
        MessageContext message, ForwardCommands commands, CancellationToken cancellationToken, string? state = null, string? after = null, int? rows = null) =>
        TypedResults.Ok(await commands.ListAsync(RegionalSender.RequireOfficer(message), state, Page.After(after), Page.Rows(rows), cancellationToken));
}
