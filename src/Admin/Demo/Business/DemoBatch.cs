using System.Diagnostics;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>Hundreds at once: a file of applicants, keys in their tokens, one signature of each officer, and everybody gets his own. Wherever it was interrupted, it goes on.</summary>
internal sealed class DemoBatch(DemoClerks clerks, DemoState state, SubscriberTokens tokens, OutputFolder output)
{
    private const string Name = "batch";
    private const int AtOnce = 8;
    private const int PageRows = 500;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly ParallelOptions Parallelism = new() { MaxDegreeOfParallelism = AtOnce };

    /// <returns>Its rows that have enrollments.</returns>
    /// <param name="count">Rows of the sample that are in order.</param>
    public async Task<IReadOnlyList<BatchRowAnswer>> RunAsync(int count)
    {
        // Step 1: the file, and what is wrong with it.
        DemoScreen.Open("Import · 批量导入", "A personnel office sends a file. A dry run says of each row whether it will do, and why not; then drafts are made, all of a part or none.");
        byte[] file = SampleApplicants.Write(count);
        output.Write("applicants.csv", file);
        BatchAnswer batch = await OpenAsync(file, count);
        BatchTaskAnswer check = Last(batch, "checking");
        DemoScreen.Report($"{check.Rows} rows were looked at: {check.Done} are in order, {check.Refused} are not", check.Done == count && check.Refused == SampleApplicants.BadRows);
        foreach (BatchRowAnswer refused in (await clerks.Entry.GetAsync<BatchRowPage>($"/batches/{batch.Id}/rows?task={check.Number}")).Rows)
        {
            DemoScreen.Plain($"      第{refused.Row}行：{refused.Reason}");
        }

        output.Write("applicants-rejected.csv", await clerks.Entry.DownloadAsync($"/batches/{batch.Id}/rejects"));
        if (batch.Tasks.All(task => task.Kind != "making"))
        {
            batch = await clerks.Entry.PostAsync<BatchAnswer>($"/batches/{batch.Id}/making", new { }, state.RequestOf($"{Name}/making"));
        }

        batch = await UntilIdleAsync(batch.Id, "drafts are made");
        BatchTaskAnswer made = Last(batch, "making");
        DemoScreen.Report($"drafts of {made.Done} applications; the others came back as applicants-rejected.csv, with the reason in a column", made.Done == count);

        // Step 2: keys, which the approvals will cover.
        DemoScreen.Open("Tokens · 令牌", "Each subscriber's signing key is made in his token and never leaves it; a certification request proves that it is there.");
        await MakeKeysAsync(batch.Id);

        // Step 3: two officers, one signature each.
        DemoScreen.Open("Four eyes · 录入与审核", "李四 answers for what was entered, 王五 for having looked at it: one signature each, over every single application.");
        await DecideAsync(batch.Id, clerks.Entry, ApprovalStep.Entry, "submission", "李四 has entered");
        await DecideAsync(batch.Id, clerks.Review, ApprovalStep.Review, "review", "王五 has approved");

        // Step 4: the CA issues.
        DemoScreen.Open("Issuing · 签发", "The outbox asks the CA, which verifies both officers again; the KMC makes the encryption keys; each event is in the log before the answer.");
        TimeSpan took = await UntilIssuedAsync(batch.Id, count);
        IReadOnlyList<BatchRowAnswer> rows = await RowsAsync(batch.Id);
        DemoScreen.Report($"issued: {DemoScreen.Rate(rows.Count(row => row.State is "issued" or "delivered"), took)}", rows.All(row => row.State is "issued" or "delivered"));

        // Step 5: handing out.
        DemoScreen.Open("Handing out · 领取", "Whoever proves that he has the signing key gets the pair, with his encryption key in an envelope that only his token opens; his receipt ends it.");
        await DeliverAsync(rows);
        rows = await RowsAsync(batch.Id);
        return rows;
    }

    private static BatchTaskAnswer Last(BatchAnswer batch, string kind) => batch.Tasks.LastOrDefault(task => task.Kind == kind) is { State: "done" } done
        ? done
        : throw new DemoException($"The batch: {kind} {batch.Tasks.LastOrDefault()?.State} {batch.Tasks.LastOrDefault()?.Reason}");

    private async Task<BatchAnswer> OpenAsync(byte[] file, int count)
    {
        string? id = state.Find(Name);
        if (id is null)
        {
            BatchAnswer opened = await DemoClerks.UntilKnownAsync(() => clerks.Entry.PostAsync<BatchAnswer>(
                "/batches", new BatchRequest { Kind = "import", Region = DemoInstallation.Province, Title = "演示批次", Rows = count + SampleApplicants.BadRows }, state.RequestOf(Name)));
            id = opened.Id;
            state.Keep(Name, id);
        }

        BatchAnswer batch = await clerks.Entry.GetAsync<BatchAnswer>($"/batches/{id}");
        if (batch.File is null)
        {
            await clerks.Entry.UploadAsync<BatchAnswer>(HttpMethod.Put, $"/batches/{id}/file", file, "text/csv", state.RequestOf($"{Name}/file"));
        }

        return await UntilIdleAsync(id, "the rows are looked at");
    }

