using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments.Steps;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Ra.Batches.Decisions;

/// <summary>Takes one officer's signature over what he has read of a batch, and has it carried out row by row. What is wrong with the signature itself is refused at once.</summary>
internal sealed class StartDecision(Database database, OpenBatch batches, ApprovalVerifier verifier, BatchSignal signal, TimeProvider time)
{
    /// <param name="kind">Submission or review.</param>
    /// <param name="answer">What else belongs into the transaction. May run twice.</param>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: something is being done, or there is nothing to decide about; <see cref="Refusal.Malformed"/>: no approval, or over more than
    /// 10,000; <see cref="Refusal.NotApproved"/>: another's, of the other step, too old; <see cref="Refusal.NotAllowed"/>: a county reviews; <see cref="Refusal.BadSignature"/>.
    /// </exception>
    public async Task RunAsync(Officer officer, string id, BatchTaskKind kind, BatchDecisionRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        ApprovalStep step = StepOf(kind);
        await batches.FindAsync(officer, id, cancellationToken);
        Require(step == ApprovalStep.Entry || officer.Region.Level != RegionLevel.County, Refusal.NotAllowed, "区县受理点只受理和发放，不能审核。");
        var given = GivenApproval.Read(request.Approval, step == ApprovalStep.Entry ? "录入意见" : "审核意见");
        RequireHolds(officer, step, given.Approval, verifier);
        await database.WriteAsync(
            async transaction =>
            {
                (Batch batch, IReadOnlyList<BatchTask> tasks) = await OpenBatch.RequireIdleAsync(transaction, officer, id);
                Require((await BatchStore.ListRowsAsync(transaction, batch.BatchId, 0, 1)).Count > 0, Refusal.WrongState, "该批次没有可以办理的业务。");
                DateTimeOffset now = time.GetUtcNow();
                await given.KeepAsync(transaction, now, always: true);
                await OpenBatch.StartAsync(transaction, OpenBatch.Task(officer, batch, kind, now, tasks.Count) with { ApprovalHash = given.Hash });
                await answer(transaction);
            },
            cancellationToken);
        signal.Raise();
    }

    public static ApprovalStep StepOf(BatchTaskKind kind) => kind == BatchTaskKind.Submission ? ApprovalStep.Entry : ApprovalStep.Review;

    /// <summary>As such, and by the officer who sends it; each row asks besides whether it is about it, and whether the officer may decide about it.</summary>
    /// <exception cref="RefusalException">As <see cref="RunAsync"/>.</exception>
    public static void RequireHolds(Officer officer, ApprovalStep step, Approval approval, ApprovalVerifier verifier)
    {
        SubmitEnrollment.RequireOwn(officer, step, approval);
        verifier.VerifyAlone(approval);
    }
}
