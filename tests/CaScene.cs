using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Registrations;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa;

/// <summary>What a CA of the tests is filled with before anybody speaks to it, beside its API: officers who are in office, regions, an RA; and what those then send. Linked into the test projects.</summary>
/// <param name="services">The CA's, migrated and checked, started or not: what is written, is written through them. Null: nothing more is written.</param>
/// <param name="folder">Has the system CA's certificate.</param>
/// <param name="address">Where the CA listens, or will.</param>
internal sealed class CaScene(SampleHierarchy hierarchy, CaIssuers issuers, IServiceProvider? services, string folder, Uri address, TimeProvider time) : IDisposable
{
    public const string Name = "某省政务CA";
    public const string ServiceName = "ca";
    public const string Province = "350000";
    public const string City = "350100";
    public const string County = "350102";
    public const string OtherProvince = "360000";
    public const string RaName = "ra-35";
    public const string LogOrigin = "zwca/ca";

    /// <summary>What an RA may ask for, unless it is said otherwise.</summary>
    public static readonly IReadOnlyList<string> PlainProfiles = ["tls-server"];

    /// <summary>By what a scene is found again, beside the database.</summary>
    public const string StateFile = "scene.json";

    public static readonly AuditActor Actor = new(AuditActorKind.Job, "stage");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly List<IDisposable> _own = [];

    public CaIssuers Issuers => issuers;

    /// <summary>Has the system CA's certificate.</summary>
    public string Folder => folder;

    /// <summary>Where the CA listens, or will.</summary>
    public Uri Address => address;

    /// <summary>What RAs may ask for, from each CA of subscribers.</summary>
    public IReadOnlyList<string> RaProfiles { get; init; } = PlainProfiles;

    public StageOfficer Super { get; private set; } = null!;

    public StageOfficer Audit { get; private set; } = null!;

    /// <summary>业务管理员 of the nation: CA officers.</summary>
    public StageOfficer FirstAdministrator { get; private set; } = null!;

    public StageOfficer SecondAdministrator { get; private set; } = null!;

    /// <summary>业务操作员 of <see cref="City"/>.</summary>
    public StageOfficer Entry { get; private set; } = null!;

    /// <summary>业务操作员 of <see cref="Province"/>.</summary>
    public StageOfficer Review { get; private set; } = null!;

    /// <summary>业务操作员 of <see cref="OtherProvince"/>.</summary>
    public StageOfficer Stranger { get; private set; } = null!;

    /// <summary>The RA of <see cref="Province"/>; may ask for tls-server from the SM2 CA and, if there is one, the RSA CA.</summary>
    public RaParty Ra { get; private set; } = null!;

    private IServiceProvider Services => services ?? throw new InvalidOperationException("The scene is filled.");

    private Database Database => Services.GetRequiredService<Database>();

    /// <summary>Section Ca of a configuration, but for the device; writes the CAs' certificates into the folder.</summary>
    public static Dictionary<string, string?> WriteSettings(CaIssuers issuers, string folder)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Ca:Name"] = Name,
            ["Ca:BaseUrl"] = SampleHierarchy.Publication.BaseUrl,
            ["Ca:PolicyArc"] = SampleHierarchy.Publication.PolicyArc,
            ["Ca:OperationsAuthority"] = "ops-s1",
            ["Ca:SystemAuthority"] = "system",
            ["Ca:Log:Origin"] = LogOrigin,
            ["Ca:Log:KeyLabel"] = "ca-log",
            ["Ca:Log:Anchors:0"] = Path.Combine(folder, "log.anchor"),
            ["Ca:PersonIndexKey"] = "person-index",
            ["Ca:DataKek"] = "data-kek",

            // Whoever wants CRLs asks for them: their signatures would be counted among those of certificates.
            ["Ca:Crls:Look"] = "01:00:00",
            ["Ca:Ocsp:FeedKey"] = CaIssuers.FeedKey,
            ["Ca:Ocsp:Origin"] = LogOrigin,

