using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.Tests.Ca.Registrations;
using ZwCa.Tests.Ra.Batches.Import;

namespace ZwCa.Tests.Ra.Routes;

/// <summary>An RA with something of the county behind every route, and somebody for every role.</summary>
public sealed class RouteFixture : IAsyncLifetime
{
    private const string OtherCityCode = "350200";

    private readonly Dictionary<Visitor, StageOfficer> _officers = [];
    private readonly List<IDisposable> _own = [];

    internal RaStage Stage { get; private set; } = null!;

    /// <summary>What nobody of another city gets to see.</summary>
    internal IReadOnlyList<string> Hidden { get; private set; } = null!;

    private EnrollmentAnswer Enrollment { get; set; } = null!;

    private CertificateName Certificate { get; set; } = null!;

    private string Subscriber { get; set; } = "";

    private IdNumber Number { get; } = CaScene.NewIdNumber();

    private string Evidence { get; set; } = "";

    private string Command { get; set; } = "";

    /// <summary>Of which drafts were made.</summary>
    private string Batch { get; set; } = "";

    public async ValueTask InitializeAsync()
    {
        Stage = await RaStage.StartAsync();
        CaStage ca = Stage.Ca;
        await ca.DecideAsync(ca.Scene.Super, ca.Scene.Audit, OfficerActions.RegisterRegion, OtherCityCode, Der.Encode(new RegionEntry(OtherCityCode, CaScene.Province, "厦门市")));
        StageOfficer other = await ca.OfficerAsync(RoleCatalogue.BusinessOperator, OtherCityCode, "林厦");
        await RaWaiting.UntilKnownAsync(Stage, other);
        (_officers[Visitor.County], _officers[Visitor.City], _officers[Visitor.Province]) = (Stage.County, Stage.City, Stage.Province);
        (_officers[Visitor.OtherCity], _officers[Visitor.Administrator], _officers[Visitor.Auditor]) = (other, Stage.Administrator, Stage.Auditor);

        // Something issued; something submitted with evidence; a command.
        Subscriber = await Stage.PersonAsync(CaScene.County, number: Number);
        EnrollmentAnswer issued = await Stage.IssueAsync(RaStage.NewRequest(Subscriber, Stage.Pairs.NewKey(), region: CaScene.County), Stage.County);
        Certificate = issued.Certificates[0];
        EnrollmentAnswer draft = await Stage.TakeInAsync(RaStage.NewRequest(Subscriber, Stage.Pairs.NewKey(), region: CaScene.County), Stage.County);
        using HttpRequestMessage upload = Upload(draft.Id, "%PDF-1.4\n%%EOF"u8.ToArray());
        using HttpResponseMessage uploaded = await Stage.ClientOf(Stage.County).SendAsync(upload);
        await uploaded.ThrowIfRefusedAsync();
        Evidence = (await uploaded.Content.ReadFromJsonAsync<EvidenceAnswer>(JsonSerializerOptions.Web))!.Hash;
        Enrollment = await Stage.SubmitAsync(await Stage.ShowAsync(draft), Stage.County);
        (CommandProposal proposal, Command) = Propose(Stage.Administrator);
        await Stage.PostAsync<CommandAnswer>(Stage.Administrator, "/commands", proposal);
        Batch = await ImportAsync();
        Hidden = [Enrollment.Id, issued.Id, Subscriber, Certificate.Serial, Command, Batch];
    }

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        if (Stage is not null)
        {
            await Stage.DisposeAsync();
        }
    }

    internal StageOfficer OfficerOf(Visitor visitor) => _officers[visitor];

    /// <summary>Somebody's link, with somebody's signature or none.</summary>
    internal HttpClient Client(X509Certificate2 link, StageOfficer? signer)
    {
        HttpClient client = LinkTls.CreateClient(
            Stage.Address,
            () => link,
            LinkTrust.Load(Path.Combine(Stage.Ca.Scene.Folder, "system-ca.pem"), TimeProvider.System),
            TimeSpan.FromMinutes(1),
            signer is null ? null : new MessageSigningHandler(new MessageSigner(signer.SerialNumber, signer.Key), RaScene.ServiceName, TimeProvider.System));
        _own.Add(client);
        return client;
    }

    /// <summary>A link that the RA knows as that of another service.</summary>
    internal async Task<X509Certificate2> ServiceLinkAsync(ClientKind kind)
    {
        X509Certificate2 link = await Stage.Ca.IssueLinkAsync($"some-{kind.ToString().ToLowerInvariant()}");
        await Stage.App.Services.GetRequiredService<ClientStore>().RegisterAsync(CaScene.Actor, link, $"some-{kind.ToString().ToLowerInvariant()}", kind);
        return link;
    }

    /// <summary>A request that holds but for who sends it; as far as it has to be right, it is.</summary>
    internal HttpRequestMessage Request(string route, StageOfficer who)
    {
        string[] parts = route.Split(' ');
        string path = parts[1].Replace("{issuer}", Certificate.Issuer, StringComparison.Ordinal).Replace("{serial}", Certificate.Serial, StringComparison.Ordinal)
            .Replace("{hash}", Evidence, StringComparison.Ordinal)
            .Replace("{id}", parts[1].Split('/')[1] switch { "commands" => Command, "subscribers" => Subscriber, "batches" => Batch, _ => Enrollment.Id }, StringComparison.Ordinal);
        if (route == "POST /enrollments/{id}/evidence")
        {
            return Upload(Enrollment.Id, "%PDF-1.5\n%%EOF"u8.ToArray());
        }

        if (route == "PUT /batches/{id}/file")
        {
            return RaCounter.FileOf(Batch, ApplicantText.File(ApplicantText.Person(1)));
        }

        object? body = route switch
        {
            "PUT /enrollments/{id}/csr" => new CsrRequest { Version = Enrollment.Version, Csr = CaScene.Csr(Stage.Pairs.NewKey()) },
            "POST /batches" => new BatchRequest { Kind = "import", Region = CaScene.County, Title = "新办" },
            "POST /batches/{id}/checking" or "POST /batches/{id}/making" => new { },
            "POST /batches/{id}/submission" or "POST /batches/{id}/review" => new BatchDecisionRequest { Approval = [] },
            "POST /batches/{id}/cancellation" => new StepRequest { Version = 1, Reason = "不办了" },
            "POST /commands" => Propose(who).Proposal,
            "POST /subscribers" => new SubscriberRequest { Kind = "person", Region = CaScene.County, Name = "张三", Number = CaScene.NewIdNumber().Reveal() },
            "POST /subscribers/search" => new SubscriberSearch { Kind = "person", Number = Number.Reveal() },
            "PUT /subscribers/{id}" => new SubscriberRequest { Kind = "person", Region = CaScene.County, Name = "张三", Version = 999 },
            "POST /enrollments" => RaStage.NewRequest(Subscriber, Stage.Pairs.NewKey(), region: CaScene.County),
            "PUT /enrollments/{id}" => RaStage.NewRequest(Subscriber, Stage.Pairs.NewKey(), region: CaScene.County) with { Version = Enrollment.Version },
            "POST /enrollments/{id}/submission" => new SubmissionRequest { Version = Enrollment.Version, Approval = [1] },
            "POST /enrollments/{id}/review" => new ReviewRequest { Version = Enrollment.Version, Outcome = "approved", Approval = [1] },
            "POST /enrollments/{id}/cancellation" => new StepRequest { Version = 999, Reason = "不办了" },
            "POST /enrollments/{id}/archiving" => new StepRequest { Version = Enrollment.Version },
            "POST /enrollments/{id}/delivery/challenge" => new { },
            "POST /enrollments/{id}/delivery" => new DeliveryRequest { Proof = [1] },
            "POST /enrollments/{id}/receipt" => new PairReceipt { Receipt = [1] },
            _ => null,
        };
        string query = route == "GET /certificates" ? $"?subscriber={Subscriber}" : "";
        return WithId(new HttpRequestMessage(new HttpMethod(parts[0]), path + query) { Content = body is null ? null : JsonContent.Create(body, body.GetType(), options: JsonSerializerOptions.Web) });
    }

    private static HttpRequestMessage Upload(string enrollment, byte[] file)
    {
        var content = new ByteArrayContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/pdf");
        return WithId(new HttpRequestMessage(HttpMethod.Post, $"/enrollments/{enrollment}/evidence?title={Uri.EscapeDataString("身份证")}") { Content = content });
    }

    /// <summary>A batch of the county that has its drafts, and is given up: nothing more can be done with it.</summary>
    private async Task<string> ImportAsync()
    {
        BatchAnswer batch = await Stage.PostAsync<BatchAnswer>(Stage.County, "/batches", new BatchRequest { Kind = "import", Region = CaScene.County, Title = "新办" });
        await Stage.PutFileAsync(Stage.County, batch.Id, ApplicantText.File(ApplicantText.Person(1, region: CaScene.County)));
        await Stage.UntilEndedAsync(Stage.County, batch.Id);
        await Stage.PostAsync<BatchAnswer>(Stage.County, $"/batches/{batch.Id}/making", new { });
        await Stage.UntilEndedAsync(Stage.County, batch.Id);
        await Stage.PostAsync<BatchAnswer>(Stage.County, $"/batches/{batch.Id}/cancellation", new StepRequest { Version = 1, Reason = "不办了" });
        return batch.Id;
    }

    private static HttpRequestMessage WithId(HttpRequestMessage request)
    {
        MessageSigningHandler.SetRequestId(request, RequestId.Create(TimeProvider.System));
        return request;
    }

    /// <summary>To confirm an officer of the county in his office: what administrators propose.</summary>
    private (CommandProposal Proposal, string Id) Propose(StageOfficer who)
    {
        Application application = StageCommands.Command(OfficerActions.Recertify, CaScene.County, Der.Encode(new OfficerChange(Stage.County.SerialNumber, "年审")));
        return (new CommandProposal { Application = Der.Encode(application), Approval = Der.Encode(Stage.Ca.Sign(who, ApprovalStep.Entry, application)) }, application.EnrollmentId);
    }
}
