using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ZwCa.Admin.Ceremony;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;

namespace ZwCa.Admin.Demo;

/// <summary>The province's RA as a process of its own, and its clerks who take an application in, decide about it and hand out.</summary>
internal sealed class DemoRa : IAsyncDisposable
{
    public const string Name = "ra-35";

    /// <summary>With its keys.</summary>
    public const string Device = "service";

    private const string Profile = "person";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DemoService _service;

    private DemoRa(DemoService service, IPEndPoint endPoint, string tracking)
    {
        _service = service;
        EndPoint = endPoint;
        Tracking = new Uri($"http://{tracking}");
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Its listener for its operators.</summary>
    public Uri Management => _service.Management;

    /// <summary>Where applicants look up their numbers.</summary>
    public Uri Tracking { get; }

    /// <summary>With the name in its link certificate.</summary>
    public Uri Address => new($"https://{Name}.zwca.internal:{EndPoint.Port}");

    /// <summary>As its operator begins: its papers, its keys, and the requests for its certificates.</summary>
    /// <param name="folder">With a new one for the papers.</param>
    public static async Task<RaPapers> RequestAsync(DemoCeremony ceremony, DirectoryInfo folder, string region)
    {
        var written = new JsonObject
        {
            ["name"] = Name,
            ["region"] = region,
            ["tracking"] = DemoService.FreeEndPoint().ToString(),
            ["profiles"] = new JsonObject
            {
                [Profile] = new JsonObject
                {
                    ["Title"] = "个人双证书", ["Subscriber"] = "Person", ["Certificate"] = "person-signing", ["Encryption"] = "person-encryption", ["Issuer"] = "issuing-s1", ["Days"] = 365, ["Evidence"] = 1,
                },
            },
        };
        string file = Path.Combine(folder.CreateSubdirectory("ra-papers").FullName, $"{Name}.json");
        await File.WriteAllTextAsync(file, written.ToJsonString());
        var papers = RaPapers.Read(file);
        await RaKeys.RequestAsync(papers, ceremony.Device(Device), Environment.GetEnvironmentVariable(CeremonyRun.LinkPasswordVariable), _ => { }, CancellationToken.None);
        return papers;
    }

    /// <summary>Configures it with what officers gave it, and starts it.</summary>
    /// <param name="ca">Where the CA listens.</param>
    /// <param name="folder">For its configuration and records.</param>
    /// <param name="papers">With its certificates.</param>
    /// <exception cref="DemoException">It did not come up.</exception>
    public static async Task<DemoRa> StartAsync(DemoCeremony ceremony, DirectoryInfo folder, Uri ca, RaPapers papers)
    {
        IPEndPoint listen = DemoService.FreeEndPoint();
        IPEndPoint management = DemoService.FreeEndPoint();
        string target = Path.Combine(folder.FullName, "ra");
        string config = RaServiceSettings.Write(
            new CeremonyFolder(ceremony.Output),
            papers,
            Device,
            new ServicePlace
            {
                Listen = listen.ToString(),
                Management = management.ToString(),
                Ca = $"https://localhost:{ca.Port}",
                ConnectionString = $"Data Source={Path.Combine(target, "ra.db")}",
                Mode = "Demo",
            },
            target);
        var ra = new DemoRa(new DemoService("ra", config, listen, management), listen, papers.Tracking!);
        try
        {
            ra._service.Run("migrate");
            await ra._service.StartAsync();
            DemoCommand.Report($"zwca-ra runs as process {ra._service.ProcessId}: its officers come from the CA's directory, its requests wait in an outbox until the CA has answered", true);
            return ra;
        }
        catch
        {
            await ra.DisposeAsync();
            throw;
        }
    }

    /// <summary>From the counter to the token: 李四 takes in, 王五 reviews, the token proves that it has the key, and signs the receipt.</summary>
    /// <param name="entry">With a link to this RA.</param>
    /// <param name="review">Likewise.</param>
    /// <returns>Whether all came out as it should.</returns>
    public async Task<bool> ShowAsync(DemoParty entry, DemoParty review, DirectoryInfo folder, string region)
    {
        // Step 1: the applicant, his token's request, a scan.
        using DemoSubscriber token = DemoSubscriber.Create(new DirectoryInfo(Path.Combine(folder.FullName, "qian-qi")), "钱七");
        SubscriberAnswer person = await UntilKnownAsync(() => entry.PostAsync<SubscriberAnswer>(
            "/subscribers", new SubscriberRequest { Kind = "person", Region = region, Name = "钱七", Number = "110101197001010091" }));
        EnrollmentAnswer draft = await UntilKnownAsync(() => entry.PostAsync<EnrollmentAnswer>(
            "/enrollments", new EnrollmentRequest { Kind = "new", Region = region, Profile = Profile, Subscriber = person.Id, Csr = Der.Encode(token.Request()) }));
        await entry.UploadAsync<EvidenceAnswer>($"/enrollments/{draft.Id}/evidence?title={Uri.EscapeDataString("申请表")}", Scan(), "application/pdf");
        bool good = DemoCommand.Report($"李四 takes 钱七's application in ({person.Name}, {person.Number}), with a scan of the form; tracking number {draft.TrackingNumber}", draft.State == "draft");

        // Step 2: entry and review; nobody does both.
        draft = await entry.GetAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}");
        Application application = await ApplicationAsync(entry, draft);
        EnrollmentAnswer submitted = await entry.PostAsync<EnrollmentAnswer>(
            $"/enrollments/{draft.Id}/submission", new SubmissionRequest { Version = draft.Version, Approval = entry.Sign(ApprovalStep.Entry, application) });
        var own = new ReviewRequest { Version = submitted.Version, Outcome = "approved", Approval = entry.Sign(ApprovalStep.Review, application) };
        good &= await RefusedAsync("李四 reviews what he entered himself", () => entry.PostAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}/review", own));
        Application seen = await ApplicationAsync(review, draft);
        await review.PostAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}/review", own with { Approval = review.Sign(ApprovalStep.Review, seen) });
        EnrollmentAnswer issued = await UntilAsync(entry, draft, "issued");
        good &= DemoCommand.Report($"王五 approves; the outbox asks the CA, which verifies both officers: certificates {string.Join(" and ", issued.Certificates.Select(each => each.Serial))}", issued.Certificates.Count == 2);