            ["Ca:Ocsp:Look"] = "00:00:01",
            ["Ca:Ocsp:LookForDue"] = "01:00:00",
        };
        for (int i = 0; i < issuers.Responders.Count; i++)
        {
            (string authority, string label, Certificate certificate) = issuers.Responders[i];
            string file = Path.Combine(folder, $"{label}.pem");
            File.WriteAllText(file, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
            settings[$"Ca:Ocsp:Signers:{i}:Authority"] = authority;
            settings[$"Ca:Ocsp:Signers:{i}:KeyLabel"] = label;
            settings[$"Ca:Ocsp:Signers:{i}:CertificateFile"] = file;
        }

        for (int i = 0; i < issuers.All.Count; i++)
        {
            (string name, Issuer issuer, string label) = issuers.All[i];
            string file = Path.Combine(folder, $"{name}.pem");
            File.WriteAllText(file, Pem.Encode(Pem.Certificate, Der.Encode(issuer.Certificate!)));
            settings[$"Ca:Authorities:{i}:Name"] = name;
            settings[$"Ca:Authorities:{i}:CertificateFile"] = file;
            settings[$"Ca:Authorities:{i}:KeyLabel"] = label;
            settings[$"Ca:Authorities:{i}:ForSubscribers"] = name.StartsWith("issuing", StringComparison.Ordinal) ? "true" : "false";
        }

        File.WriteAllText(Path.Combine(folder, "system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(issuers.System.Certificate!)));
        return settings;
    }

    /// <summary>Writes the service's own link, of a loopback address, which no profile allows outside a demonstration.</summary>
    public static LinkOptionsFiles WriteServerLink(CaIssuers issuers, string folder, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=ca", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(SystemCa.ServerAuthentication), new Oid(SystemCa.ClientAuthentication)], critical: false));
        DateTimeOffset now = time.GetUtcNow();
        using X509Certificate2 system = X509CertificateLoader.LoadCertificate(Der.Encode(issuers.System.Certificate!));
        using X509Certificate2 plain = request.Create(system.SubjectName, issuers.SystemSigner, now.AddMinutes(-5), now.AddDays(89), RandomNumberGenerator.GetBytes(16));
        using X509Certificate2 link = plain.CopyWithPrivateKey(key);
        var files = new LinkOptionsFiles(Path.Combine(folder, "link.pem"), Path.Combine(folder, "link.key"), Path.Combine(folder, "system-ca.pem"));
        SystemCa.Write(link, files.Certificate, files.Key, null);
        return files;
    }

    /// <summary>Officers, regions, profiles in use, and <see cref="Ra"/>.</summary>
    public async Task FillAsync()
    {
        // The ceremony's part: the highest two.
        Super = await CertifyAsync(RoleCatalogue.SuperAdministrator, RegionCode.Nation.Value, "魏征");
        Audit = await CertifyAsync(RoleCatalogue.AuditAdministrator, RegionCode.Nation.Value, "包拯");
        var directory = Services.GetRequiredService<OfficerDirectory>();
        await new Initialisation(Database, new AuditLog(time), directory, time).InitialiseAsync(
            1, Der.Encode(Super.Certificate), Der.Encode(Audit.Certificate), time.GetUtcNow().AddDays(365), Actor);

        // Regions, and those who work there.
        foreach ((string code, string parent, string name) in new[]
        {
            (Province, RegionCode.Nation.Value, "福建省"), (City, Province, "福州市"), (County, City, "鼓楼区"), (OtherProvince, RegionCode.Nation.Value, "江西省"),
        })
        {
            await DecideAsync(Super, Audit, OfficerActions.RegisterRegion, code, Der.Encode(new RegionEntry(code, parent, name)));
        }

        FirstAdministrator = await OfficerAsync(RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        SecondAdministrator = await OfficerAsync(RoleCatalogue.BusinessAdministrator, RegionCode.Nation.Value);
        Entry = await OfficerAsync(RoleCatalogue.BusinessOperator, City);
        Review = await OfficerAsync(RoleCatalogue.BusinessOperator, Province);
        Stranger = await OfficerAsync(RoleCatalogue.BusinessOperator, OtherProvince);

        // Profiles in use, and the RA.
        foreach (Profile profile in ProfileCatalogue.Shipped.All.Where(profile => !profile.IsAuthority))
        {
            await DecideAsync(Super, Audit, ProfileActions.Activate, RegionCode.Nation.Value, Der.Encode(new ProfileReference(profile.Name, profile.Hash)));
        }

        Ra = await RaAsync(RaName, Province);
    }

    /// <summary>An officer in office, created by the two administrators, or the two highest; his link is registered.</summary>
    public async Task<StageOfficer> OfficerAsync(string role, string region, string name = "王小明")
    {
        StageOfficer officer = await CertifyAsync(role, region, name);
        await EmployAsync(role, region, officer.Certificate);
        return officer;
    }

    /// <summary>A person with an officer certificate and a registered link, not in office.</summary>
    public async Task<StageOfficer> CertifyAsync(string role, string region, string name = "王小明", ReadOnlyMemory<byte>? person = null)
    {
        ReadOnlyMemory<byte> id = person ?? await EnrollAsync(name);
        var key = Sm2PrivateKey.Generate();
        Certificate certificate = await IssueOfficerAsync(id, role, region, name, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()));
        X509Certificate2 link = await RegisterAsync(Convert.ToHexStringLower(id.Span), ClientKind.Officer);
        var officer = new StageOfficer(key, certificate, CreateClient(link, new MessageSigner(certificate.Tbs.SerialNumber, key))) { Link = link };
        _own.Add(officer);
        return officer;
    }

    /// <summary>An officer in office whose keys are in a token of his own.</summary>
    /// <param name="linkFrom">When his link's 90 days began; null: now.</param>
    /// <returns>His certificate, and his link's.</returns>
    public async Task<(Certificate Officer, Certificate Link)> TokenOfficerAsync(string role, string region, string name, SubjectPublicKeyInfo key, SubjectPublicKeyInfo linkKey, DateTimeOffset? linkFrom = null)
    {
        ReadOnlyMemory<byte> id = await EnrollAsync(name);
        Certificate officer = await IssueOfficerAsync(id, role, region, name, key);
        Certificate link = await CertifyLinkAsync(Convert.ToHexStringLower(id.Span), linkKey, linkFrom ?? time.GetUtcNow());
        using X509Certificate2 registered = X509CertificateLoader.LoadCertificate(Der.Encode(link));
        await Services.GetRequiredService<ClientStore>().RegisterAsync(Actor, registered, Convert.ToHexStringLower(id.Span), ClientKind.Officer);
        await EmployAsync(role, region, officer);
        return (officer, link);
    }

    private Task EmployAsync(string role, string region, Certificate officer)
    {
        (StageOfficer proposer, StageOfficer approver) = role switch
        {
            RoleCatalogue.BusinessAdministrator => (Super, Audit),
            RoleCatalogue.Auditor => (Audit, Super),
            _ => (FirstAdministrator, SecondAdministrator),
        };
        return DecideAsync(proposer, approver, OfficerActions.Create, region, Der.Encode(officer));
    }

    private async Task<ReadOnlyMemory<byte>> EnrollAsync(string name) =>
        (await Services.GetRequiredService<PersonRegistry>().EnrollAsync(NewIdNumber(), PersonName.Parse(name), Actor)).Id;

    private Task<Certificate> IssueOfficerAsync(ReadOnlyMemory<byte> id, string role, string region, string name, SubjectPublicKeyInfo key)
    {
        var identity = new OfficerIdentity(id, RoleCatalogue.Standard.Find(role)!.Kind, role, region);
        IssuanceRequest request = hierarchy.Request("officer") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = key,
            Subject = [new SubjectText(Oids.OrganizationName, "某省密码管理局"), new SubjectText(Oids.CommonName, name), new SubjectText(Oids.SerialNumber, Convert.ToHexStringLower(id.Span))],
            Place = [],
            NotBefore = time.GetUtcNow(),
            NotAfter = time.GetUtcNow().AddDays(700),
            IntendedAt = time.GetUtcNow(),
            Officer = identity,
        };
        return issuers.Operations.IssueAsync(issuers.Operations.Prepare(request));
    }

    /// <summary>Two officers decide, beside the API.</summary>
    public async Task DecideAsync(StageOfficer proposer, StageOfficer approver, string action, string region, byte[] parameters)
    {
        OfficerDirectory directory = Services.GetRequiredService<OfficerDirectory>();
        var commands = new OfficerCommands(
            Name,
            Database,
            new AuditLog(time),
            directory,
            [
                .. new OfficerActions(directory, OfficerActions.DefaultCertifiedFor).Standard,
                .. Services.GetRequiredService<ProfileActions>().All,
                .. Services.GetRequiredService<RaActions>().All,
            ],
            time);
        Application application = commands.Draft(action, RegionCode.Parse(region), parameters);
        await commands.ProposeAsync(application, Sign(proposer, ApprovalStep.Entry, application));
        await commands.ApproveAsync(Convert.FromHexString(application.EnrollmentId), Sign(approver, ApprovalStep.Review, application));
    }

    /// <summary>A link certificate of the system CA, registered.</summary>
    public async Task<X509Certificate2> RegisterAsync(string name, ClientKind kind)
    {
        X509Certificate2 link = await IssueLinkAsync(name);
        await Services.GetRequiredService<ClientStore>().RegisterAsync(Actor, link, name, kind);
        return link;
    }

    /// <summary>A link certificate of the system CA, which nobody registered.</summary>
    public async Task<X509Certificate2> IssueLinkAsync(string name, DateTimeOffset? notBefore = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Certificate certificate = await CertifyLinkAsync(name, Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()), notBefore ?? time.GetUtcNow());
        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(Der.Encode(certificate));
        X509Certificate2 link = plain.CopyWithPrivateKey(key);
        _own.Add(link);
        return link;
    }

    private Task<Certificate> CertifyLinkAsync(string name, SubjectPublicKeyInfo key, DateTimeOffset from) => issuers.System.IssueAsync(issuers.System.Prepare(hierarchy.Request("link") with
    {
        SerialNumber = SerialNumbers.Create(),
        SubjectPublicKeyInfo = key,
        Subject = [.. hierarchy.Request("link").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, name)],
        AlternativeNames = [new DnsName("link.example.gov.cn")],
        NotBefore = from,
        NotAfter = from.AddDays(90),
        IntendedAt = from,
    }));

    /// <summary>A responder node's certificate, as a ceremony makes it.</summary>
    public Task<Certificate> CertifyNodeAsync(Issuer issuer, SubjectPublicKeyInfo key, string name)
    {
        DateTimeOffset from = Time.Truncate(time.GetUtcNow()).Value;
        return issuer.IssueAsync(issuer.Prepare(hierarchy.Request("ocsp-node") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = key,
            Subject = [.. hierarchy.Request("ocsp-node").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, name)],
            NotBefore = from,
            NotAfter = from.AddDays(7).AddSeconds(-1),
            IntendedAt = from,
        }));
    }

    /// <summary>A client over that link; signs its messages where there is a signer.</summary>
    public HttpClient CreateClient(X509Certificate2 link, MessageSigner? signer = null)
    {
        HttpClient client = LinkTls.CreateClient(
            address,
            () => link,
            LinkTrust.Load(Path.Combine(folder, "system-ca.pem"), time),
            Patience,
            signer is null ? null : new MessageSigningHandler(signer, ServiceName, time));
        _own.Add(client);
        return client;
    }

    /// <summary>A draft of an application of <see cref="Ra"/> for a TLS server, which may be changed before it is decided about.</summary>
    /// <param name="issuer">Null: the SM2 CA of subscribers.</param>
    public IssueDraft Draft(SubjectPublicKeyInfo key, string? entity = null, Issuer? issuer = null)
    {
        entity ??= NewEntity();
        return new IssueDraft
        {
            EnrollmentId = NewEntity(),
            Body = new CertificateBody
            {
                Profile = "tls-server",
                ProfileHash = ProfileCatalogue.Shipped["tls-server"].Hash,
                Issuer = (issuer ?? issuers.Subscribers).KeyIdentifier,
                Entity = entity,
                Subject =
                [
                    new SubjectAttributeText(Oids.OrganizationName, "示例市档案局"),
                    new SubjectAttributeText(Oids.CommonName, "www.example.gov.cn"),
                    new SubjectAttributeText(Oids.SerialNumber, entity),
                ],
                SubjectPublicKeyInfo = key,
                Days = 365,
                Names = [new DnsName("www.example.gov.cn")],
                Evidence = Sm3.HashData([]),
            },
        };
    }

    /// <summary>What the RA sends: decided by <see cref="Entry"/> and <see cref="Review"/>, unless said otherwise.</summary>
    public DecidedRequest Decide(Application application, StageOfficer? entry = null, StageOfficer? review = null, byte[]? csr = null, DateTimeOffset? at = null) => new()
    {
        Application = Der.Encode(application),
        Entry = Der.Encode(Sign(entry ?? Entry, ApprovalStep.Entry, application, at)),
        Review = Der.Encode(Sign(review ?? Review, ApprovalStep.Review, application, at)),
        Csr = csr,
    };

    public Approval Sign(StageOfficer officer, ApprovalStep step, Application application, DateTimeOffset? at = null) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], at ?? time.GetUtcNow()), officer.Key, officer.Certificate);

    /// <summary>A valid request for a TLS server's certificate, with a key of its own, of the CA's kind, that is then forgotten.</summary>
    /// <param name="ra">Null: <see cref="RaName"/>.</param>
    /// <param name="issuer">Null: the SM2 CA of subscribers.</param>
    public DecidedRequest NewRequest(string? ra = null, Issuer? issuer = null)
    {
        (SubjectPublicKeyInfo publicKey, byte[] csr) = issuer is not null && issuer == issuers.Rsa ? RsaRequest() : Sm2Request();
        IssueDraft draft = Draft(publicKey, issuer: issuer) with { RaName = ra ?? RaName };
        return Decide(draft.ToApplication(), csr: csr);
    }

    /// <summary>An RA with a message certificate, a link and a scope.</summary>
    public async Task<RaParty> RaAsync(string name, string region, long quota = 1_000_000)
    {
        var key = Sm2PrivateKey.Generate();
        Certificate certificate = await CertifyRaAsync(name, region, SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), quota);
        var signer = new MessageSigner(certificate.Tbs.SerialNumber, key);
        X509Certificate2 link = await RegisterAsync(name, ClientKind.Ra);
        var party = new RaParty(name, key, signer, CreateClient(link, signer)) { Link = link, Certificate = certificate };
        _own.Add(party);
        return party;
    }

    /// <summary>An RA with a message certificate for that key, and a scope.</summary>
    public async Task<Certificate> CertifyRaAsync(string name, string region, SubjectPublicKeyInfo key, long quota = 1_000_000)
    {
        string entity = NewEntity();
        var body = new CertificateBody
        {
            Profile = "ra-system",
            ProfileHash = ProfileCatalogue.Shipped["ra-system"].Hash,
            Issuer = issuers.Operations.KeyIdentifier,
            Entity = entity,
            Subject = [new SubjectAttributeText(Oids.OrganizationName, "某省密码管理局"), new SubjectAttributeText(Oids.CommonName, name), new SubjectAttributeText(Oids.SerialNumber, entity)],
            SubjectPublicKeyInfo = key,
            Days = 365,
            Evidence = Sm3.HashData([]),
        };
        byte[] bytes = Der.Encode(body);
        var order = new IssuanceOrder
        {
            Requester = IssuanceOrder.Command,
            Reference = entity,
            Kind = (short)DecisionKind.Command,
            RequestId = entity,
            Actor = Actor,
            Owner = $"{IssuanceOrder.SystemOwner}/{entity}",
            Region = region,
            Body = body,
            Application = bytes,
            Digest = Sm3.HashData(bytes),
        };

        CertificateRow row = await IssueAsync(order);
        RaScope[] scope = [.. from issuer in new[] { issuers.Subscribers, issuers.Rsa }.OfType<Issuer>() from profile in RaProfiles select new RaScope(profile, issuer.KeyIdentifier)];
        await DecideAsync(Super, Audit, RaActions.Register, region, Der.Encode(new RaRegistration(name, entity, region, quota, scope)));
        return row.FindCertificate()!;
    }

    /// <summary>On a machine that is busy otherwise the log may be behind; while a scene is filled nobody but this brings it up.</summary>
    private async Task<CertificateRow> IssueAsync(IssuanceOrder order)
    {
        for (int tried = 1; ; tried++)
        {
            try
            {
                return await Services.GetRequiredService<IssueCertificate>().RunAsync(order, CancellationToken.None);
            }
            catch (RefusalException e) when (e.Kind == Refusal.AuditUnavailable && tried < 10)
            {
                await Services.GetRequiredService<Sequencer>().RunOnceAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }
        }
    }

    /// <summary>Runs a statement outside all code of the service.</summary>
    public Task<int> RawAsync(string sql, object? parameters = null) => Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters));

    /// <summary>DER of a PKCS #10 request with an empty subject.</summary>
    public static byte[] Csr(Sm2PrivateKey key)
    {
        byte[] info = Der.Encode(new CertificationRequestInfo(ZwCa.Asn1.Pkix.Name.Create(), SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), []));
        byte[] signature = new byte[Sm2.SignatureSizeInBytes];
        key.Sign(info, signature);
        return Der.Encode(CertificationRequest.Assemble(info, AlgorithmIdentifier.Sm3WithSm2, Der.Encode(ZwCa.Asn1.Gm.Sm2Signature.FromRaw(signature))));
    }

    /// <summary>An opaque id of 26 characters.</summary>
    public static string NewEntity() => "01" + Convert.ToHexString(RandomNumberGenerator.GetBytes(12));

    /// <summary>A number with the right check character, of somebody new.</summary>
    public static IdNumber NewIdNumber()
    {
        string first = "110101" + new DateTime(1970, 1, 1).AddDays(RandomNumberGenerator.GetInt32(10_000)).ToString("yyyyMMdd", System.Globalization.CultureInfo.InvariantCulture)
            + RandomNumberGenerator.GetInt32(1000).ToString("D3", System.Globalization.CultureInfo.InvariantCulture);
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        return IdNumber.Parse(first + "10X98765432"[first.Select((c, i) => (c - '0') * weights[i]).Sum() % 11]);
    }

    /// <summary>Writes down the keys and links of those who send requests: <see cref="Entry"/>, <see cref="Review"/> and <see cref="Ra"/>.</summary>
    public void Save(string file) => File.WriteAllText(
        file,
        JsonSerializer.Serialize(new State(
            Saved.Of(Entry.Key, Der.Encode(Entry.Certificate), Entry.Link),
            Saved.Of(Review.Key, Der.Encode(Review.Certificate), Review.Link),
            Saved.Of(Ra.Key, Ra.Signer.Sender.Content.ToArray(), Ra.Link))));

    /// <summary>They again, in another process.</summary>
    public void Load(string file)
    {
        State state = JsonSerializer.Deserialize<State>(File.ReadAllText(file))!;
        StageOfficer LoadOfficer(Saved saved)
        {
            Sm2PrivateKey key = saved.LoadKey();
            Certificate certificate = Der.Decode<Certificate>(saved.Certificate);
            X509Certificate2 link = Own(saved.LoadLink());
            return Own(new StageOfficer(key, certificate, CreateClient(link, new MessageSigner(certificate.Tbs.SerialNumber, key))) { Link = link });
        }

        Entry = LoadOfficer(state.Entry);
        Review = LoadOfficer(state.Review);
        Sm2PrivateKey key = state.Ra.LoadKey();
        X509Certificate2 raLink = Own(state.Ra.LoadLink());
        var signer = new MessageSigner(SerialNumber.FromBytes(state.Ra.Certificate), key);
        Ra = Own(new RaParty(RaName, key, signer, CreateClient(raLink, signer)) { Link = raLink });
    }

    /// <summary>Makes something end with the scene.</summary>
    public T Own<T>(T disposable)
        where T : IDisposable
    {
        _own.Add(disposable);
        return disposable;
    }

    public void Dispose() => _own.ForEach(each => each.Dispose());

    private static (SubjectPublicKeyInfo Key, byte[] Csr) Sm2Request()
    {
        using var key = Sm2PrivateKey.Generate();
        return (SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), Csr(key));
    }

    private static (SubjectPublicKeyInfo Key, byte[] Csr) RsaRequest()
    {
        using var key = RSA.Create(3072);
        byte[] csr = new CertificateRequest("", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        return (Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()), csr);
    }

    private sealed record State(Saved Entry, Saved Review, Saved Ra);

    /// <param name="Certificate">DER of an officer's; of an RA the serial number.</param>
    private sealed record Saved(byte[] Key, byte[] Certificate, string LinkPem, string LinkKeyPem)
    {
        public static Saved Of(Sm2PrivateKey key, byte[] certificate, X509Certificate2 link)
        {
            using ECDsa linkKey = link.GetECDsaPrivateKey()!;
            byte[] bytes = new byte[32];
            key.ExportBytes(bytes);
            return new Saved(bytes, certificate, link.ExportCertificatePem(), linkKey.ExportPkcs8PrivateKeyPem());
        }

        public Sm2PrivateKey LoadKey() => Sm2PrivateKey.FromBytes(Key);

        public X509Certificate2 LoadLink() => X509Certificate2.CreateFromPem(LinkPem, LinkKeyPem);
    }
}

