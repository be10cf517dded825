using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Evidence;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>What comes of a draft now, with the profiles, the subscriber and the evidence of now.</summary>
/// <param name="Evidence">Pieces that there are.</param>
internal sealed record BuiltDraft(Enrollment Row, CheckedEnrollment Enrollment, Applications Applications, int Evidence)
{
    public bool HasEvidence => Evidence >= Enrollment.Profile.Evidence || !Row.IsForCertificate;
}

/// <summary>Entry (录入): an officer signs what the applicant wants, and answers for it: docs/WORKFLOW.md, in the same steps.</summary>
internal sealed class SubmitEnrollment(
    Database database,
    EnrollmentStore store,
    CheckEnrollment check,
    ApplicationBuilder builder,
    PersonRegistry persons,
    ApprovalVerifier verifier,
    OfficerDirectory directory,
    TimeLimits limits,
    TimeProvider time)
{
    private const string Own = "不能录入本人的申请（本人是申请人或经办人），请由另一人办理。";

    /// <summary>What is to be signed: before it is submitted built from the draft, afterwards what was submitted.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>, and what <see cref="CheckEnrollment"/> and <see cref="ApplicationBuilder"/> refuse.</exception>
    public async Task<ApplicationAnswer> ShowAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        Enrollment row = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        Applications applications = row.IsChangeable
            ? (await BuildAsync(row, cancellationToken)).Applications
            : await (await database.ReadAsync(transaction => Submission.FindAsync(transaction, row), cancellationToken)
                ?? throw new RefusalException(Refusal.WrongState, "该业务没有提交过。")).OpenAsync(persons, cancellationToken);
        return new ApplicationAnswer { Version = row.Version, Application = Der.Encode(applications.Main), Following = applications.Following is { } following ? Der.Encode(following) : null };
    }

    /// <param name="answer">What else belongs into the transaction. May run twice.</param>
    /// <exception cref="RefusalException">
    /// As <see cref="ShowAsync"/>; <see cref="Refusal.WrongState"/>; <see cref="Refusal.NotApproved"/>: another application was signed; <see cref="Refusal.SecondOfficerRequired"/>: his own;
    /// <see cref="Refusal.Malformed"/>: evidence is missing.
    /// </exception>
    public async Task RunAsync(Officer officer, string id, SubmissionRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        // Step 1: the draft as the officer saw it, in his region.
        Enrollment row = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        row.RequireState(request.Version, EnrollmentState.Draft, EnrollmentState.Returned);
        await RunAsync(officer, await BuildAsync(row, cancellationToken), GivenApproval.Read(request.Approval, "录入意见"), answer, cancellationToken);
    }

    /// <summary>Of a draft that was found and built just now.</summary>
    /// <param name="given">Over one enrollment, or over many of a batch.</param>
    /// <inheritdoc cref="RunAsync(Officer, string, SubmissionRequest, Func{Transaction, Task}, CancellationToken)"/>
    public async Task RunAsync(Officer officer, BuiltDraft draft, GivenApproval given, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        // Step 2: what comes of it now, with the profiles, the subscriber and the evidence of now: exactly that he has signed.
        (Enrollment row, CheckedEnrollment enrollment, Applications applications, int evidence) = draft;
        Require(draft.HasEvidence, Refusal.Malformed, $"证明材料不齐：须有{enrollment.Profile.Evidence}份，现有{evidence}份。");
        SignedApproval signed = Verify(officer, ApprovalStep.Entry, given.Approval, applications, verifier);

        // Step 3: sealed for the row that keeps it.
        short round = (short)(row.Round + 1);
        (byte[] keyId, byte[] main, byte[]? following) = Submission.Seal(persons, row.EnrollmentId, round, applications);
        DateTimeOffset now = time.GetUtcNow();
        await database.WriteAsync(
            async transaction =>
            {
                // Step 4: the officer stands, and it is not his own.
                await directory.VerifyAsync(transaction, signed);
                byte[] submitter = await Submission.IndexOfAsync(transaction, officer);
                Require(!submitter.AsSpan().SequenceEqual(row.ApplicantIndex) && !submitter.AsSpan().SequenceEqual(row.AgentIndex), Refusal.SecondOfficerRequired, Own);

                // Step 5: the move, what was signed, and the event.
                byte[] digest = applications.Main.Digest;
                await store.MoveAsync(transaction, row, new EnrollmentMove(officer.Actor, "enrollment.submit", EnrollmentState.Submitted)
                {
                    DueAt = now + limits.Review,
                    BeginsRound = true,
                    Fields = [new AuditField.Octets("application", digest), new AuditField.Octets("approval", given.Hash)],
                });
                await given.KeepAsync(transaction, now);
                await transaction.ExecuteAsync(
                    """
                    INSERT INTO submission (
                        enrollment_id, round, submitter_index, applicant_index, agent_index, submitter_serial, application_sealed, following_sealed, data_key_id, digest, entry, reviews, submitted_at)
                    VALUES (
                        @EnrollmentId, @Round, @Submitter, @ApplicantIndex, @AgentIndex, @Serial, @Main, @Following, @KeyId, @Digest, @Entry, @Reviews, @Now)
                    """,
                    new
                    {
                        row.EnrollmentId,
                        Round = round,
                        Submitter = submitter,
                        row.ApplicantIndex,
                        row.AgentIndex,
                        Serial = officer.SerialNumber.ToString(),
                        Main = main,
                        Following = following,
                        KeyId = keyId,
                        Digest = digest,
                        Entry = given.Kept,
                        Reviews = (short)enrollment.Profile.ReviewLevels.Count,
                        Now = now,
                    });
                await answer(transaction);
            },
            cancellationToken);
        FaultPoint.Reach("enrollment-submitted");
    }

    /// <summary>One approval over all applications of the enrollment, by the officer who sends it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>, and what <see cref="ApprovalVerifier"/> refuses.</exception>
    public static SignedApproval Verify(Officer officer, ApprovalStep step, Approval approval, Applications applications, ApprovalVerifier verifier)
    {
        RequireOwn(officer, step, approval);
        SignedApproval signed = verifier.Verify(approval, applications.Main);
        if (applications.Following is { } following)
        {
            verifier.Verify(approval, following);
        }

        return signed;
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotApproved"/>: another's, or of the other step.</exception>
    public static void RequireOwn(Officer officer, ApprovalStep step, Approval approval)
    {
        Require(approval.Certificate.Tbs.SerialNumber == officer.SerialNumber, Refusal.NotApproved, "审批意见须由签署人本人发送。");
        Require(approval.Tbs.Step == step, Refusal.NotApproved, step == ApprovalStep.Entry ? "须为录入意见。" : "须为审核意见。");
    }

    /// <exception cref="RefusalException">What <see cref="CheckEnrollment"/> and <see cref="ApplicationBuilder"/> refuse.</exception>
    public async Task<BuiltDraft> BuildAsync(Enrollment row, CancellationToken cancellationToken)
    {
        EnrollmentContent content = await EnrollmentContent.OpenAsync(persons, row, cancellationToken);
        CertificateName? certificate = row.CertificateIssuer is null ? null : new CertificateName(row.CertificateIssuer, row.CertificateSerial!);
        CheckedEnrollment enrollment = await check.RunAsync(row.Kind, row.RegionCode, row.Profile, row.SubscriberId, certificate, content, cancellationToken);
        IReadOnlyList<byte[]> evidence = row.IsForCertificate ? [.. (await database.ReadAsync(transaction => EvidenceStore.ListAsync(transaction, row.EnrollmentId), cancellationToken)).Select(each => each.EvidenceHash)] : [];
        return new BuiltDraft(row, enrollment, await builder.BuildAsync(enrollment, ReferenceOf(row), row.Region, evidence, cancellationToken), evidence.Count);
    }

    /// <summary>Each submission is decided about by itself: what the CA has refused for good, it takes anew under another reference only.</summary>
    private static string ReferenceOf(Enrollment row) => row.Round == 0 ? row.Id : $"{row.Id}-{row.Round + 1}";
}
