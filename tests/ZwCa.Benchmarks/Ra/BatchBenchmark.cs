using System.Diagnostics;
using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;

namespace ZwCa.Benchmarks;

/// <summary>
/// One officer's signature over the drafts of a batch, and another's: rows a second that are submitted, and approved, each with its own transaction, by the RA as in <see cref="ImportBenchmark"/>. Another
/// level has to review them afterwards: so nothing is issued meanwhile.
/// </summary>
internal static class BatchBenchmark
{
    public const int RowsByDefault = 10_000;

    private const int RowsOfPage = 100;

    public static async Task<int> RunAsync(int rows)
    {
        Machine.Print("all processes share the cores");
        await using BatchMachine machine = await BatchMachine.StartAsync();
        await machine.Ra.StartAsync();
        await machine.Ra.WaitForCaAsync();
        RaCounter counter = machine.Ra.Counter;
        var applicants = new ApplicantsOfFile(0, rows, WithKeys: true, OrganizationsToo: false, Profile: "个人双证书（两级审核）");
        (string batch, BatchTaskAnswer check, BatchTaskAnswer make) = await applicants.ImportAsync(counter);
        Print("checked, with keys", BatchMachine.Rate(check, rows));
        Print("drafts made, with keys", BatchMachine.Rate(make, rows));
        await DecideAsync(counter, counter.City, batch, rows, ApprovalStep.Entry, "submission", "submitted");
        await DecideAsync(counter, counter.CityReviewer, batch, rows, ApprovalStep.Review, "review", "reviewed");
        return 0;
    }

    /// <summary>Reads all of it page after page, signs once, and waits until it is done.</summary>
    private static async Task DecideAsync(RaCounter counter, StageOfficer officer, string batch, int rows, ApprovalStep step, string path, string state)
    {
        var clock = Stopwatch.StartNew();
        var applications = new List<Application>(rows);
        for (long? after = 0; after is not null;)
        {
            BatchApplicationPage page = await counter.GetAsync<BatchApplicationPage>(
                officer, $"/batches/{batch}/applications?step={(step == ApprovalStep.Entry ? "entry" : "review")}&after={after}&rows={RowsOfPage}");
            applications.AddRange(page.Applications.Select(each => Der.Decode<Application>(each.Application)));
            after = page.Next;
        }

        Print($"read for {path}", applications.Count / clock.Elapsed.TotalSeconds);
        byte[] approval = Der.Encode(ApprovalSigning.Sign(ApprovalSigning.Build(step, applications, counter.Time.GetUtcNow()), officer.Key, officer.Certificate));
        await counter.PostAsync<BatchAnswer>(officer, $"/batches/{batch}/{path}", new BatchDecisionRequest { Approval = approval });
        Print(state, BatchMachine.Rate(await counter.UntilEndedAsync(officer, batch, ApplicantsOfFile.Look), rows));
        BatchAnswer now = await counter.GetAsync<BatchAnswer>(officer, $"/batches/{batch}");
        if (now.States.GetValueOrDefault(state) != rows)
        {
            throw new InvalidOperationException($"{now.States.GetValueOrDefault(state)} of {rows} are {state}.");
        }
    }

    private static void Print(string what, double rate) => Console.WriteLine($"{what + ", rows/s",-34} {rate.ToString("N0", CultureInfo.InvariantCulture),10}");
}