/// <summary>PEM files of a service's link.</summary>
internal sealed record LinkOptionsFiles(string Certificate, string Key, string SystemCa);

/// <summary>The CAs whose keys a CA of the tests has.</summary>
internal sealed record CaIssuers
{
    /// <summary>SM2, of subscribers.</summary>
    public required Issuer Subscribers { get; init; }

    /// <summary>Certifies officers, RA systems and service signers.</summary>
    public required Issuer Operations { get; init; }

    /// <summary>P-256: certifies links.</summary>
    public required Issuer System { get; init; }

    public required HsmSigner SystemSigner { get; init; }

    /// <summary>RSA of 3072 bits, of subscribers; fewer no profile allows. Null unless asked for.</summary>
    public Issuer? Rsa { get; init; }

    /// <summary>With their names in the configuration and the labels of their keys.</summary>
    public required IReadOnlyList<(string Name, Issuer Issuer, string Label)> All { get; init; }

    /// <summary>Who signs OCSP responses for which of them; the keys of CAs sign certificates, which tests count. P-256 has none.</summary>
    public required IReadOnlyList<(string Authority, string Label, Certificate Certificate)> Responders { get; init; }

    public const string FeedKey = "ca-feed";

    /// <summary>The keys in memory that a hierarchy has; what is missing is made.</summary>
    /// <param name="now">From then on the OCSP signers are certified, for 90 days.</param>
    public static async Task<CaIssuers> InMemoryAsync(SampleHierarchy hierarchy, bool withRsa, DateTimeOffset now)
    {
        Issuer operations = await SubCaAsync(hierarchy, hierarchy.Root, hierarchy.Signer("operations", KeyAlgorithm.Sm2), "示例运行CA S1");
        Issuer? rsa = withRsa ? await RsaAsync(hierarchy, hierarchy.Hsm) : null;
        await MakeOwnKeysAsync(hierarchy.Hsm);
        IReadOnlyList<(string Name, Issuer Issuer, string Label)> all = List(hierarchy.Sub, "sub-ca", operations, "operations", hierarchy.System, "system-root", rsa);
        return new CaIssuers
        {
            Responders = await RespondersAsync(hierarchy, hierarchy.Hsm, all, now),
            Subscribers = hierarchy.Sub,
            Operations = operations,
            System = hierarchy.System,
            SystemSigner = hierarchy.Signer("system-root", KeyAlgorithm.P256),
            Rsa = rsa,
            All = all,
        };
    }

