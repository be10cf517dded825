using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca;
using ZwCa.Ca.Authorities;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>How a <see cref="CaStage"/> differs from the plain one.</summary>
internal sealed record CaSetup
{
    /// <summary>Null: an SQLite file of its own.</summary>
    public DatabaseOptions? Database { get; init; }

    /// <summary>Null: the machine's clock.</summary>
    public TimeProvider? Time { get; init; }

    public Func<ServiceOptions, ServiceOptions> Options { get; init; } = options => options;

    /// <summary>Settings of section Ca besides, or instead of, the plain ones: <c>Ca:RecoverAfter</c>.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    public Action<WebApplicationBuilder> Add { get; init; } = _ => { };

    /// <summary>Whether there is an RSA CA too: its keys take a second.</summary>
    public bool WithRsa { get; init; }
}

/// <summary>
/// A CA in this process, on loopback, over real mutual TLS, its keys in memory; with officers who are in office, regions, and an RA of a province with its own officers. Linked into the
/// test projects.
/// </summary>
internal sealed class CaStage : IAsyncDisposable
{
    public const string Name = "某省政务CA";
    public const string ServiceName = "ca";
    public const string Province = "350000";
    public const string City = "350100";
    public const string County = "350102";
    public const string OtherProvince = "360000";
    public const string RaName = "ra-35";

    public static readonly AuditActor Actor = new(AuditActorKind.Job, "stage");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _log = new();
    private readonly List<IDisposable> _own = [];
    private readonly TimeProvider _time;
    private bool _started;

    private CaStage(SampleHierarchy hierarchy, TimeProvider time)
    {
        Hierarchy = hierarchy;
        _time = time;
    }

    public SampleHierarchy Hierarchy { get; }

    public MemoryHsm Hsm => Hierarchy.Hsm;

    /// <summary>Certifies officers, RA systems and service signers.</summary>
    public Issuer Operations { get; private set; } = null!;

    /// <summary>Null unless asked for.</summary>
    public Issuer? Rsa { get; private set; }

