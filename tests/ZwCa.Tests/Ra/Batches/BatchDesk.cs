using System.Collections.Concurrent;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;
using ZwCa.Officers;
using ZwCa.Ra.Batches;

namespace ZwCa.Tests.Ra.Batches;

/// <summary>Who works with batches: makes them, reads all of what is to be signed, signs once, and waits until it is done.</summary>
internal sealed class BatchDesk(RaStage stage) : IDisposable
{
    /// <summary>By the enrollment that each was made for.</summary>
    private readonly ConcurrentDictionary<string, Sm2PrivateKey> _keys = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A draft, for a key of its own.</summary>
    public async Task<EnrollmentAnswer> TakeInAsync(Func<Sm2PrivateKey, EnrollmentRequest> request)
    {
        var key = Sm2PrivateKey.Generate();
        EnrollmentAnswer draft = await stage.TakeInAsync(request(key));
        _keys[draft.Id] = key;
        return draft;
    }

    /// <summary>What was issued comes to the tokens that it was applied for with.</summary>
    public async Task HandOutAsync(params IReadOnlyList<EnrollmentAnswer> drafts)
    {
        foreach (EnrollmentAnswer draft in drafts)
        {
            if ((await stage.ShowAsync(draft)).Certificates.Count == 1)
            {
                await stage.FetchAsync(draft, _keys[draft.Id]);
            }
            else
            {
                (_, _, Sm2PrivateKey encryption) = await stage.DeliverAsync(draft, _keys[draft.Id]);
                encryption.Dispose();
            }
        }
    }

    public async Task<SubscriberAnswer> OrganizationAsync(string name = "福州市档案局") => await stage.PostAsync<SubscriberAnswer>(
        stage.City, "/subscribers", new SubscriberRequest { Kind = "organization", Region = CaScene.City, Name = name, Number = RaCounter.NewCreditCode() });

    /// <summary>Of the organisation, for the certificate of a server.</summary>
    public async Task<EnrollmentAnswer> ServerAsync(SubscriberAnswer organization, AgentRequest? agent = null)
    {
        string host = $"{Guid.NewGuid():N}.example.gov.cn";
        SubscriberAnswer server = await stage.PostAsync<SubscriberAnswer>(
            stage.City, "/subscribers", new SubscriberRequest { Kind = "device", Region = CaScene.City, Name = "门户网站", Number = host, Organization = organization.Id });
        return await TakeInAsync(key => RaCounter.NewRequest(server.Id, key, "tls") with { AlternativeNames = [$"DNS:{host}"], Days = 90, Agent = agent ?? RaCounter.Agent() });
    }

    /// <summary>Drafts of one organisation's servers.</summary>
    public async Task<BatchAnswer> OfServersAsync(int rows, SubscriberAnswer? organization = null) => await OfAsync(await ServersAsync(rows, organization));

    public async Task<EnrollmentAnswer[]> ServersAsync(int rows, SubscriberAnswer? organization = null)
    {
        organization ??= await OrganizationAsync();
        AgentRequest agent = RaCounter.Agent();
        var drafts = new EnrollmentAnswer[rows];
        await Parallel.ForAsync(0, rows, new ParallelOptions { MaxDegreeOfParallelism = 6, CancellationToken = Token }, async (i, _) => drafts[i] = await ServerAsync(organization, agent));
        return drafts;
    }

    /// <summary>These, as if they had come of a file.</summary>
    public async Task<BatchAnswer> OfAsync(params IReadOnlyList<EnrollmentAnswer> drafts)
    {
        BatchAnswer batch = await stage.PostAsync<BatchAnswer>(stage.City, "/batches", new BatchRequest { Kind = "import", Region = CaScene.City, Title = "测试批次" });
        await stage.Database.WriteAsync(
            transaction => BatchStore.AddRowsAsync(
                transaction, Convert.FromHexString(batch.Id), [.. drafts.Select((each, i) => new BatchRow { RowNumber = i + 1, EnrollmentId = Convert.FromHexString(each.Id) })]),
            Token);
        return await ShowAsync(batch);
    }

