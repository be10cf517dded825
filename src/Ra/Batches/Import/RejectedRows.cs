using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Enrollments.Steps;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ra.Batches.Import;

/// <summary>The rows of an import that were refused, as they came, with the reasons: to be corrected and imported again. Names persons in full: for those who take in.</summary>
internal sealed class RejectedRows(Database database, OpenBatch batches, PersonRegistry persons)
{
    /// <summary>Refusals that are read at once.</summary>
    private const int Page = 500;

    private const int BufferLength = 16 * 1024;

    /// <summary><c>GET /batches/{id}/rejects</c></summary>
    public static async Task<PushStreamHttpResult> GetAsync(MessageContext message, string id, RejectedRows rejects, HttpResponse response, CancellationToken cancellationToken)
    {
        Officer officer = Duties.Require(message, Duty.Entry);
        (Batch batch, BatchTask task) = await rejects.FindAsync(officer, id, cancellationToken);
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";

        // Refused before the first byte, where the file cannot be read.
        ApplicantFile file = await rejects.OpenAsync(batch, cancellationToken);
        response.RegisterForDispose(file);
        return TypedResults.Stream(
            body => rejects.WriteAsync(file, task, body, cancellationToken), $"text/csv; charset={file.Encoding.WebName}", string.Create(CultureInfo.InvariantCulture, $"{batch.Id}-{task.Number}.csv"));
    }

    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>; <see cref="Refusal.WrongState"/>: nothing was checked to its end yet.</exception>
    public async Task<(Batch Batch, BatchTask Task)> FindAsync(Officer officer, string id, CancellationToken cancellationToken)
    {
        Batch batch = await batches.FindAsync(officer, id, cancellationToken);
        BatchTask? last = (await database.ReadAsync(transaction => BatchStore.ListTasksAsync(transaction, batch.BatchId), cancellationToken))
            .LastOrDefault(each => each.Kind is BatchTaskKind.Checking or BatchTaskKind.Making);
        return batch.Kind == BatchKind.Import && last is { State: BatchTaskState.Done }
            ? (batch, last)
            : throw new RefusalException(Refusal.WrongState, last is { State: BatchTaskState.Refused } ? "文件整体未通过检查，请更正后重新上传。" : "文件尚未检查完毕，请稍后再试。");
    }

    public Task<ApplicantFile> OpenAsync(Batch batch, CancellationToken cancellationToken) => ApplicantFile.OpenAsync(new BatchFile(database, persons, batch), cancellationToken);

    /// <summary>In the file's own encoding, each cell quoted.</summary>
    /// <param name="file">At its first row.</param>
    public async Task WriteAsync(ApplicantFile file, BatchTask task, Stream body, CancellationToken cancellationToken)
    {
        // Step 1: the heading; an earlier column of reasons makes room.
        ApplicantColumns columns = file.Columns;
        await using var text = new StreamWriter(body, file.HasMark ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: true) : file.Encoding, BufferLength, leaveOpen: true);
        await WriteRowAsync(text, columns, file.Heading, ApplicantColumns.Reason);

        // Step 2: both go on in the order of rows.
        var refusals = new Queue<BatchRefusal>();
        long after = 0;
        while (await file.ReadAsync(cancellationToken) is { } row)
        {
            if (refusals.Count == 0)
            {
                IReadOnlyList<BatchRefusal> page = await database.ReadAsync(transaction => BatchStore.ListRefusalsAsync(transaction, task.BatchId, task.Number, after, Page), cancellationToken);
                if (page.Count == 0)
                {
                    break;
                }

                refusals = new Queue<BatchRefusal>(page);
                after = page[^1].RowNumber;
            }

            if (refusals.Peek().RowNumber == row.Number)
            {
                await WriteRowAsync(text, columns, row.Cells, refusals.Dequeue().Reason);
            }
        }
    }

    /// <summary>The reason stands in its column, however many cells the row has.</summary>
    private static async Task WriteRowAsync(StreamWriter text, ApplicantColumns columns, IReadOnlyList<string> cells, string reason)
    {
        IEnumerable<string> shown =
        [
            .. Enumerable.Range(0, columns.Count).Where(i => i != columns.ReasonAt).Select(i => i < cells.Count ? cells[i] : ""),
            reason,
            .. cells.Skip(columns.Count),
        ];
        await text.WriteAsync(string.Join(',', shown.Select(Quote)));
        await text.WriteAsync("\r\n");
    }

    /// <summary>Quotes alone do not keep a program from running what looks like a formula: an apostrophe before it does.</summary>
    private static string Quote(string cell) =>
        $"\"{(Applicant.IsFormula(cell) ? "'" : "")}{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
