using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>The dry run over an import's file: each row is judged as if drafts were made, and nothing is.</summary>
internal sealed class CheckApplicants(Database database, PersonRegistry persons, RaOptions options, JudgeApplicants judge) : IBatchWork
{
    public bool Does(Batch batch, BatchTaskKind kind) => batch.Kind == BatchKind.Import && kind == BatchTaskKind.Checking;

    public async Task RunAsync(BatchRun run, CancellationToken cancellationToken)
    {
        // Step 1: whose file, and what he said of it.
        SubscriberRules.RequireEntry(run.Officer);
        BatchContent content = await BatchContent.OpenAsync(persons, run.Batch, cancellationToken);
        await using ApplicantParts parts = await ApplicantParts.OpenAsync(database, persons, options, run.Batch, withAgents: false, cancellationToken);
        var seen = new SeenApplicants();
        await parts.PassAsync(run, database, seen);

        // Step 2: part after part, the verdicts with how far it is.
        for (List<ReadApplicant> part = await parts.NextAsync(); part.Count > 0; part = await parts.NextAsync())
        {
            (IReadOnlyList<JudgedApplicant> judged, _) = await judge.RunAsync(run, part, seen, cancellationToken);
            await run.AdvanceAsync(Next(run.Task, judged), RefusalsOf(judged), null, cancellationToken);
            seen.Keep();
            FaultPoint.Reach("import-part-checked");
        }

        // Step 3: that it was all. What is missing of a file, nobody sees by the rest.
        Require(run.Task.Reached > 0, "文件没有数据行。");
        Require(content.Rows is null || content.Rows == run.Task.Reached, $"文件有{run.Task.Reached}行，批次填写的是{content.Rows}行：请核对文件是否完整。");
        await run.AdvanceAsync(run.Task with { State = BatchTaskState.Done, RowCount = run.Task.Reached }, [], null, cancellationToken);
    }

    /// <returns>The task with a part more.</returns>
    public static BatchTask Next(BatchTask task, IReadOnlyList<JudgedApplicant> part) => task with
    {
        Reached = part[^1].Row, Done = task.Done + part.Count(each => each.Reason is null), Refused = task.Refused + part.Count(each => each.Reason is not null),
    };

    public static IReadOnlyList<BatchRefusal> RefusalsOf(IReadOnlyList<JudgedApplicant> part) =>
        [.. part.Where(each => each.Reason is not null).Select(each => new BatchRefusal { RowNumber = each.Row, Reason = each.Reason! })];

    private static void Require(bool met, string detail)
    {
        if (!met)
        {
            throw new RefusalException(Refusal.Malformed, detail);
        }
    }
}