    /// <summary>And waits for its drafts.</summary>
    public async Task<BatchAnswer> OpenAsync(BatchRequest request, StageOfficer? who = null) => await UntilIdleAsync(await stage.PostAsync<BatchAnswer>(who ?? stage.City, "/batches", request));

    public Task<BatchAnswer> ShowAsync(BatchAnswer batch) => stage.GetAsync<BatchAnswer>(stage.Province, $"/batches/{batch.Id}");

    /// <summary>Page after page.</summary>
    public async Task<IReadOnlyList<BatchApplicationAnswer>> ReadAsync(StageOfficer officer, BatchAnswer batch, ApprovalStep step, int rows = 25)
    {
        var read = new List<BatchApplicationAnswer>();
        long after = 0;
        while (true)
        {
            BatchApplicationPage page = await stage.GetAsync<BatchApplicationPage>(officer, $"/batches/{batch.Id}/applications?step={NameOf(step)}&after={after}&rows={rows}");
            read.AddRange(page.Applications);
            if (page.Next is not { } next)
            {
                return read;
            }

            after = next;
        }
    }

    public byte[] Sign(StageOfficer officer, ApprovalStep step, IEnumerable<BatchApplicationAnswer> applications, DateTimeOffset? at = null) => Der.Encode(ApprovalSigning.Sign(
        ApprovalSigning.Build(step, [.. applications.SelectMany(each => new[] { each.Application, each.Following }).OfType<byte[]>().Select(each => Der.Decode<Application>(each))], at ?? stage.Time.GetUtcNow()),
        officer.Key,
        officer.Certificate));

    public Task<BatchAnswer> SendAsync(StageOfficer officer, BatchAnswer batch, ApprovalStep step, byte[] approval) => stage.PostAsync<BatchAnswer>(
        officer, $"/batches/{batch.Id}/{(step == ApprovalStep.Entry ? "submission" : "review")}", new BatchDecisionRequest { Approval = approval });

    /// <summary>Reads it, signs it and sends it.</summary>
    /// <returns>When it is done.</returns>
    public async Task<BatchAnswer> DecideAsync(StageOfficer officer, BatchAnswer batch, ApprovalStep step) =>
        await UntilIdleAsync(await SendAsync(officer, batch, step, Sign(officer, step, await ReadAsync(officer, batch, step))));

    /// <summary>Both, and what the CA says to it.</summary>
    public async Task<BatchAnswer> IssueAsync(BatchAnswer batch, string state = "issued")
    {
        await DecideAsync(stage.City, batch, ApprovalStep.Entry);
        return await UntilAsync(await DecideAsync(stage.CityReviewer, batch, ApprovalStep.Review), now => now.States.GetValueOrDefault("issuing") == 0 && now.States.ContainsKey(state));
    }

    public Task<BatchAnswer> UntilIdleAsync(BatchAnswer batch) => UntilAsync(batch, now => now.Tasks.All(task => task.State != "running"));

    public async Task<BatchAnswer> UntilAsync(BatchAnswer batch, Func<BatchAnswer, bool> reached)
    {
        for (int i = 0; i < 6000; i++)
        {
            BatchAnswer now = await ShowAsync(batch);
            if (reached(now))
            {
                return now;
            }

            await Task.Delay(20, Token);
        }

        throw new TimeoutException(stage.Log);
    }

    public Task<BatchRowPage> RefusalsAsync(BatchAnswer batch, int? task = null) =>
        stage.GetAsync<BatchRowPage>(stage.City, $"/batches/{batch.Id}/rows?task={task ?? batch.Tasks[^1].Number}");

    public void Dispose()
    {
        foreach (Sm2PrivateKey key in _keys.Values)
        {
            key.Dispose();
        }
    }

    private static string NameOf(ApprovalStep step) => step == ApprovalStep.Entry ? "entry" : "review";
}
