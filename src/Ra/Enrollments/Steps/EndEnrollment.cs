using ZwCa.Contracts;
using ZwCa.Contracts.Ra;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Deliveries;
using ZwCa.Ra.Outbox;

namespace ZwCa.Ra.Enrollments.Steps;

/// <summary>Gives up what nobody has approved, and puts away what is done.</summary>
internal sealed class EndEnrollment(Database database, EnrollmentStore store, TimeProvider time)
{
    /// <summary>Also a recovered key that nobody fetches: no certificate hangs on it.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it is approved, or has ended; <see cref="Refusal.Malformed"/>: no reason.</exception>
    public Task CancelAsync(Officer officer, string id, StepRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken) =>
        RunAsync(
            officer,
            id,
            request.Version,
            new EnrollmentMove(officer.Actor, "enrollment.cancel", EnrollmentState.Cancelled) { Reason = Duties.ReadReason(request.Reason, isNeeded: true) },
            [EnrollmentState.Draft, EnrollmentState.Submitted, EnrollmentState.Reviewed, EnrollmentState.Returned, EnrollmentState.Issued],
            answer,
            cancellationToken);

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: it is not done.</exception>
    public Task ArchiveAsync(Officer officer, string id, StepRequest request, Func<Transaction, Task> answer, CancellationToken cancellationToken) => RunAsync(
        officer, id, request.Version, new EnrollmentMove(officer.Actor, "enrollment.archive", EnrollmentState.Archived), [EnrollmentState.Delivered], answer, cancellationToken);

    private async Task RunAsync(
        Officer officer, string id, long version, EnrollmentMove move, EnrollmentState[] from, Func<Transaction, Task> answer, CancellationToken cancellationToken)
    {
        Enrollment row = officer.RequireVisible(await database.ReadAsync(transaction => EnrollmentStore.FindAsync(transaction, Page.Id(id)), cancellationToken));
        row.RequireState(version, [.. from.Where(state => state != EnrollmentState.Issued || row.Kind == EnrollmentKind.Recovery)]);
        await database.WriteAsync(
            async transaction =>
            {
                await store.MoveAsync(transaction, row, move);
                if (row.State == EnrollmentState.Issued)
                {
                    await DeliveryStore.EndAsync(transaction, row.EnrollmentId, DeliveryState.Withdrawn, time.GetUtcNow());
                    await OutboxStore.LetGoAsync(transaction, row.EnrollmentId, OutboxState.GivenUp, time.GetUtcNow());
                }

                await answer(transaction);
            },
            cancellationToken);
    }
}