    /// <summary>New keys in a device; the hierarchy's root, which stays outside, certifies them.</summary>
    public static async Task<CaIssuers> InDeviceAsync(SampleHierarchy hierarchy, IHsm hsm, bool withRsa, DateTimeOffset now)
    {
        async Task<HsmSigner> MakeAsync(string label, HsmKeyKind kind) => new(hsm, await hsm.GenerateKeyAsync(new KeyLabel(label), kind));

        Issuer subscribers = await SubCaAsync(hierarchy, hierarchy.Root, await MakeAsync("issuing-s1", HsmKeyKind.Sm2), "示例签发CA S1");
        Issuer operations = await SubCaAsync(hierarchy, hierarchy.Root, await MakeAsync("ops-s1", HsmKeyKind.Sm2), "示例运行CA S1");
        HsmSigner systemSigner = await MakeAsync("system", HsmKeyKind.P256);
        Issuer system = await RootAsync(hierarchy, SampleHierarchy.SystemName, systemSigner, "system-root");
        Issuer? rsa = withRsa ? await RsaAsync(hierarchy, hsm) : null;
        await MakeOwnKeysAsync(hsm);
        IReadOnlyList<(string Name, Issuer Issuer, string Label)> all = List(subscribers, "issuing-s1", operations, "ops-s1", system, "system", rsa);
        return new CaIssuers
        {
            Responders = await RespondersAsync(hierarchy, hsm, all, now),
            Subscribers = subscribers,
            Operations = operations,
            System = system,
            SystemSigner = systemSigner,
            Rsa = rsa,
            All = all,
        };
    }