    public WebApplication App { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public Uri Management { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    public AuthorityList Authorities => App.Services.GetRequiredService<AuthorityList>();

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

    public string Logged
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static async Task<CaStage> StartAsync(CaSetup? setup = null)
    {
        setup ??= new CaSetup();
        var stage = new CaStage(await SampleHierarchy.CreateAsync(), setup.Time ?? TimeProvider.System);
        try
        {
            await stage.StartServiceAsync(setup);
            await stage.FillAsync();
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>An officer in office, created by the two administrators, or the two highest; his link is registered.</summary>
    public async Task<StageOfficer> OfficerAsync(string role, string region, string name = "王小明")
    {
        StageOfficer officer = await CertifyAsync(role, region, name);
        (StageOfficer proposer, StageOfficer approver) = role == RoleCatalogue.BusinessAdministrator ? (Super, Audit) : (FirstAdministrator, SecondAdministrator);
        await DecideAsync(proposer, approver, OfficerActions.Create, region, Der.Encode(officer.Certificate));
        return officer;
    }

    /// <summary>A person with an officer certificate and a registered link, not in office.</summary>
    public async Task<StageOfficer> CertifyAsync(string role, string region, string name = "王小明", ReadOnlyMemory<byte>? person = null)
    {
        ReadOnlyMemory<byte> id = person
            ?? (await App.Services.GetRequiredService<PersonRegistry>().EnrollAsync(NewIdNumber(), PersonName.Parse(name), Actor)).Id;
        var key = Sm2PrivateKey.Generate();
        var identity = new OfficerIdentity(id, RoleCatalogue.Standard.Find(role)!.Kind, role, region);
        IssuanceRequest request = Hierarchy.Request("officer") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            Subject = [new SubjectText(Oids.OrganizationName, "某省密码管理局"), new SubjectText(Oids.CommonName, name), new SubjectText(Oids.SerialNumber, Convert.ToHexStringLower(id.Span))],
            Place = [],
            NotBefore = _time.GetUtcNow(),
            NotAfter = _time.GetUtcNow().AddDays(700),
            IntendedAt = _time.GetUtcNow(),
            Officer = identity,
        };
        Certificate certificate = await Operations.IssueAsync(Operations.Prepare(request));
        X509Certificate2 link = await RegisterAsync(Convert.ToHexStringLower(id.Span), ClientKind.Officer);
        var officer = new StageOfficer(key, certificate, CreateClient(link, new MessageSigner(certificate.Tbs.SerialNumber, key)));
        _own.Add(officer);
        return officer;
    }

    /// <summary>Two officers decide, beside the API.</summary>
    public async Task DecideAsync(StageOfficer proposer, StageOfficer approver, string action, string region, byte[] parameters)
    {
        OfficerDirectory directory = App.Services.GetRequiredService<OfficerDirectory>();
        var commands = new OfficerCommands(
            Name, Database, new AuditLog(_time), directory, new OfficerActions(directory, OfficerActions.DefaultCertifiedFor).Standard, _time);
        Application application = commands.Draft(action, RegionCode.Parse(region), parameters);
        await commands.ProposeAsync(application, Sign(proposer, ApprovalStep.Entry, application));
        await commands.ApproveAsync(Convert.FromHexString(application.EnrollmentId), Sign(approver, ApprovalStep.Review, application));
    }

    /// <summary>A link certificate of the system CA, registered.</summary>
    public async Task<X509Certificate2> RegisterAsync(string name, ClientKind kind)
    {
        X509Certificate2 link = await IssueLinkAsync(name);
        await App.Services.GetRequiredService<ClientStore>().RegisterAsync(Actor, link, name, kind);
        return link;
    }

    /// <summary>A link certificate of the system CA, which nobody registered.</summary>
    public async Task<X509Certificate2> IssueLinkAsync(string name, DateTimeOffset? notBefore = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTimeOffset from = notBefore ?? _time.GetUtcNow();
        Certificate certificate = await Hierarchy.System.IssueAsync(Hierarchy.System.Prepare(Hierarchy.Request("link") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = Der.Decode<SubjectPublicKeyInfo>(key.ExportSubjectPublicKeyInfo()),
            Subject = [.. Hierarchy.Request("link").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, name)],
            AlternativeNames = [new DnsName("link.example.gov.cn")],
            NotBefore = from,
            NotAfter = from.AddDays(90),
            IntendedAt = from,
        }));
        using X509Certificate2 plain = X509CertificateLoader.LoadCertificate(Der.Encode(certificate));
        X509Certificate2 link = plain.CopyWithPrivateKey(key);
        _own.Add(link);
        return link;
    }

    /// <summary>The service's own: of a loopback address, which no profile allows outside a demonstration.</summary>
    private X509Certificate2 IssueServerLink()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=ca", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(SystemCa.ServerAuthentication), new Oid(SystemCa.ClientAuthentication)], critical: false));
        DateTimeOffset now = _time.GetUtcNow();
        using X509Certificate2 system = X509CertificateLoader.LoadCertificate(Der.Encode(Hierarchy.System.Certificate!));
        using X509Certificate2 plain = request.Create(
            system.SubjectName, Hierarchy.Signer("system-root", KeyAlgorithm.P256), now.AddMinutes(-5), now.AddDays(89), RandomNumberGenerator.GetBytes(16));
        X509Certificate2 link = plain.CopyWithPrivateKey(key);
        _own.Add(link);
        return link;
    }

    /// <summary>A client over that link; signs its messages where there is a signer.</summary>
    public HttpClient CreateClient(X509Certificate2 link, MessageSigner? signer = null)
    {
        HttpClient client = LinkTls.CreateClient(
            Address,
            () => link,
            LinkTrust.Load(_folder.File("system-ca.pem"), _time),
            Patience,
            signer is null ? null : new MessageSigningHandler(signer, ServiceName, _time));
        _own.Add(client);
        return client;
    }

    /// <summary>A draft of an application of the stage's RA for a TLS server, which may be changed before it is decided about.</summary>
    public IssueDraft Draft(SubjectPublicKeyInfo key, string? entity = null)
    {
        entity ??= NewEntity();
        return new IssueDraft
        {
            EnrollmentId = NewEntity(),
            Body = new CertificateBody
            {
                Profile = "tls-server",
                ProfileHash = ProfileCatalogue.Shipped["tls-server"].Hash,
                Issuer = Hierarchy.Sub.KeyIdentifier,
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
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], at ?? _time.GetUtcNow()), officer.Key, officer.Certificate);

