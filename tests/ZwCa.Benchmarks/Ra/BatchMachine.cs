using System.Text;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Benchmarks;

/// <summary>RA, CA and KMC as processes, for batches of which nothing is issued.</summary>
internal sealed class BatchMachine : IAsyncDisposable
{
    private readonly CaProcess _ca;

    private BatchMachine(CaProcess ca, RaProcess ra)
    {
        _ca = ca;
        Ra = ra;
    }

    /// <summary>Not started.</summary>
    public RaProcess Ra { get; }

    public static async Task<BatchMachine> StartAsync()
    {
        // Its stock of keys stays as small as it can be.
        var kmc = new KmcProcess(new Dictionary<string, string?> { ["Kmc:Pool:Threshold"] = "1", ["Kmc:Pool:Full"] = "2", ["Kmc:PoolLook"] = "01:00:00" });
        var ra = new RaProcess();
        CaProcess ca = await CaProcess.CreateAsync(new CaProcessSetup { RaProfiles = RaScene.Profiles, Inside = kmc, Prepare = kmc.PrepareAsync, Fill = ra.PrepareAsync });
        var machine = new BatchMachine(ca, ra);
        try
        {
            await kmc.AdmitAsync();
            await kmc.StartAsync();
            await ca.StartAsync();
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <returns>Rows a second of a task that is done, with none refused.</returns>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public static double Rate(BatchTaskAnswer task, int rows) => task.State == "done" && task.Done == rows
        ? rows / (task.EndedAt!.Value - task.StartedAt).TotalSeconds
        : throw new InvalidOperationException($"{task.Kind} is {task.State}: {task.Done} of {rows} rows, {task.Reason}");

    public async ValueTask DisposeAsync()
    {
        await Ra.DisposeAsync();
        await _ca.DisposeAsync();
    }
}

/// <summary>A file of persons, with one organisation before those who work there, and so on.</summary>
/// <param name="First">Of applicants that nobody has imported yet.</param>
/// <param name="WithKeys">Whether each person has a request.</param>
/// <param name="OrganizationsToo">Otherwise all are persons.</param>
/// <param name="Profile">Of the persons.</param>
internal sealed record ApplicantsOfFile(int First, int Rows, bool WithKeys, bool OrganizationsToo = true, string Profile = "个人双证书")
{
    /// <summary>Persons that work for one organisation.</summary>
    private const int Staff = 100;

    /// <summary>As a clerk's program asks: each answer counts the batch's enrollments.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <returns>The batch's id, and both tasks, ended.</returns>
    public async Task<(string Batch, BatchTaskAnswer Check, BatchTaskAnswer Make)> ImportAsync(RaCounter counter)
    {
        byte[] file = MakeFile();
        string batch = (await counter.PostAsync<BatchAnswer>(counter.City, "/batches", new BatchRequest { Kind = "import", Region = CaScene.City, Title = "新办", Rows = Rows })).Id;
        await counter.PutFileAsync(counter.City, batch, file);
        BatchTaskAnswer check = await counter.UntilEndedAsync(counter.City, batch, Look);
        await counter.PostAsync<BatchAnswer>(counter.City, $"/batches/{batch}/making", new { });
        return (batch, check, await counter.UntilEndedAsync(counter.City, batch, Look));
    }

    private byte[] MakeFile()
    {
        var codes = new HashSet<string>();
        while (codes.Count < 1 + (Rows / Staff))
        {
            codes.Add(RaCounter.NewCreditCode());
        }

        string[] organizations = [.. codes];
        return Encoding.UTF8.GetBytes(ApplicantText.Text(ParallelEnumerable.Range(0, Rows).AsOrdered().Select(i => OrganizationsToo && i % Staff == 0
            ? ApplicantText.Organization(organizations[i / Staff], "某市某局", 5_000_000 + (i / Staff))
            : ApplicantText.Person(
                First + i, "欧阳志远", organization: OrganizationsToo ? organizations[i / Staff] : "", departments: OrganizationsToo ? "办公室；一科" : "", profile: Profile, csr: WithKeys ? NewCsr() : ""))));
    }

    private static string NewCsr()
    {
        using var key = Sm2PrivateKey.Generate();
        return Convert.ToBase64String(CaScene.Csr(key));
    }
}