    /// <summary>What <see cref="InDeviceAsync"/> made before, with the certificates that <see cref="CaScene.WriteSettings"/> wrote.</summary>
    public static async Task<CaIssuers> OpenAsync(IHsm hsm, string folder)
    {
        async Task<(Issuer Issuer, HsmSigner Signer)?> ReadAsync(string label)
        {
            string file = Path.Combine(folder, $"{label}.pem");
            if (!File.Exists(file))
            {
                return null;
            }

            var signer = new HsmSigner(hsm, (await hsm.FindKeyAsync(new KeyLabel(label)))!);
            return (new Issuer(Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, File.ReadAllText(file))), signer, SampleHierarchy.Publication), signer);
        }

        Issuer subscribers = (await ReadAsync("issuing-s1"))!.Value.Issuer;
        Issuer operations = (await ReadAsync("ops-s1"))!.Value.Issuer;
        (Issuer system, HsmSigner systemSigner) = (await ReadAsync("system"))!.Value;
        Issuer? rsa = (await ReadAsync("issuing-r1"))?.Issuer;
        IReadOnlyList<(string Name, Issuer Issuer, string Label)> all = List(subscribers, "issuing-s1", operations, "ops-s1", system, "system", rsa);
        return new CaIssuers
        {
            Responders = [.. all.Select(each => (each.Name, Label: $"ocsp-{each.Name}")).Where(each => File.Exists(Path.Combine(folder, $"{each.Label}.pem")))
                .Select(each => (each.Name, each.Label, Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, File.ReadAllText(Path.Combine(folder, $"{each.Label}.pem"))))))],
            Subscribers = subscribers,
            Operations = operations,
            System = system,
            SystemSigner = systemSigner,
            Rsa = rsa,
            All = all,
        };
    }

    private static IReadOnlyList<(string, Issuer, string)> List(
        Issuer subscribers, string subscribersLabel, Issuer operations, string operationsLabel, Issuer system, string systemLabel, Issuer? rsa) =>
    [
        ("issuing-s1", subscribers, subscribersLabel),
        ("ops-s1", operations, operationsLabel),
        ("system", system, systemLabel),
        .. rsa is null ? [] : new[] { ("issuing-r1", rsa, "issuing-r1") },
    ];

    /// <summary>Keys of the service that no certificate names.</summary>
    private static async Task MakeOwnKeysAsync(IHsm hsm)
    {
        await hsm.GenerateKeyAsync(new KeyLabel("ca-log"), HsmKeyKind.Sm2);
        await hsm.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3);
        await hsm.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek);
        await hsm.GenerateKeyAsync(new KeyLabel(FeedKey), HsmKeyKind.Sm2);
    }

    private static async Task<IReadOnlyList<(string, string, Certificate)>> RespondersAsync(
        SampleHierarchy hierarchy, IHsm hsm, IReadOnlyList<(string Name, Issuer Issuer, string Label)> issuers, DateTimeOffset now)
    {
        DateTimeOffset notBefore = Time.Truncate(now).Value;
        var responders = new List<(string, string, Certificate)>();
        foreach ((string name, Issuer issuer, _) in issuers.Where(each => each.Issuer.Algorithm != AlgorithmIdentifier.EcdsaWithSha256))
        {
            bool isSm2 = issuer.Algorithm == AlgorithmIdentifier.Sm3WithSm2;
            HsmKey key = await hsm.GenerateKeyAsync(new KeyLabel($"ocsp-{name}"), isSm2 ? HsmKeyKind.Sm2 : HsmKeyKind.Rsa2048);
            Certificate certificate = await issuer.IssueAsync(issuer.Prepare(hierarchy.Request("ocsp-responder") with
            {
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = key.PublicKey!,
                Subject = [.. hierarchy.Request("ocsp-responder").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, $"OCSP {name}")],
                NotBefore = notBefore,
                NotAfter = notBefore.AddDays(90).AddSeconds(-1),
                IntendedAt = notBefore,
            }));
            responders.Add((name, $"ocsp-{name}", certificate));
        }

        return responders;
    }

    private static async Task<Issuer> RsaAsync(SampleHierarchy hierarchy, IHsm hsm)
    {
        Name name = ZwCa.Asn1.Pkix.Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例省政务服务管理局"), (Oids.CommonName, "示例根CA R1"));
        Issuer root = await RootAsync(
            hierarchy, name, new HsmSigner(hierarchy.Hsm, await hierarchy.Hsm.GenerateKeyAsync(new KeyLabel("root-r1"), HsmKeyKind.Rsa4096)), "root");
        return await SubCaAsync(hierarchy, root, new HsmSigner(hsm, await hsm.GenerateKeyAsync(new KeyLabel("issuing-r1"), HsmKeyKind.Rsa3072)), "示例签发CA R1");
    }

    private static async Task<Issuer> RootAsync(SampleHierarchy hierarchy, Name name, HsmSigner signer, string profile)
    {
        var issuer = Issuer.OfRoot(name, signer, SampleHierarchy.Publication);
        return new Issuer(
            await issuer.IssueAsync(issuer.Prepare(hierarchy.Request(profile) with
            {
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
                Subject = [.. name.Rdns.Skip(1).Select(rdn => new SubjectText(rdn.Attributes[0].Type, rdn.Attributes[0].Text!))],
            })),
            signer,
            SampleHierarchy.Publication);
    }

    private static async Task<Issuer> SubCaAsync(SampleHierarchy hierarchy, Issuer root, HsmSigner signer, string name) => new(
        await root.IssueAsync(root.Prepare(hierarchy.Request("sub-ca") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
            Subject = [.. hierarchy.Request("sub-ca").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, name)],
        })),
        signer,
        SampleHierarchy.Publication);
}