    /// <summary>A valid TLS server certificate by the whole way through the API.</summary>
    public async Task<(CertificateAnswer Answer, Sm2PrivateKey Key, IssueDraft Draft)> IssueAsync(string? entity = null)
    {
        var key = Sm2PrivateKey.Generate();
        _own.Add(key);
        IssueDraft draft = Draft(SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()), entity);
        return (await Ra.PostAsync<CertificateAnswer>("/certificates", Decide(draft.ToApplication(), csr: Csr(key))), key, draft);
    }

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

    /// <summary>Runs a statement outside all code of the service.</summary>
    public Task<int> RawAsync(string sql, object? parameters = null) => Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters));

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        if (_started)
        {
            await App.StopAsync();
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private async Task StartServiceAsync(CaSetup setup)
    {
        // The CAs' certificates and the service's own link, as files.
        HsmSigner operations = Hierarchy.Signer("operations", KeyAlgorithm.Sm2);
        Operations = await SubCaAsync(Hierarchy.Root, operations, "示例运行CA S1");
        var authorities = new List<(string Name, Issuer Issuer, string Label)>
        {
            ("issuing-s1", Hierarchy.Sub, "sub-ca"), ("ops-s1", Operations, "operations"), ("system", Hierarchy.System, "system-root"),
        };
        if (setup.WithRsa)
        {
            HsmSigner root = new(Hsm, await Hsm.GenerateKeyAsync(new KeyLabel("root-r1"), HsmKeyKind.Rsa4096));
            HsmSigner issuing = new(Hsm, await Hsm.GenerateKeyAsync(new KeyLabel("issuing-r1"), HsmKeyKind.Rsa3072));
            Rsa = await SubCaAsync(await RsaRootAsync(root), issuing, "示例签发CA R1");
            authorities.Add(("issuing-r1", Rsa, "issuing-r1"));
        }

        var settings = new Dictionary<string, string?>
        {
            ["Ca:Name"] = Name,
            ["Ca:BaseUrl"] = SampleHierarchy.Publication.BaseUrl,
            ["Ca:PolicyArc"] = SampleHierarchy.Publication.PolicyArc,
            ["Ca:Hsm:Endpoint"] = "127.0.0.1:1",
            ["Ca:Hsm:Partition"] = "ca",
            ["Ca:Hsm:ClientFolder"] = _folder.Path,
            ["Ca:OperationsAuthority"] = "ops-s1",
            ["Ca:SystemAuthority"] = "system",
            ["Ca:Log:Origin"] = "zwca/ca",
            ["Ca:Log:KeyLabel"] = "ca-log",
            ["Ca:Log:Anchors:0"] = _folder.File("log.anchor"),
            ["Ca:PersonIndexKey"] = "person-index",
            ["Ca:DataKek"] = "data-kek",
        };
        for (int i = 0; i < authorities.Count; i++)
        {
            (string name, Issuer issuer, string label) = authorities[i];
            File.WriteAllText(_folder.File($"{name}.pem"), Pem.Encode(Pem.Certificate, Der.Encode(issuer.Certificate!)));
            settings[$"Ca:Authorities:{i}:Name"] = name;
            settings[$"Ca:Authorities:{i}:CertificateFile"] = _folder.File($"{name}.pem");
            settings[$"Ca:Authorities:{i}:KeyLabel"] = label;
            settings[$"Ca:Authorities:{i}:ForSubscribers"] = name.StartsWith("issuing", StringComparison.Ordinal) ? "true" : "false";
        }

        foreach ((string name, string? value) in setup.Settings)
        {
            settings[name] = value;
        }

        await Hsm.GenerateKeyAsync(new KeyLabel("ca-log"), HsmKeyKind.Sm2);
        await Hsm.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3);
        await Hsm.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek);
        File.WriteAllText(_folder.File("system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(Hierarchy.System.Certificate!)));
        SystemCa.Write(IssueServerLink(), _folder.File("link.pem"), _folder.File("link.key"), null);

        ServiceOptions options = setup.Options(new ServiceOptions
        {
            Name = ServiceName,
            Mode = ServiceMode.Development,
            Listen = "127.0.0.1:0",
            Management = "127.0.0.1:0",
            Link = new LinkOptions { CertificateFile = _folder.File("link.pem"), KeyFile = _folder.File("link.key"), SystemCaFile = _folder.File("system-ca.pem") },
            Database = setup.Database ?? new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("ca.db")}" },
            Limits = new RequestLimits { RequestsPerSecond = 100_000, RequestsAtOnce = 100_000 },
        });
        var program = new ServiceProgram
        {
            Description = "The CA of a test.",
            Tables = CaHosting.Tables,
            Checks = CaHosting.Checks,
            Add = (builder, service) =>
            {
                builder.Services.AddSingleton(_time);
                builder.Services.AddSingleton<IHsm>(Hsm);
                setup.Add(builder);
                CaHosting.Add(builder, service);
            },
            Map = CaHosting.Map,
        };
        App = program.Build(options, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in CaHosting.Checks)
        {
            await check.Run(App.Services, CancellationToken.None);
        }

        await App.StartAsync();
        _started = true;
        Uri[] addresses = [.. App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
        Address = addresses.Single(each => each.Scheme == Uri.UriSchemeHttps);
        Management = addresses.Single(each => each.Scheme == Uri.UriSchemeHttp);
    }

    private async Task<Issuer> RsaRootAsync(HsmSigner signer)
    {
        Name name = ZwCa.Asn1.Pkix.Name.Create((Oids.CountryName, "CN"), (Oids.OrganizationName, "示例省政务服务管理局"), (Oids.CommonName, "示例根CA R1"));
        var issuer = Issuer.OfRoot(name, signer, SampleHierarchy.Publication);
        return new Issuer(
            await issuer.IssueAsync(issuer.Prepare(Hierarchy.Request("root") with
            {
                SerialNumber = SerialNumbers.Create(),
                SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
                Subject = [.. name.Rdns.Skip(1).Select(rdn => new SubjectText(rdn.Attributes[0].Type, rdn.Attributes[0].Text!))],
            })),
            signer,
            SampleHierarchy.Publication);
    }

    private async Task<Issuer> SubCaAsync(Issuer root, HsmSigner signer, string name) => new(
        await root.IssueAsync(root.Prepare(Hierarchy.Request("sub-ca") with
        {
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = signer.SubjectPublicKeyInfo,
            Subject = [.. Hierarchy.Request("sub-ca").Subject.Where(each => each.Type != Oids.CommonName), new SubjectText(Oids.CommonName, name)],
        })),
        signer,
        SampleHierarchy.Publication);

    private async Task FillAsync()
    {
        // The ceremony's part: the highest two.
        Super = await CertifyAsync(RoleCatalogue.SuperAdministrator, RegionCode.Nation.Value, "魏征");
        Audit = await CertifyAsync(RoleCatalogue.AuditAdministrator, RegionCode.Nation.Value, "包拯");
        var directory = App.Services.GetRequiredService<OfficerDirectory>();
        await new Initialisation(Database, new AuditLog(_time), directory, _time).InitialiseAsync(
            1, Der.Encode(Super.Certificate), Der.Encode(Audit.Certificate), _time.GetUtcNow().AddDays(365), Actor);

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
        foreach (Profile profile in ProfileCatalogue.Shipped.All)
        {
            await RawAsync(
                "INSERT INTO active_profile (name, profile_hash, activated_at) VALUES (@Name, @Hash, 1)", new { profile.Name, Hash = profile.Hash.ToArray() });
        }

        Ra = await RaAsync(RaName, Province);
    }

    /// <summary>An RA with a message certificate, a link and a scope.</summary>
    public async Task<RaParty> RaAsync(string name, string region, long quota = 1_000_000)
    {
        string entity = NewEntity();
        var key = Sm2PrivateKey.Generate();
        var body = new CertificateBody
        {
            Profile = "ra-system",
            ProfileHash = ProfileCatalogue.Shipped["ra-system"].Hash,
            Issuer = Operations.KeyIdentifier,
            Entity = entity,
            Subject = [new SubjectAttributeText(Oids.OrganizationName, "某省密码管理局"), new SubjectAttributeText(Oids.CommonName, name), new SubjectAttributeText(Oids.SerialNumber, entity)],
            SubjectPublicKeyInfo = SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            Days = 365,
            Evidence = Sm3.HashData([]),
        };
        byte[] bytes = Der.Encode(body);
        Ca.Certificates.CertificateRow row = await App.Services.GetRequiredService<Ca.Certificates.IssueCertificate>().RunAsync(
            new Ca.Certificates.IssuanceOrder
            {
                Requester = Ca.Certificates.IssuanceOrder.Command,
                Reference = entity,
                Kind = (short)DecisionKind.Command,
                RequestId = entity,
                Actor = Actor,
                Owner = $"{Ca.Certificates.IssuanceOrder.SystemOwner}/{entity}",
                Region = region,
                Body = body,
                Application = bytes,
                Digest = Sm3.HashData(bytes),
            },
            CancellationToken.None);
        await RawAsync(
            """
            INSERT INTO registration_authority (ra_name, entity, region, enabled, quota, issued, registered_at, changed_at)
            VALUES (@Name, @Entity, @Region, 1, @Quota, 0, 1, 1)
            """,
            new { Name = name, Entity = entity, Region = region, Quota = quota });
        foreach (Issuer? issuer in (Issuer?[])[Hierarchy.Sub, Rsa])
        {
            if (issuer is not null)
            {
                await RawAsync(
                    "INSERT INTO ra_scope (ra_name, profile, authority_id) VALUES (@Name, @Profile, @Authority)",
                    new { Name = name, Profile = "tls-server", Authority = Authorities.Find(issuer.KeyIdentifier.Span)!.Id });
            }
        }

        var signer = new MessageSigner(SerialNumber.Parse(row.Serial), key);
        var party = new RaParty(name, key, signer, CreateClient(await RegisterAsync(name, ClientKind.Ra), signer));
        _own.Add(party);
        return party;
    }
}

