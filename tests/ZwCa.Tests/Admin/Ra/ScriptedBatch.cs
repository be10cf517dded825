using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Contracts.Ra;
using ZwCa.Cryptography;

namespace ZwCa.Tests.Admin.Ra;

/// <summary>A batch of a scripted RA: each task is running when it was asked for, and done when it is looked at for the second time.</summary>
internal sealed class ScriptedBatch
{
    public const string Id = "0198ba7cc0ffee0123456789abcdef01";
    public const string Region = "350100";

    private static readonly SubjectPublicKeyInfo Key = MakeKey();

    private readonly ScriptedRa _ra;
    private readonly List<BatchTaskAnswer> _tasks = [];
    private readonly SortedDictionary<long, (EnrollmentAnswer Enrollment, Application Application)> _lines = [];
    private bool _looked;

    public ScriptedBatch(ScriptedRa ra, string kind = "import")
    {
        _ra = ra;
        Kind = kind;
        ra.Answers["POST /batches"] = _ => kind == "import" ? Show() : Begin("making");
        ra.Answers["GET /batches"] = _ => new BatchPage { Batches = [Show()], Next = Id };
        ra.Answers[$"GET /batches/{Id}"] = _ => Look();
        ra.Answers[$"PUT /batches/{Id}/file"] = asked =>
        {
            File = Convert.ToHexStringLower(Sm3.HashData(asked.Body));
            return Begin("checking");
        };
        foreach ((string path, string task) in ((string, string)[])[("making", "making"), ("submission", "submission"), ("review", "review"), ("cancellation", "cancellation")])
        {
            ra.Answers[$"POST /batches/{Id}/{path}"] = _ => Begin(task);
        }

        ra.Answers[$"GET /batches/{Id}/rejects"] = _ => "原因\r\n"u8.ToArray();
        ra.Answers[$"GET /batches/{Id}/rows"] = asked => asked.Path.Contains("task=", StringComparison.Ordinal) ? new BatchRowPage { Rows = Refusals } : new BatchRowPage { Rows = Rows };
        ra.Answers[$"GET /batches/{Id}/applications"] = asked => Page(asked);
    }

    public string Kind { get; }

    /// <summary>SM3 of what was uploaded.</summary>
    public string? File { get; set; }

    /// <summary>Of applications.</summary>
    public int PageRows { get; init; } = 2;

    /// <summary>Of the tasks that come, by kind; others do all and refuse nothing.</summary>
    public Dictionary<string, (long Done, long Refused)> Outcomes { get; } = [];

    /// <summary>Why the next task is refused as a whole.</summary>
    public string? Reason { get; set; }

    public List<BatchRowAnswer> Refusals { get; } = [];

    /// <summary>Changes what is given to be signed.</summary>
    public Func<BatchApplicationAnswer, BatchApplicationAnswer> Bend { get; set; } = application => application;

    public IReadOnlyList<BatchRowAnswer> Rows => [.. _lines.Select(each => new BatchRowAnswer { Row = each.Key, Enrollment = each.Value.Enrollment.Id, State = each.Value.Enrollment.State })];

    public static string IdOf(long row) => row.ToString("D32", CultureInfo.InvariantCulture);

    /// <summary>A task that was done before.</summary>
    public void Did(string kind, long done = 1, long refused = 0) => _tasks.Add(Task(kind) with { State = "done", Reached = done + refused, Rows = done + refused, Done = done, Refused = refused });

    public Application Add(long row, string state = "draft", string kind = "new", DecisionKind? decision = null, string region = Region, OfficerIdentity? officer = null, CertificateName? about = null)
    {
        string id = IdOf(row);
        Application application = ScriptedRa.Application(decision ?? DecisionKind.Issue, Body(row, officer), id, region);
        var enrollment = new EnrollmentAnswer
        {
            Id = id,
            TrackingNumber = $"ABCD-{row}",
            Kind = kind,
            State = state,
            Version = 3,
            Region = region,
            Profile = "person",
            Certificate = about,
            Subscriber = new SubscriberAnswer { Id = ScriptedRa.Subscriber, Kind = "person", Region = region, Name = "李*", Number = "1101**********0075", Version = 1, RegisteredAt = DateTimeOffset.UnixEpoch },
            CreatedAt = DateTimeOffset.UnixEpoch,
            ChangedAt = DateTimeOffset.UnixEpoch,
        };
        _lines[row] = (enrollment, application);
        _ra.Answers[$"GET /enrollments/{id}"] = _ => _lines[row].Enrollment;
        _ra.Answers[$"GET /enrollments/{id}/application"] = _ => new ApplicationAnswer { Version = 3, Application = Der.Encode(application) };
        return application;
    }