    private async Task MakeKeysAsync(string batch)
    {
        HashSet<string> own = [.. (await RowsAsync(batch)).Select(row => row.Enrollment!)];
        List<EnrollmentSummary> drafts = [];
        string? after = null;
        do
        {
            EnrollmentPage page = await clerks.Entry.GetAsync<EnrollmentPage>($"/enrollments?state=draft&rows={PageRows}{(after is null ? "" : $"&after={after}")}");
            drafts.AddRange(page.Enrollments.Where(each => own.Contains(each.Id)));
            after = page.Next;
        }
        while (after is not null);
        TimeSpan took = await DemoScreen.ProgressAsync("keys", drafts.Count, step => Parallel.ForEachAsync(drafts, Parallelism, async (draft, _) =>
        {
            byte[] csr = tokens.Request(draft.Id, draft.Profile == DemoRa.ServerRsa ? TokenKeyKind.Rsa2048 : TokenKeyKind.Sm2);
            await clerks.Entry.PutAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}/csr", new CsrRequest { Version = draft.Version, Csr = csr });
            step();
        }));
        DemoScreen.Report($"keys made and proven: {DemoScreen.Rate(drafts.Count, took)}", true);
    }

    private async Task DecideAsync(string batch, DemoParty officer, ApprovalStep step, string resource, string what)
    {
        var clock = Stopwatch.StartNew();
        int number = 0;
        while (true)
        {
            List<Application> applications = [];
            long? after = null;
            do
            {
                BatchApplicationPage page = await officer.GetAsync<BatchApplicationPage>(
                    $"/batches/{batch}/applications?step={(step == ApprovalStep.Entry ? "entry" : "review")}&rows={PageRows}{(after is null ? "" : $"&after={after}")}");
                foreach (BatchApplicationAnswer each in page.Applications)
                {
                    applications.Add(Der.Decode<Application>(each.Application));
                }

                after = page.Next;
            }
            while (after is not null && applications.Count + PageRows <= TbsApproval.MaxDigests);
            if (applications.Count == 0)
            {
                break;
            }

            await officer.PostAsync<BatchAnswer>($"/batches/{batch}/{resource}", new BatchDecisionRequest { Approval = officer.Sign(step, applications) });
            BatchTaskAnswer done = Last(await UntilIdleAsync(batch, what), resource);
            number += (int)done.Done;
            if (done.Done == 0)
            {
                throw new DemoException($"{resource}: {done.Refused} were refused.");
            }
        }

        DemoScreen.Report($"{what}: {DemoScreen.Rate(number, clock.Elapsed)}", true);
    }

    private async Task<TimeSpan> UntilIssuedAsync(string id, int count) => await DemoScreen.ProgressAsync("issued", count, async step =>
    {
        long shown = 0;
        var clock = Stopwatch.StartNew();
        while (true)
        {
            IReadOnlyDictionary<string, long> states = (await clerks.Entry.GetAsync<BatchAnswer>($"/batches/{id}")).States;
            long done = states.Where(each => each.Key is not ("issuing" or "submitted" or "reviewed")).Sum(each => each.Value);
            for (; shown < done; shown++)
            {
                step();
            }

            if (done == states.Values.Sum())
            {
                return;
            }

            if (clock.Elapsed > DemoClerks.Patience + TimeSpan.FromMilliseconds(100 * count))
            {
                throw new DemoException($"Not all were issued: {string.Join(", ", states.Select(each => $"{each.Key} {each.Value}"))}.");
            }

            await Task.Delay(Pause);
        }
    });

    private async Task DeliverAsync(IReadOnlyList<BatchRowAnswer> rows)
    {
        BatchRowAnswer[] waiting = [.. rows.Where(row => row.State == "issued")];
        TimeSpan took = await DemoScreen.ProgressAsync("handed out", waiting.Length, step => Parallel.ForEachAsync(waiting, Parallelism, async (row, _) =>
        {
            await clerks.DeliverAsync(clerks.Entry, row.Enrollment!, tokens, row.Enrollment!, delivery => output.WriteDelivery(OutputFolder.NumberOf(row.Row), delivery));
            step();
        }));
        foreach (BatchRowAnswer row in waiting)
        {
            await clerks.UntilAsync(row.Enrollment!, now => now.State is "delivered" or "archived");
        }

        DemoScreen.Report($"handed out and signed for: {DemoScreen.Rate(waiting.Length, took)}; neither RA nor CA nor KMC keeps an envelope", true);
    }

    private async Task<IReadOnlyList<BatchRowAnswer>> RowsAsync(string id)
    {
        var rows = new List<BatchRowAnswer>();
        long? after = null;
        do
        {
            BatchRowPage page = await clerks.Entry.GetAsync<BatchRowPage>($"/batches/{id}/rows?rows={PageRows}{(after is null ? "" : $"&after={after}")}");
            rows.AddRange(page.Rows);
            after = page.Next;
        }
        while (after is not null);
        return rows;
    }

    /// <summary>Until nothing is being done with it.</summary>
    private async Task<BatchAnswer> UntilIdleAsync(string id, string what)
    {
        BatchAnswer batch = await clerks.Entry.GetAsync<BatchAnswer>($"/batches/{id}");
        await DemoScreen.ProgressAsync(what, (int)(batch.Tasks.LastOrDefault()?.Rows ?? 100), async step =>
        {
            long shown = 0;
            while (batch.Tasks is [.., { State: "running" } running])
            {
                for (; shown < running.Reached; shown++)
                {
                    step();
                }

                await Task.Delay(Pause);
                batch = await clerks.Entry.GetAsync<BatchAnswer>($"/batches/{id}");
            }
        });
        return batch;
    }
}