/// <summary>Somebody with a token and a link.</summary>
internal sealed record StageOfficer(Sm2PrivateKey Key, Certificate Certificate, HttpClient Client) : IDisposable
{
    public OfficerIdentity Identity => Certificate.Tbs.Extensions!.Find<OfficerIdentity>()!;

    public SerialNumber SerialNumber => Certificate.Tbs.SerialNumber;

    /// <inheritdoc cref="RaParty.PostAsync{T}"/>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(Client, HttpMethod.Post, path, body, id);

    public Task<T> GetAsync<T>(string path) => SignedCalls.SendAsync<T>(Client, HttpMethod.Get, path, null, null);

    public void Dispose() => Key.Dispose();
}

/// <summary>An RA: its message key and its link.</summary>
internal sealed record RaParty(string Name, Sm2PrivateKey Key, MessageSigner Signer, HttpClient Client) : IDisposable
{
    /// <param name="id">Null: a new one.</param>
    /// <exception cref="RefusalException">The CA refused.</exception>
    public Task<T> PostAsync<T>(string path, object body, RequestId? id = null) => SignedCalls.SendAsync<T>(Client, HttpMethod.Post, path, body, id);

    public Task<T> GetAsync<T>(string path) => SignedCalls.SendAsync<T>(Client, HttpMethod.Get, path, null, null);

    public void Dispose() => Key.Dispose();
}

internal static class SignedCalls
{
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
}

/// <summary>An application before it is decided about.</summary>
internal sealed record IssueDraft
{
    public DecisionKind Kind { get; init; } = DecisionKind.Issue;

    public string CaName { get; init; } = CaStage.Name;

    public string RaName { get; init; } = CaStage.RaName;

    public string Region { get; init; } = CaStage.City;

    public required string EnrollmentId { get; init; }

    public required CertificateBody Body { get; init; }

    public Application ToApplication() => new(Kind, CaName, RaName, Region, EnrollmentId, Der.Encode(Body));
}
