using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Batches.Decisions;
using ZwCa.Ra.Batches.Files;
using ZwCa.Ra.Batches.Import;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Batches;

/// <summary>Batches as a resource. What begins work on one is answered at once, with the batch as it stands; how far the work is, the batch says.</summary>
internal static class BatchesApi
{
    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/batches").RequireClient(ClientKind.Officer);
        group.MapPost("", OpenAsync).RequireSignedMessage();
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapGet("{id}", ShowAsync).RequireSignedReading();
        group.MapPut("{id}/file", TakeFileAsync).WithMetadata(new RequestSizeLimitAttribute(OpenBatch.MaxFileLength)).RequireSignedMessage().RequireFileRoom();
        group.MapPost("{id}/checking", CheckAsync).RequireSignedMessage();
        group.MapPost("{id}/making", MakeAsync).RequireSignedMessage();
        group.MapGet("{id}/applications", ListApplicationsAsync).RequireSignedReading();
        group.MapPost("{id}/submission", SubmitAsync).RequireSignedMessage();
        group.MapPost("{id}/review", ReviewAsync).RequireSignedMessage();
        group.MapPost("{id}/cancellation", CancelAsync).RequireSignedMessage();
        group.MapGet("{id}/rows", ListRowsAsync).RequireSignedReading();
        group.MapGet("{id}/rejects", RejectedRows.GetAsync).RequireSignedReading();
    }

    private static async Task<Ok<BatchAnswer>> OpenAsync(MessageContext message, BatchRequest request, OpenBatch batches, BatchAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, Duty.Entry);
        string id = message.Rows ?? await batches.OpenAsync(officer, request, message.AnswerWithRowsAsync, cancellationToken);
        return TypedResults.Ok(await answers.ShowAsync(officer, id, cancellationToken));
    }

    private static Task<Ok<BatchAnswer>> TakeFileAsync(MessageContext message, string id, OpenBatch batches, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => batches.TakeFileAsync(officer, id, message.Body, answer, cancellationToken), cancellationToken);

    private static Task<Ok<BatchAnswer>> CheckAsync(MessageContext message, string id, OpenBatch batches, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => batches.DoAsync(officer, id, BatchTaskKind.Checking, null, answer, cancellationToken), cancellationToken);

    private static Task<Ok<BatchAnswer>> MakeAsync(MessageContext message, string id, OpenBatch batches, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => batches.DoAsync(officer, id, BatchTaskKind.Making, null, answer, cancellationToken), cancellationToken);

    private static Task<Ok<BatchAnswer>> SubmitAsync(
        MessageContext message, string id, BatchDecisionRequest request, StartDecision decisions, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(
            message, Duty.Entry, id, answers, (officer, answer) => decisions.RunAsync(officer, id, BatchTaskKind.Submission, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<BatchAnswer>> ReviewAsync(
        MessageContext message, string id, BatchDecisionRequest request, StartDecision decisions, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Review, id, answers, (officer, answer) => decisions.RunAsync(officer, id, BatchTaskKind.Review, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<BatchAnswer>> CancelAsync(
        MessageContext message, string id, StepRequest request, OpenBatch batches, BatchAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(
            message,
            Duty.Entry,
            id,
            answers,
            (officer, answer) => batches.DoAsync(officer, id, BatchTaskKind.Cancellation, Duties.ReadReason(request.Reason, isNeeded: true), answer, cancellationToken),
            cancellationToken);

    private static async Task<Ok<BatchAnswer>> ShowAsync(MessageContext message, string id, BatchAnswers answers, CancellationToken cancellationToken) =>
        TypedResults.Ok(await answers.ShowAsync(RegionalSender.RequireOfficer(message), id, cancellationToken));

    private static async Task<Ok<BatchPage>> ListAsync(
        MessageContext message, BatchAnswers answers, CancellationToken cancellationToken, string? region = null, string? after = null, int? rows = null) =>
        TypedResults.Ok(await answers.ListAsync(RegionalSender.RequireOfficer(message), region, after, rows, cancellationToken));

    private static async Task<Ok<BatchRowPage>> ListRowsAsync(
        MessageContext message, string id, BatchAnswers answers, CancellationToken cancellationToken, int? task = null, long? after = null, int? rows = null) =>
        TypedResults.Ok(await answers.ListRowsAsync(RegionalSender.RequireOfficer(message), id, task, after, rows, cancellationToken));

    /// <summary>Names persons in full, for whoever signs it.</summary>
    private static async Task<Ok<BatchApplicationPage>> ListApplicationsAsync(
        MessageContext message, string id, BatchApplications applications, CancellationToken cancellationToken, string? step = null, long? after = null, int? rows = null) =>
        TypedResults.Ok(await applications.ListAsync(Duties.RequireOperator(message), id, step, after, rows, cancellationToken));

    /// <summary>Once for a request id; the answer shows the batch as it stands, now and when it is asked again.</summary>
    /// <param name="run">Given what belongs into the transaction of the change.</param>
    private static async Task<Ok<BatchAnswer>> RunAsync(
        MessageContext message, Duty duty, string id, BatchAnswers answers, Func<Officer, Func<Transaction, Task>, Task> run, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, duty);
        if (message.Rows is null)
        {
            await run(officer, transaction => message.AnswerWithRowsAsync(transaction, id));
        }

        return TypedResults.Ok(await answers.ShowAsync(officer, id, cancellationToken));
    }
}