        // Step 3: handing out.
        DeliveryChallenge challenge = await entry.PostAsync<DeliveryChallenge>($"/enrollments/{draft.Id}/delivery/challenge", new { });
        byte[] proof = token.Sign([.. Encoding.ASCII.GetBytes("ZWCA-DELIVERY1"), .. Encoding.ASCII.GetBytes(draft.Id), .. challenge.Challenge]);
        DeliveryAnswer delivery = await entry.PostAsync<DeliveryAnswer>($"/enrollments/{draft.Id}/delivery", new DeliveryRequest { Proof = proof });
        PairAnswer pair = delivery.Pair ?? throw new DemoException("The RA handed out no pair.");
        await entry.PostAsync<EnrollmentAnswer>($"/enrollments/{draft.Id}/receipt", token.Import(pair, pair.Signing));
        EnrollmentAnswer delivered = await UntilAsync(entry, draft, "delivered");
        return good & DemoCommand.Report("the token proves that it has the signing key, gets the pair, and signs the receipt: delivered, and nobody keeps the envelope", delivered.State == "delivered");
    }

    /// <summary>Ends the service in order.</summary>
    public void Stop() => _service.Stop();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private static async Task<Application> ApplicationAsync(DemoParty officer, EnrollmentAnswer enrollment) =>
        Der.Decode<Application>((await officer.GetAsync<ApplicationAnswer>($"/enrollments/{enrollment.Id}/application")).Application);

    private static async Task<bool> RefusedAsync(string attempt, Func<Task> action)
    {
        try
        {
            await action();
            return DemoCommand.Report($"{attempt}: should have been refused", false);
        }
        catch (RefusalException e)
        {
            return DemoCommand.Report($"{attempt}: refused ({e.Kind}: {e.Message})", true);
        }
    }

    /// <summary>Officers and profiles reach the RA a moment after the CA has them.</summary>
    private static async Task<T> UntilKnownAsync<T>(Func<Task<T>> ask)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (RefusalException e) when (e.Kind is Refusal.BadSignature or Refusal.LinkNotTrusted or Refusal.UnknownProfile or Refusal.OutOfScope && clock.Elapsed < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    private static async Task<EnrollmentAnswer> UntilAsync(DemoParty officer, EnrollmentAnswer enrollment, string state)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        EnrollmentAnswer now;
        while ((now = await officer.GetAsync<EnrollmentAnswer>($"/enrollments/{enrollment.Id}")).State != state)
        {
            if (clock.Elapsed > Patience || now.State is "returned" or "rejected")
            {
                throw new DemoException($"The enrollment is {now.State} ({now.Reason}), not {state}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }

        return now;
    }

    /// <summary>A page with nothing on it.</summary>
    private static byte[] Scan() => Encoding.ASCII.GetBytes(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n"
        + "trailer<</Root 1 0 R>>\n%%EOF\n");
}
