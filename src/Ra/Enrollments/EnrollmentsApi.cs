using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Enrollments;

/// <summary>Enrollments as a resource. What changes one is kept under its message's id, and answered with the enrollment as it stands.</summary>
internal static class EnrollmentsApi
{
    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/enrollments").RequireClient(ClientKind.Officer);
        group.MapPost("", TakeInAsync).RequireSignedMessage();
        group.MapGet("", ListAsync).RequireSignedReading();
        group.MapGet("{id}", ShowAsync).RequireSignedReading();
        group.MapPut("{id}", ChangeAsync).RequireSignedMessage();
        group.MapPut("{id}/csr", SetKeyAsync).RequireSignedMessage();
        group.MapGet("{id}/application", ShowApplicationAsync).RequireSignedReading();
        group.MapPost("{id}/submission", SubmitAsync).RequireSignedMessage();
        group.MapPost("{id}/review", ReviewAsync).RequireSignedMessage();
        group.MapPost("{id}/cancellation", CancelAsync).RequireSignedMessage();
        group.MapPost("{id}/archiving", ArchiveAsync).RequireSignedMessage();
        app.MapGroup("/profiles").RequireClient(ClientKind.Officer).MapGet("", ListProfilesAsync).RequireSignedReading();
    }

    private static async Task<Ok<EnrollmentAnswer>> TakeInAsync(
        MessageContext message, EnrollmentRequest request, TakeInEnrollment enrollments, EnrollmentAnswers answers, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, Duty.Entry);
        string id = message.Rows ?? await enrollments.CreateAsync(officer, request, message.AnswerWithRowsAsync, cancellationToken);
        return TypedResults.Ok(await answers.ShowAsync(officer, id, cancellationToken));
    }

    private static Task<Ok<EnrollmentAnswer>> ChangeAsync(
        MessageContext message, string id, EnrollmentRequest request, TakeInEnrollment enrollments, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => enrollments.ChangeAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<EnrollmentAnswer>> SetKeyAsync(
        MessageContext message, string id, CsrRequest request, TakeInEnrollment enrollments, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => enrollments.SetKeyAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<EnrollmentAnswer>> SubmitAsync(
        MessageContext message, string id, SubmissionRequest request, SubmitEnrollment submission, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => submission.RunAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<EnrollmentAnswer>> ReviewAsync(
        MessageContext message, string id, ReviewRequest request, ReviewEnrollment review, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Review, id, answers, (officer, answer) => review.RunAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<EnrollmentAnswer>> CancelAsync(
        MessageContext message, string id, StepRequest request, EndEnrollment end, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Entry, id, answers, (officer, answer) => end.CancelAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static Task<Ok<EnrollmentAnswer>> ArchiveAsync(
        MessageContext message, string id, StepRequest request, EndEnrollment end, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        RunAsync(message, Duty.Production, id, answers, (officer, answer) => end.ArchiveAsync(officer, id, request, answer, cancellationToken), cancellationToken);

    private static async Task<Ok<EnrollmentAnswer>> ShowAsync(MessageContext message, string id, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        TypedResults.Ok(await answers.ShowAsync(RegionalSender.RequireOfficer(message), id, cancellationToken));

    private static async Task<Ok<ApplicationAnswer>> ShowApplicationAsync(MessageContext message, string id, SubmitEnrollment submission, CancellationToken cancellationToken) =>
        TypedResults.Ok(await submission.ShowAsync(Duties.RequireOperator(message), id, cancellationToken));

    private static async Task<Ok<EnrollmentPage>> ListAsync(MessageContext message, [AsParameters] EnrollmentQuery query, EnrollmentAnswers answers, CancellationToken cancellationToken) =>
        TypedResults.Ok(await answers.ListAsync(RegionalSender.RequireOfficer(message), query, cancellationToken));

    private static async Task<Ok<IReadOnlyList<EnrollmentProfileAnswer>>> ListProfilesAsync(EnrollmentProfiles profiles, MessageContext message, CancellationToken cancellationToken)
    {
        _ = RegionalSender.RequireOfficer(message);
        return TypedResults.Ok(await profiles.ListAsync(cancellationToken));
    }

    /// <summary>Once for a request id; the answer shows the enrollment as it stands, now and when it is asked again.</summary>
    /// <param name="run">Given what belongs into the transaction of the change.</param>
    private static async Task<Ok<EnrollmentAnswer>> RunAsync(
        MessageContext message, Duty duty, string id, EnrollmentAnswers answers, Func<Officer, Func<Transaction, Task>, Task> run, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, duty);
        if (message.Rows is null)
        {
            await run(officer, transaction => message.AnswerWithRowsAsync(transaction, id));
        }

        return TypedResults.Ok(await answers.ShowAsync(officer, id, cancellationToken));
    }
}
