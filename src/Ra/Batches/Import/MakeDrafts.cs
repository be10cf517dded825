using System.Data.Common;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>Makes subscribers and draft enrollments of the rows that the dry run found good. A part is made whole or not at all.</summary>
internal sealed class MakeDrafts(
    Database database, AuditLog log, PersonRegistry persons, RaOptions options, JudgeApplicants judge, SubscriberStore subscribers, EnrollmentStore enrollments, TakeInEnrollment takeIn, TimeProvider time)
    : IBatchWork
{
    /// <summary>Each time somebody else has registered one of a part's subscribers in between.</summary>
    private const int Attempts = 10;

    public bool Does(Batch batch, BatchTaskKind kind) => batch.Kind == BatchKind.Import && kind == BatchTaskKind.Making;

    public async Task RunAsync(BatchRun run, CancellationToken cancellationToken)
    {
        // Step 1: what the clerk has seen of the dry run. What was refused there stays so, also where it were good by now.
        SubscriberRules.RequireEntry(run.Officer);
        BatchTask dry = (await database.ReadAsync(transaction => BatchStore.ListTasksAsync(transaction, run.Batch.BatchId), cancellationToken))
            .Last(each => each is { Kind: BatchTaskKind.Checking, State: BatchTaskState.Done });
        await using ApplicantParts parts = await ApplicantParts.OpenAsync(database, persons, options, run.Batch, withAgents: true, cancellationToken);
        var seen = new SeenApplicants();
        await parts.PassAsync(run, database, seen);

        // Step 2: part after part.
        for (List<ReadApplicant> part = await parts.NextAsync(); part.Count > 0; part = await parts.NextAsync())
        {
            IReadOnlyDictionary<long, string> refused = await parts.ListRefusedAsync(database, dry, part);
            await MakeAsync(
                run, dry, [.. part.Select(each => refused.TryGetValue(each.Row, out string? reason) ? new ReadApplicant { Row = each.Row, Reason = reason } : each)], seen, cancellationToken);
            seen.Keep();
            FaultPoint.Reach("import-part-made");
        }

        await run.AdvanceAsync(run.Task with { State = BatchTaskState.Done, RowCount = dry.RowCount }, [], null, cancellationToken);
    }

    /// <summary>As long as what the part was judged by is still so: otherwise it is judged anew.</summary>
    private async Task MakeAsync(BatchRun run, BatchTask dry, IReadOnlyList<ReadApplicant> part, SeenApplicants seen, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            seen.Forget();
            (IReadOnlyList<JudgedApplicant> judged, ApplicantFacts facts) = await judge.RunAsync(run, part, seen, cancellationToken);
            byte[] digest = facts.Digest();
            Draft[] drafts = [.. judged.Where(each => each.Reason is null).AsParallel().AsOrdered().Select(each => Make(run, each))];
            try
            {
                await run.AdvanceAsync(
                    CheckApplicants.Next(run.Task, judged) with { RowCount = dry.RowCount },
                    CheckApplicants.RefusalsOf(judged),
                    async transaction =>
                    {
                        // Whoever takes in for the same ones waits, or is seen here.
                        await SubscriberStore.HoldAsync(transaction, [.. facts.Subscribers.Select(row => row.SubscriberId)]);
                        ApplicantFacts now = await ApplicantFacts.LoadAsync(transaction, part, time.GetUtcNow());
                        if (!now.Digest().AsSpan().SequenceEqual(digest))
                        {
                            throw new PartChangedException();
                        }

                        await InsertAsync(transaction, run, drafts);
                    },
                    cancellationToken);
                return;
            }
            catch (PartChangedException) when (attempt < Attempts)
            {
                // Somebody was faster with one of them.
            }
            catch (DbException e) when (database.Dialect.IsUniqueViolation(e) && attempt < Attempts)
            {
                // Likewise, at the same time.
            }
        }
    }

    private Draft Make(BatchRun run, JudgedApplicant judged)
    {
        Subscriber subscriber = judged.Enrollment!.Subscriber;
        Enrollment row = takeIn.Draft(run.Officer, Ulid.Create(time.GetUtcNow()), judged.Read!.Applicant!.Region, judged.Enrollment, judged.Read.AgentIndex);
        SubscriberRow? registered = !judged.IsNew ? null : subscribers.Write(
            new SubscriberRow
            {
                SubscriberId = subscriber.Id,
                Kind = subscriber.Kind,
                Region = subscriber.Region.Value,
                PersonIndex = subscriber.PersonIndex,
                OrganizationId = subscriber.OrganizationId,
                Version = subscriber.Version,
                RegisteredAt = subscriber.RegisteredAt,
                ChangedAt = subscriber.ChangedAt,
            },
            subscriber.Number,
            subscriber.Name);
        PreparedEvent takenIn = enrollments.PrepareEvent(row, run.Officer.Actor);
        return new Draft(judged.Row, row, registered, judged.IsNewKey, registered is null ? [takenIn] : [log.Prepare(RegisterSubscriber.EventOf(run.Officer, registered, subscriber.Number)), takenIn]);
    }

    private async Task InsertAsync(Transaction transaction, BatchRun run, Draft[] drafts)
    {
        if (drafts.Length == 0)
        {
            return;
        }

        await SubscriberStore.InsertAllAsync(transaction, drafts.Select(each => each.Registered).OfType<SubscriberRow>());
        await enrollments.InsertAllAsync(
            transaction,
            [.. drafts.Select(each => each.Enrollment)],
            drafts.Where(each => each.IsNewKey).Select(each => (each.Enrollment.KeyHash!, each.Enrollment.SubscriberId)),
            [.. drafts.SelectMany(each => each.Events)],
            run.Officer.Actor);
        await BatchStore.AddRowsAsync(transaction, run.Batch.BatchId, [.. drafts.Select(each => new BatchRow { RowNumber = each.Row, EnrollmentId = each.Enrollment.EnrollmentId })]);
    }

    /// <param name="Registered">Null: he is registered already.</param>
    /// <param name="Events">That he was registered, where he was, and that the application was taken in.</param>
    private sealed record Draft(int Row, Enrollment Enrollment, SubscriberRow? Registered, bool IsNewKey, IReadOnlyList<PreparedEvent> Events);

    private sealed class PartChangedException() : Exception("What a part was judged by has changed.");
}
