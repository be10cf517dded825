using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Ra;

/// <summary>What was asked of an RA.</summary>
internal sealed record Asked(string Method, string Path, string? RequestId, byte[] Body)
{
    public T Read<T>() => JsonSerializer.Deserialize<T>(Body, JsonSerializerOptions.Web)!;
}

/// <summary>An RA with one enrollment, that answers as a test has it answer, lies included: what an officer's program does with that is what is tested. The real one is in tests/ZwCa.Tests/Ra.</summary>
internal sealed class ScriptedRa : HttpMessageHandler
{
    public const string Id = "0198c0ffee0123456789abcdef012345";
    public const string Subscriber = "0f8fad5bd9cb469fa1650abbcd0f8fad";
    public const string Region = "350102";

    private readonly List<EvidenceAnswer> _evidence = [];
    private EnrollmentRequest? _request;

    public List<Asked> Asked { get; } = [];

    /// <summary>So many answers get lost after the work was done.</summary>
    public int Lost { get; set; }

    public string Kind { get; set; } = "new";

    /// <summary>Of the certificate that is applied for.</summary>
    public required SubjectPublicKeyInfo Key { get; init; }

    /// <summary>Changes what is given to be signed.</summary>
    public Func<Application, Application> Bend { get; set; } = application => application;

    /// <summary>Likewise, of a certificate.</summary>
    public Func<CertificateBody, CertificateBody> BendBody { get; set; } = body => body;

    public Application? Following { get; set; }

    /// <summary>That the enrollment is about.</summary>
    public CertificateName? Certificate { get; set; }

    /// <summary>Changes how the enrollment is shown.</summary>
    public Func<EnrollmentAnswer, EnrollmentAnswer> BendShown { get; set; } = shown => shown;

    /// <summary>Other answers, by method and path without query.</summary>
    public Dictionary<string, Func<Asked, object>> Answers { get; } = [];

    public IEnumerable<Asked> Changes => Asked.Where(each => each.Method != "GET");

    public static Application Application(DecisionKind kind, byte[] body, string id = Id, string region = Region) => new(kind, "某省政务CA", "ra-35", region, id, body);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = new Asked(
            request.Method.Method,
            request.RequestUri!.PathAndQuery,
            request.Headers.TryGetValues("ZwCa-Request-Id", out IEnumerable<string>? values) ? values.Single() : null,
            request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken));

        // Some verbs ask several things at once.
        lock (Asked)
        {
            Asked.Add(asked);
            HttpResponseMessage response = Answer(asked, request);
            return Lost-- > 0 ? throw new HttpRequestException("The connection broke.") : response;
        }
    }

    private HttpResponseMessage Answer(Asked asked, HttpRequestMessage request)
    {
        string path = asked.Path.Split('?')[0];
        try
        {
            object answer = Answers.TryGetValue($"{asked.Method} {path}", out Func<Asked, object>? other)
                ? other(asked)
                : (asked.Method, path) switch
                {
                    ("POST", "/enrollments") => TakeIn(asked),
                    ("GET", $"/enrollments/{Id}") => BendShown(Show("draft")),
                    ("POST", $"/enrollments/{Id}/evidence") => Add(asked, request.Content!.Headers.ContentType!.MediaType!),
                    ("GET", $"/enrollments/{Id}/application") => new ApplicationAnswer { Version = 3, Application = Der.Encode(Main()), Following = Following is null ? null : Der.Encode(Following) },
                    ("POST", $"/enrollments/{Id}/submission") => Show("submitted"),
                    ("POST", $"/enrollments/{Id}/review") => Show("issuing"),
                    ("POST", $"/enrollments/{Id}/receipt") => Show("delivered"),
                    _ => throw new RefusalException(Refusal.NotFound, "没有该业务。"),
                };
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = answer is byte[] file ? new ByteArrayContent(file) : JsonContent.Create(answer, answer.GetType(), options: JsonSerializerOptions.Web) };
        }
        catch (RefusalException e)
        {
            var content = new ByteArrayContent(Problem.Of(e, "r1").ToJson());
            content.Headers.ContentType = new(Problem.ContentType);
            return new HttpResponseMessage((HttpStatusCode)RefusalKinds.StatusOf(e.Kind)) { Content = content };
        }
    }

    private EnrollmentAnswer TakeIn(Asked asked)
    {
        _request = asked.Read<EnrollmentRequest>();
        return Show("draft");
    }

    private EvidenceAnswer Add(Asked asked, string mediaType)
    {
        string title = Uri.UnescapeDataString(asked.Path.Split("title=")[1]);
        _evidence.Add(new EvidenceAnswer { Hash = Convert.ToHexStringLower(Sm3.HashData(asked.Body)), Title = title, MediaType = mediaType, Length = asked.Body.Length });
        return _evidence[^1];
    }

    /// <summary>Of what is in the DER: the JSON names somebody else, who must not be taken for him.</summary>
    private Application Main() => Bend(Application(DecisionKind.Issue, Der.Encode(BendBody(new CertificateBody
    {
        Profile = "person-signing",
        ProfileHash = new byte[32],
        Issuer = new byte[] { 1, 2, 3 },
        Entity = Subscriber,
        Subject = [new SubjectAttributeText(Oids.OrganizationName, "某市档案局"), .. Departments.Select(each => new SubjectAttributeText(Oids.OrganizationalUnitName, each)), new SubjectAttributeText(Oids.CommonName, "张三丰"), new SubjectAttributeText(Oids.SerialNumber, Subscriber)],
        SubjectPublicKeyInfo = Key,
        Days = 730,
        Names = [new Rfc822Name("zhang@example.gov.cn")],
        Identities = [new IdentityText("number", "H-0815")],
        Evidence = Sm3.HashData([.. _evidence.SelectMany(each => Convert.FromHexString(each.Hash))]),
        Encryption = new ProfileReference("person-encryption", new byte[32]),
    }))));

    private IReadOnlyList<string> Departments => _request?.Departments ?? [];

    private EnrollmentAnswer Show(string state) => new()
    {
        Id = Id,
        TrackingNumber = "ABCD-EFGH-JKMN-PQRS-T",
        Kind = Kind,
        State = state,
        Version = 3,
        Region = Region,
        Profile = "person",
        Departments = Departments,
        Days = _request?.Days,
        Certificate = Certificate ?? _request?.Certificate,
        RevocationReason = _request?.RevocationReason,
        Subscriber = new SubscriberAnswer
        {
            Id = Subscriber, Kind = "person", Region = Region, Name = "李*", Number = "1101**********0075", Version = 1, RegisteredAt = DateTimeOffset.UnixEpoch,
        },
        CreatedAt = DateTimeOffset.UnixEpoch,
        ChangedAt = DateTimeOffset.UnixEpoch,
        Evidence = [.. _evidence],
    };
}
