using System.Collections.Concurrent;
using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;

namespace ZwCa.Ra.Batches.Import;

/// <summary>A row as far as it can be judged by itself.</summary>
internal sealed record ReadApplicant
{
    public required int Row { get; init; }

    /// <summary>Null: <see cref="Reason"/> says why it cannot be.</summary>
    public Applicant? Applicant { get; init; }

    public string? Reason { get; init; }

    /// <summary>Of a person, 32 bytes, by the device.</summary>
    public byte[]? Index { get; init; }

    /// <summary>Likewise of the agent. Null: none, or nobody has asked for it.</summary>
    public byte[]? AgentIndex { get; init; }
}

/// <summary>
/// The file of an import in parts, read and indexed: the next while this one is looked at. Rows are judged by themselves on all cores, and the device is asked for many at once. Not safe for concurrent
/// use.
/// </summary>
/// <param name="withAgents">Whether agents are indexed, too.</param>
internal sealed class ApplicantParts(ApplicantFile file, PersonRegistry persons, RaOptions options, bool withAgents, CancellationToken cancellationToken) : IAsyncDisposable
{
    /// <summary>Rows.</summary>
    public const int Length = 1000;

    /// <summary>Questions to the device.</summary>
    private const int AtOnce = 32;

    /// <summary>Parts are passed over far faster than a claim expires; so many of them.</summary>
    private const int PartsForClaim = 20;

    private Task<List<ReadApplicant>>? _next;

    public static async Task<ApplicantParts> OpenAsync(
        Database database, PersonRegistry persons, RaOptions options, Batch batch, bool withAgents, CancellationToken cancellationToken) =>
        new(await ApplicantFile.OpenAsync(new BatchFile(database, persons, batch), cancellationToken), persons, options, withAgents, cancellationToken);

    /// <summary>Passes over what a task is through with, which another node may have done: what was good of it is seen. The device is not asked.</summary>
    public async Task PassAsync(BatchRun run, Database database, SeenApplicants seen)
    {
        for (int passed = 0, parts = 0; passed < run.Task.Reached; parts++)
        {
            List<ReadApplicant> part = await ReadAsync((int)Math.Min(Length, run.Task.Reached - passed));
            IReadOnlyDictionary<long, string> refused = await ListRefusedAsync(database, run.Task, part);
            foreach (ReadApplicant each in part.Where(each => each.Applicant is not null && !refused.ContainsKey(each.Row)))
            {
                seen.Add(each.Applicant!);
            }

            seen.Keep();
            passed = part[^1].Row;
            if (parts % PartsForClaim == PartsForClaim - 1)
            {
                // Nothing new; but somebody is at it.
                await run.AdvanceAsync(run.Task, [], null, cancellationToken);
            }
        }
    }

    /// <returns>Reasons by rows: of those of a part that a task has refused.</returns>
    public async Task<IReadOnlyDictionary<long, string>> ListRefusedAsync(Database database, BatchTask task, IReadOnlyList<ReadApplicant> part) =>
        (await database.ReadAsync(transaction => BatchStore.ListRefusalsAsync(transaction, task.BatchId, task.Number, part[0].Row - 1, part.Count), cancellationToken))
            .Where(each => each.RowNumber <= part[^1].Row).ToDictionary(each => each.RowNumber, each => each.Reason);

    /// <returns>The next part; empty: that was all.</returns>
    /// <exception cref="RefusalException"><see cref="Refusal.Malformed"/>: what refuses the file as a whole.</exception>
    /// <exception cref="Hsm.HsmException">The device is away.</exception>
    public async Task<List<ReadApplicant>> NextAsync()
    {
        List<ReadApplicant> part = await (_next ?? ReadAndIndexAsync());
        _next = part.Count == 0 ? null : Task.Run(ReadAndIndexAsync, cancellationToken);
        return part;
    }

    public async ValueTask DisposeAsync()
    {
        if (_next is not null)
        {
            // What it ran into, nobody waits for any more.
            await _next.ContinueWith(static _ => { }, TaskScheduler.Default);
        }

        file.Dispose();
    }

    private async Task<List<ReadApplicant>> ReadAsync(int count)
    {
        var rows = new List<ApplicantRow>(count);
        while (rows.Count < count && await file.ReadAsync(cancellationToken) is { } row)
        {
            rows.Add(row);
        }

        return [.. rows.AsParallel().AsOrdered().Select(Judge)];
    }

    private async Task<List<ReadApplicant>> ReadAndIndexAsync()
    {
        List<ReadApplicant> part = await ReadAsync(Length);
        var indexes = new ConcurrentDictionary<IdNumber, byte[]>();
        IEnumerable<IdNumber> asked = part.Where(each => each.Applicant is not null).SelectMany(each => (IdNumber?[])[each.Applicant!.Number.Person, AgentOf(each.Applicant)]).OfType<IdNumber>().Distinct();
        await Parallel.ForEachAsync(
            asked,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (number, cancellation) => indexes[number] = await persons.IndexAsync(number, cancellation));
        return
        [
            .. part.Select(each => each.Applicant is null ? each : each with
            {
                Index = each.Applicant.Number.Person is { } person ? indexes[person] : null,
                AgentIndex = AgentOf(each.Applicant) is { } agent ? indexes[agent] : null,
            }),
        ];
    }

    private IdNumber? AgentOf(Applicant applicant) => withAgents && applicant.Content.AgentNumber is { } number ? IdNumber.Parse(number) : null;

    private ReadApplicant Judge(ApplicantRow row)
    {
        try
        {
            return new ReadApplicant { Row = row.Number, Applicant = Applicant.Read(row, file.Columns, options.Profiles) };
        }
        catch (RefusalException e)
        {
            return new ReadApplicant { Row = row.Number, Reason = e.Message };
        }
    }
}