    /// <summary>Nobody has made one yet: it comes by <c>PUT …/csr</c>.</summary>
    public void AddKeyless(long row)
    {
        Add(row);
        _ra.Answers[$"GET /enrollments/{IdOf(row)}/application"] = _ => throw new RefusalException(Refusal.BadCsr, "该业务尚无证书请求。");
        _ra.Answers[$"PUT /enrollments/{IdOf(row)}/csr"] = _ => _lines[row].Enrollment;
    }

    private static byte[] Body(long row, OfficerIdentity? officer) => Der.Encode(new CertificateBody
    {
        Profile = "person-signing",
        ProfileHash = new byte[32],
        Issuer = new byte[] { 1, 2, 3 },
        Entity = ScriptedRa.Subscriber,
        Subject = [new SubjectAttributeText(Oids.OrganizationName, "某市档案局"), new SubjectAttributeText(Oids.CommonName, $"张三丰{row}")],
        SubjectPublicKeyInfo = Key,
        Days = 730,
        Evidence = Sm3.HashData([]),
        Officer = officer,
    });

    private static SubjectPublicKeyInfo MakeKey()
    {
        using var key = Sm2PrivateKey.Generate();
        return SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes());
    }

    private BatchApplicationPage Page(Asked asked)
    {
        long after = long.Parse(asked.Path.Split("after=")[1].Split('&')[0], CultureInfo.InvariantCulture);
        string[] states = asked.Path.Contains("step=entry", StringComparison.Ordinal) ? ["draft", "returned"] : ["submitted", "reviewed"];
        KeyValuePair<long, (EnrollmentAnswer Enrollment, Application Application)>[] rest = [.. _lines.Where(each => each.Key > after && states.Contains(each.Value.Enrollment.State))];
        return new BatchApplicationPage
        {
            Applications = [.. rest.Take(PageRows).Select(each => Bend(new BatchApplicationAnswer { Row = each.Key, Enrollment = each.Value.Enrollment.Id, Application = Der.Encode(each.Value.Application) }))],
            Next = rest.Length > PageRows ? rest[PageRows - 1].Key : null,
        };
    }

    private BatchAnswer Begin(string kind)
    {
        _tasks.Add(Task(kind));
        _looked = false;
        return Show();
    }

    private BatchAnswer Look()
    {
        if (_tasks is [.., { State: "running" } running] && _looked)
        {
            (long done, long refused) = Outcomes.TryGetValue(running.Kind, out (long, long) outcome) ? outcome : (Math.Max(1, _lines.Count), 0);
            _tasks[^1] = running with { State = Reason is null ? "done" : "refused", Reason = Reason, Reached = done + refused, Rows = done + refused, Done = done, Refused = refused };
        }

        _looked = true;
        return Show();
    }

    private BatchTaskAnswer Task(string kind) => new() { Number = _tasks.Count + 1, Kind = kind, State = "running", Reached = 0, Done = 0, Refused = 0, StartedAt = DateTimeOffset.UnixEpoch };

    private BatchAnswer Show() => new()
    {
        Id = Id,
        Kind = Kind,
        Region = Region,
        Title = "三月",
        CreatedBy = "4a01",
        CreatedAt = DateTimeOffset.UnixEpoch,
        File = File,
        Tasks = [.. _tasks],
        States = _lines.Values.GroupBy(each => each.Enrollment.State).ToDictionary(each => each.Key, each => (long)each.Count()),
    };
}