/// <summary>Somebody with a token and a link.</summary>
internal sealed record StageOfficer(Sm2PrivateKey Key, Certificate Certificate, HttpClient Client) : IDisposable
{
    public OfficerIdentity Identity => Certificate.Tbs.Extensions!.Find<OfficerIdentity>()!;

    public SerialNumber SerialNumber => Certificate.Tbs.SerialNumber;

    public required X509Certificate2 Link { get; init; }

    /// <inheritdoc cref="RaParty.PostAsync{T}"/>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(Client, HttpMethod.Post, path, body, id);

    public Task<T> GetAsync<T>(string path) => SignedCalls.SendAsync<T>(Client, HttpMethod.Get, path, null, null);

    public void Dispose() => Key.Dispose();
}

/// <summary>An RA: its message key and its link.</summary>
internal sealed record RaParty(string Name, Sm2PrivateKey Key, MessageSigner Signer, HttpClient Client) : IDisposable
{
    public required X509Certificate2 Link { get; init; }

    /// <summary>Of the message key. Null: the test has made another, or a scene was loaded.</summary>
    public Certificate? Certificate { get; init; }

    /// <param name="id">Null: a new one.</param>
    /// <exception cref="RefusalException">The CA refused.</exception>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(Client, HttpMethod.Post, path, body, id);

