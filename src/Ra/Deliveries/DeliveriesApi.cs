using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Deliveries;

/// <summary>What is to be handed out, and the token's word on it.</summary>
internal static class DeliveriesApi
{
    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/enrollments/{id}").RequireClient(ClientKind.Officer);

        // Both may be asked again as often as it takes: a challenge counts once, and no answer is kept that has an envelope in it.
        group.MapPost("delivery/challenge", ChallengeAsync).RequireSignedReading();
        group.MapPost("delivery", FetchAsync).RequireSignedReading();
        group.MapPost("receipt", ReceiveAsync).RequireSignedMessage();
    }

    private static async Task<Ok<DeliveryChallenge>> ChallengeAsync(MessageContext message, string id, HandOut delivery, CancellationToken cancellationToken) =>
        TypedResults.Ok(await delivery.ChallengeAsync(Duties.Require(message, Duty.Production), id, cancellationToken));

    private static async Task<Ok<DeliveryAnswer>> FetchAsync(MessageContext message, string id, DeliveryRequest request, HandOut delivery, CancellationToken cancellationToken) =>
        TypedResults.Ok(await delivery.FetchAsync(Duties.Require(message, Duty.Production), id, request, cancellationToken));

    private static async Task<Ok<EnrollmentAnswer>> ReceiveAsync(
        MessageContext message, string id, PairReceipt receipt, HandOut delivery, EnrollmentAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, Duty.Production);
        if (message.Rows is null)
        {
            await delivery.ReceiveAsync(officer, id, receipt, transaction => message.AnswerWithRowsAsync(transaction, id), cancellationToken);
        }

        return TypedResults.Ok(await answers.ShowAsync(officer, id, cancellationToken));
    }
}
