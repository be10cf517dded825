using ZwCa.Admin.Desk;
using ZwCa.Admin.Token;
using ZwCa.Contracts;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Ra;

/// <summary>What the verbs of batches have in common: waiting until nothing is being done with one, its pages, and what became of a task. An interruption here changes nothing: the work is the RA's.</summary>
internal static class BatchWork
{
    /// <summary>Refusals that are shown; the rest is asked for by <c>rows</c>.</summary>
    private const int ShownRows = 50;

    private const int PageRows = 500;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <exception cref="RefusalException">The RA's; <see cref="Refusal.Malformed"/>: it shows another batch.</exception>
    public static async Task<BatchAnswer> FindAsync(OfficerSession session, string id, CancellationToken cancellationToken) =>
        Require(await session.GetAsync<BatchAnswer>($"/batches/{id}", cancellationToken), id);

    /// <summary>Until nothing is being done with it.</summary>
    /// <inheritdoc cref="FindAsync"/>
    public static async Task<BatchAnswer> UntilIdleAsync(OfficerSession session, BatchAnswer batch, TextWriter error, CancellationToken cancellationToken)
    {
        if (batch.Tasks is not [.., { State: "running" } first])
        {
            return batch;
        }

        await ProgressBar.RunAsync(error, BatchText.TaskKind(first.Kind), async tell =>
        {
            TimeSpan pause = FirstPause;
            while (batch.Tasks is [.., { State: "running" } running])
            {
                tell(running.Reached, running.Rows);
                await Task.Delay(pause, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
                batch = await FindAsync(session, batch.Id, cancellationToken);
            }
        });
        return batch;
    }

    /// <summary>Has something done, and waits for it.</summary>
    /// <param name="path">Below the batch.</param>
    /// <returns>The batch, and the task that came of it.</returns>
    /// <inheritdoc cref="FindAsync"/>
    public static async Task<(BatchAnswer Batch, BatchTaskAnswer Task)> DoAsync(OfficerSession session, BatchAnswer batch, string path, object body, TextWriter error, CancellationToken cancellationToken)
    {
        int before = batch.Tasks.LastOrDefault()?.Number ?? 0;
        batch = Require(await session.PostAsync<BatchAnswer>($"/batches/{batch.Id}/{path}", body, cancellationToken), batch.Id);
        batch = await UntilIdleAsync(session, batch, error, cancellationToken);
        return (batch, batch.Tasks.FirstOrDefault(task => task.Number > before) ?? throw Unreadable());
    }

    /// <summary>Says how a task ended, with the reasons of the rows that it refused.</summary>
    /// <returns>Whether it refused none, and that was all that there is.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.WrongState"/>: it was refused as a whole.</exception>
    public static async Task<bool> ReportAsync(OfficerSession session, BatchAnswer batch, BatchTaskAnswer task, TextWriter output, CancellationToken cancellationToken)
    {
        if (task.State == "refused")
        {
            throw new RefusalException(Refusal.WrongState, $"{BatchText.TaskKind(task.Kind)}未能进行：{task.Reason}");
        }

        output.WriteLine(LabelText.Shown($"{BatchText.TaskKind(task.Kind)}：{BatchText.Number(task.Rows ?? task.Reached)} 行，通过 {task.Done}，未通过 {task.Refused}。"));
        bool isAll = task.Kind != "making" || task.Reason is null;
        if (!isAll)
        {
            output.WriteLine(LabelText.Shown($"注意：{task.Reason}"));
        }

        if (task.Refused == 0)
        {
            return isAll;
        }

        BatchRowPage page = await session.GetAsync<BatchRowPage>($"/batches/{batch.Id}/rows?task={task.Number}&rows={ShownRows}", cancellationToken);
        BatchText.WriteRows(output, page.Rows.Take(ShownRows));
        if (page.Next is not null && task.Refused > page.Rows.Count)
        {
            output.WriteLine($"还有 {task.Refused - page.Rows.Count} 行：zwca ra batch rows {LabelText.Shown(batch.Id)} --task {task.Number}");
        }

        return false;
    }

    /// <summary>All rows, page by page.</summary>
    /// <param name="task">Whose refusals; null: what has enrollments.</param>
    /// <inheritdoc cref="AllAsync"/>
    public static Task<List<BatchRowAnswer>> RowsAsync(OfficerSession session, string id, int? task, CancellationToken cancellationToken) => AllAsync(
        async after =>
        {
            BatchRowPage page = await session.GetAsync<BatchRowPage>(
                DeskVerbs.Query($"/batches/{id}/rows", ("task", task is { } number ? BatchText.Number(number) : null), ("after", BatchText.Number(after)), ("rows", BatchText.Number(PageRows))), cancellationToken);
            return (page.Rows, page.Next);
        },
        row => row.Row);

    /// <summary>All that can be signed, page by page.</summary>
    /// <param name="step">entry, review.</param>
    /// <inheritdoc cref="AllAsync"/>
    public static Task<List<BatchApplicationAnswer>> ApplicationsAsync(OfficerSession session, string id, string step, CancellationToken cancellationToken) => AllAsync(
        async after =>
        {
            BatchApplicationPage page = await session.GetAsync<BatchApplicationPage>(
                DeskVerbs.Query($"/batches/{id}/applications", ("step", step), ("after", BatchText.Number(after)), ("rows", BatchText.Number(PageRows))), cancellationToken);
            return (page.Applications, page.Next);
        },
        application => application.Row);

    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>.</exception>
    public static BatchAnswer Require(BatchAnswer batch, string id) => batch.Id == id ? batch : throw Unreadable();

    public static RefusalException Unreadable() => new(Refusal.Malformed, "RA给出的不是所要的批次，请联系管理员。");

    /// <summary>Pages go on by row; some that did not would go on for ever, or show a row twice.</summary>
    /// <exception cref="RefusalException">The RA's; <see cref="Refusal.Malformed"/>: its pages do not go on.</exception>
    private static async Task<List<T>> AllAsync<T>(Func<long, Task<(IReadOnlyList<T> Rows, long? Next)>> fetch, Func<T, long> rowOf)
    {
        var all = new List<T>();
        long after = 0;
        while (true)
        {
            (IReadOnlyList<T> rows, long? next) = await fetch(after);
            long last = after;
            foreach (T row in rows)
            {
                last = rowOf(row) > last ? rowOf(row) : throw new RefusalException(Refusal.Malformed, "RA给出的分页有误，请联系管理员。");
                all.Add(row);
            }

            if (next is null)
            {
                return all;
            }

            after = next > after && next >= last ? next.Value : throw new RefusalException(Refusal.Malformed, "RA给出的分页有误，请联系管理员。");
        }
    }
}