    public Task<T> GetAsync<T>(string path) => SignedCalls.SendAsync<T>(Client, HttpMethod.Get, path, null, null);

    public void Dispose() => Key.Dispose();
}

internal static class SignedCalls
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static async Task<T> SendAsync<T>(HttpClient client, HttpMethod method, string path, object? body, RequestId? id)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = JsonContent.Create(body, body.GetType(), options: JsonSerializerOptions.Web);
        }

        MessageSigningHandler.SetRequestId(request, id ?? RequestId.Create(TimeProvider.System));
        using HttpResponseMessage response = await client.SendAsync(request);
        await response.ThrowIfRefusedAsync();
        return (await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web))!;
    }

    /// <summary>As a client with an outbox: again, with the same request id, while the service is away, busy with it, or short of what it needs.</summary>
    /// <exception cref="RefusalException">For good.</exception>
    public static async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException
                or RefusalException { Kind: Refusal.InProgress or Refusal.Unavailable or Refusal.AuditUnavailable })
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }
}

/// <summary>An application before it is decided about.</summary>
internal sealed record IssueDraft
{
    public DecisionKind Kind { get; init; } = DecisionKind.Issue;

    public string CaName { get; init; } = CaScene.Name;

    public string RaName { get; init; } = CaScene.RaName;

    public string Region { get; init; } = CaScene.City;

    public required string EnrollmentId { get; init; }

    public required CertificateBody Body { get; init; }

    public Application ToApplication() => new(Kind, CaName, RaName, Region, EnrollmentId, Der.Encode(Body));
}
