using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Outbox;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>What a reviewer says.</summary>
internal enum ReviewOutcome : short
{
    Approved = 1,

    Returned = 2,

    Rejected = 3,
}

/// <summary>What waits for a review.</summary>
/// <param name="Number">Of the review that is due: 1 and up.</param>
internal sealed record DueReview(Enrollment Row, Submission Submission, short Number, Applications Applications);

/// <summary>
/// Review (审核): somebody else looks at what was entered and approves, returns or rejects it; the last approval puts the question to the CA into the outbox, in the same transaction:
/// docs/WORKFLOW.md, in the same steps.
/// </summary>
internal sealed class ReviewEnrollment(
    RaOptions options,
    Database database,
    EnrollmentStore store,
    EnrollmentProfiles profiles,
    PersonRegistry persons,
    ApprovalVerifier verifier,
    KnownApprovals known,
    OfficerDirectory directory,
    PrepareRequest prepare,
    OutboxSignal signal,
    TimeProvider time)
{
    /// <param name="answer">What else belongs into the transaction. May run twice.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>; <see cref="Refusal.NotAllowed"/>: a county, or a level below the one that is due; <see cref="Refusal.NotApproved"/>: another
    /// application was signed, or it is too late; <see cref="Refusal.SecondOfficerRequired"/>: his own, or he has reviewed it before.
    /// </exception>
    public async Task RunAsync(Officer officer, string id, ReviewRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        // Step 1: what waits for a review, as the officer saw it, in his region.
        ReviewOutcome outcome = EnrollmentNames.Parse<ReviewOutcome>(request.Outcome, "审核结论");
        string? reason = Duties.ReadReason(request.Reason, isNeeded: outcome != ReviewOutcome.Approved);
        Enrollment row = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        row.RequireState(request.Version, EnrollmentState.Submitted, EnrollmentState.Reviewed);
        DueReview due = await OpenAsync(row, cancellationToken);
        RequireLevel(officer, due);
        await RunAsync(officer, due, outcome, reason, outcome == ReviewOutcome.Approved ? GivenApproval.Read(request.Approval, "审核意见") : null, answer, cancellationToken);
    }

    /// <param name="row">Submitted or reviewed.</param>
    public async Task<DueReview> OpenAsync(Enrollment row, CancellationToken cancellationToken)
    {
        (Submission submission, short number) = await database.ReadAsync(
            async transaction => (
                (await Submission.FindAsync(transaction, row))!,
                (short)(1 + await transaction.GetAsync<long>("SELECT COUNT(*) FROM review WHERE enrollment_id = @EnrollmentId AND round = @Round", new { row.EnrollmentId, row.Round }))),
            cancellationToken);
        return new DueReview(row, submission, number, await submission.OpenAsync(persons, cancellationToken));
    }

    /// <summary>Of what was found and opened just now.</summary>
    /// <param name="given">Of an approval: over one enrollment, or over many of a batch. Null: it is none.</param>
    /// <inheritdoc cref="RunAsync(Officer, string, ReviewRequest, Func{Transaction, Task}, CancellationToken)"/>
    public async Task RunAsync(
        Officer officer, DueReview due, ReviewOutcome outcome, string? reason, GivenApproval? given, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        // Step 2: of the level that is due. Acceptance points take in and hand out.
        RequireLevel(officer, due);
        (Enrollment row, Submission submission, short number, Applications applications) = due;

        // Step 3: an approval is over exactly what was entered, and while that counts.
        DateTimeOffset now = time.GetUtcNow();
        SignedApproval? signed = null;
        if (given is not null)
        {
            DateTimeOffset entered = (await GivenApproval.OpenAsync(known, submission.Entry, cancellationToken)).Tbs.Time.Value;
            Require(now <= entered + options.Limits.ReviewAtMost, Refusal.NotApproved, "已超过审核时限，录入意见失效，请退回后重新提交。");
            signed = SubmitEnrollment.Verify(officer, ApprovalStep.Review, given.Approval, applications, verifier);
        }

        // Step 4: after the last approval the CA is asked: the request is made, sealed and numbered before the transaction, and never changes.
        bool isLast = number >= submission.Reviews;
        IReadOnlyList<OutboxRow> requests = given is not null && isLast ? await prepare.OfDecisionAsync(row, submission, number, applications, given.Kept, cancellationToken) : [];
        await database.WriteAsync(
            async transaction =>
            {
                // Step 5: the officer stands, and is somebody else than who entered it, than who applies and than who acts for him.
                if (signed is not null)
                {
                    await directory.VerifyAsync(transaction, signed);
                }

                byte[] reviewer = await RequireOtherAsync(transaction, officer, submission);

                // Step 6: the move, by which of two reviewers one is the first; then the review, which the tables hold against the same rules, and what goes to the CA.
                await store.MoveAsync(transaction, row, MoveOf(officer, outcome, isLast, reason, given, now));
                if (given is not null)
                {
                    await given.KeepAsync(transaction, now);
                }

                await transaction.ExecuteAsync(
                    """
                    INSERT INTO review (
                        enrollment_id, round, number, submitter_index, applicant_index, agent_index, reviewer_index, reviewer_serial, reviewer_region, outcome, approval, reason, reviewed_at)
                    VALUES (
                        @EnrollmentId, @Round, @Number, @SubmitterIndex, @ApplicantIndex, @AgentIndex, @Reviewer, @Serial, @Region, @Outcome, @Approval, @Reason, @Now)
                    """,
                    new
                    {
                        row.EnrollmentId,
                        row.Round,
                        Number = number,
                        submission.SubmitterIndex,
                        submission.ApplicantIndex,
                        submission.AgentIndex,
                        Reviewer = reviewer,
                        Serial = officer.SerialNumber.ToString(),
                        Region = officer.Region.Value,
                        Outcome = outcome,
                        Approval = given?.Kept,
                        Reason = reason,
                        Now = now,
                    });
                foreach (OutboxRow each in requests)
                {
                    await OutboxStore.AddAsync(transaction, each);
                }

                await answer(transaction);
            },
            cancellationToken);
        FaultPoint.Reach("enrollment-reviewed");
        if (requests.Count > 0)
        {
            signal.Raise();
        }
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotAllowed"/>: a county, or a level below the one that is due.</exception>
    public void RequireLevel(Officer officer, DueReview due)
    {
        Require(officer.Region.Level != RegionLevel.County, Refusal.NotAllowed, "区县受理点只受理和发放，不能审核。");
        RegionLevel level = profiles.Get(due.Row.Profile).ReviewLevels.ElementAtOrDefault(due.Number - 1);
        Require(level == RegionLevel.Nation || officer.Region.Level <= level, Refusal.NotAllowed, "该业务须由省级审核。");
    }

    /// <returns>The reviewer's index.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.SecondOfficerRequired"/>: his own, or he has reviewed it before.</exception>
    public static async Task<byte[]> RequireOtherAsync(Transaction transaction, Officer officer, Submission submission)
    {
        byte[] reviewer = await Submission.IndexOfAsync(transaction, officer);
        Require(!reviewer.AsSpan().SequenceEqual(submission.SubmitterIndex), Refusal.SecondOfficerRequired, "不能审核本人录入的业务，须由另一人审核。");
        Require(
            !reviewer.AsSpan().SequenceEqual(submission.ApplicantIndex) && !reviewer.AsSpan().SequenceEqual(submission.AgentIndex),
            Refusal.SecondOfficerRequired,
            "不能审核本人的申请（本人是申请人或经办人），须由另一人审核。");
        Require(
            await transaction.GetAsync<long>(
                "SELECT COUNT(*) FROM review WHERE enrollment_id = @EnrollmentId AND round = @Round AND reviewer_index = @Reviewer",
                new { submission.EnrollmentId, submission.Round, Reviewer = reviewer }) == 0,
            Refusal.SecondOfficerRequired,
            "您已审核过该业务，须由另一人审核。");
        return reviewer;
    }

    private EnrollmentMove MoveOf(Officer officer, ReviewOutcome outcome, bool isLast, string? reason, GivenApproval? given, DateTimeOffset now) => outcome switch
    {
        ReviewOutcome.Approved => new EnrollmentMove(officer.Actor, "enrollment.approve", isLast ? EnrollmentState.Issuing : EnrollmentState.Reviewed)
        {
            Reason = reason,
            DueAt = now + (isLast ? options.Limits.Issue : options.Limits.Review),
            Fields = [new AuditField.Octets("approval", given!.Hash)],
        },
        ReviewOutcome.Returned => new EnrollmentMove(officer.Actor, "enrollment.return", EnrollmentState.Returned) { Reason = reason, DueAt = now + options.Limits.Correct },
        _ => new EnrollmentMove(officer.Actor, "enrollment.reject", EnrollmentState.Rejected) { Reason = reason },
    };
}
