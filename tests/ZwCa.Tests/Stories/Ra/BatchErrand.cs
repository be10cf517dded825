using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Tests.Stories.Ra;

/// <summary>A batch from its file to its certificates, as the programs of two officers do it. Each request is kept, and sent again until it is answered.</summary>
internal sealed class BatchErrand(RaProcess ra, BatchApplicants applicants, CancellationToken cancellationToken) : IDisposable
{
    private const int AtOnce = 4;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    private ProcessCounter Counter => ra.Counter;

    public async Task RunAsync()
    {
        _patience.CancelAfter(TestRandom.Long ? TimeSpan.FromMinutes(40) : TimeSpan.FromMinutes(10));

        // Step 1: what the file has.
        var open = new BatchRequest { Kind = "import", Region = CaScene.City, Title = "新办", Rows = applicants.Count };
        string batch = (await AskAsync(id => Counter.PostAsync<BatchAnswer>(Counter.City, "/batches", open, id))).Id;
        await AskAsync(id => Counter.PutFileAsync(Counter.City, batch, applicants.File, id));
        await EndAsync(batch, "checking");
        await AskAsync(id => Counter.PostAsync<BatchAnswer>(Counter.City, $"/batches/{batch}/making", new { }, id));
        await EndAsync(batch, "making");

        // Step 2: the keys that are not in the file.
        BatchRowAnswer[] keyless = [.. (await ListAsync(batch)).Where(row => !applicants.Good[row.Row].HasCsr)];
        await Parallel.ForEachAsync(keyless, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = _patience.Token }, async (row, _) =>
        {
            string path = $"/enrollments/{row.Enrollment}";
            EnrollmentAnswer draft = await UntilAsync(() => Counter.GetAsync<EnrollmentAnswer>(Counter.City, path));
            var key = new CsrRequest { Version = draft.Version, Csr = CaScene.Csr(applicants.Good[row.Row].Key!) };
            await AskAsync(id => Counter.PutAsync<EnrollmentAnswer>(Counter.City, $"{path}/csr", key, id));
        });

        // Step 3: two signatures, and what the CA says to them.
        await DecideAsync(batch, Counter.City, ApprovalStep.Entry, "entry", "submission");
        await DecideAsync(batch, Counter.CityReviewer, ApprovalStep.Review, "review", "review");
        BatchAnswer now;
        while ((now = await ShowAsync(batch)).States.GetValueOrDefault("issued") != applicants.Good.Count)
        {
            Assert.Equal(0, now.States.GetValueOrDefault("returned"));
            await Task.Delay(Look, _patience.Token);
        }
    }

    public void Dispose() => _patience.Dispose();

    private async Task DecideAsync(string batch, StageOfficer officer, ApprovalStep step, string name, string path)
    {
        var read = new List<BatchApplicationAnswer>();
        for (long? after = 0; after is not null;)
        {
            BatchApplicationPage page = await UntilAsync(() => Counter.GetAsync<BatchApplicationPage>(officer, $"/batches/{batch}/applications?step={name}&after={after}&rows=100"));
            read.AddRange(page.Applications);
            after = page.Next;
        }

        Assert.Equal(applicants.Good.Keys, read.Select(each => each.Row));
        byte[] approval = Der.Encode(ApprovalSigning.Sign(
            ApprovalSigning.Build(step, [.. read.Select(each => Der.Decode<Application>(each.Application))], TimeProvider.System.GetUtcNow()), officer.Key, officer.Certificate));
        await AskAsync(id => Counter.PostAsync<BatchAnswer>(officer, $"/batches/{batch}/{path}", new BatchDecisionRequest { Approval = approval }, id));
        await EndAsync(batch, path);
    }

    private async Task EndAsync(string batch, string kind)
    {
        BatchTaskAnswer task;
        while ((task = (await ShowAsync(batch)).Tasks[^1]).State == "running")
        {
            await Task.Delay(Look, _patience.Token);
        }

        Assert.Equal((kind, "done", null), (task.Kind, task.State, task.Reason));
    }

    private async Task<IReadOnlyList<BatchRowAnswer>> ListAsync(string batch)
    {
        var rows = new List<BatchRowAnswer>();
        for (long? after = 0; after is not null;)
        {
            BatchRowPage page = await UntilAsync(() => Counter.GetAsync<BatchRowPage>(Counter.City, $"/batches/{batch}/rows?after={after}&rows=100"));
            rows.AddRange(page.Rows);
            after = page.Next;
        }

        return rows;
    }

    private Task<BatchAnswer> ShowAsync(string batch) => UntilAsync(() => Counter.GetAsync<BatchAnswer>(Counter.City, $"/batches/{batch}"));

    /// <param name="send">Given the request's id.</param>
    private Task<T> AskAsync<T>(Func<RequestId, Task<T>> send)
    {
        var id = RequestId.Create(TimeProvider.System);
        return UntilAsync(() => send(id));
    }

    /// <summary>Again while the RA is away or busy with it.</summary>
    private Task<T> UntilAsync<T>(Func<Task<T>> call) => SignedCalls.UntilAnsweredAsync(call, _patience.Token);
}
