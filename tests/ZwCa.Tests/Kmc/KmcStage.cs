using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Gm.KeyManagement;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Kmc;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;
using ZwCa.Tests.HsmSim;
using Person = ZwCa.Tests.HsmSim.Person;

namespace ZwCa.Tests.Kmc;

/// <summary>The KMC in this process, on loopback, over real mutual TLS and a real device, with four officers; the CAs that it shall serve are in the device's policy and nowhere else.</summary>
internal sealed class KmcStage : IAsyncDisposable
{
    public const string Name = "kmc";
    public const string Nation = "000000";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "stage");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly HsmSimStore _store = new();
    private readonly SystemCa _system = new();
    private readonly StringWriter _log = new();
    private readonly List<IDisposable> _own = [];
    private HsmSimProcess _device = null!;
    private bool _started;

    public EscrowStory Story { get; } = new();

    /// <summary>Recovery officers, of whom the device takes three.</summary>
    public IReadOnlyList<Person> Judges { get; } = EscrowStory.People(5);

    public WebApplication App { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public Uri Management { get; private set; } = null!;

    public Database Database => App.Services.GetRequiredService<Database>();

    /// <summary>The KMC's own.</summary>
    public Certificate Certificate { get; private set; } = null!;

    public StageOfficer Super { get; private set; } = null!;

    public StageOfficer Audit { get; private set; } = null!;

    /// <summary>业务管理员.</summary>
    public StageOfficer First { get; private set; } = null!;

    public StageOfficer Second { get; private set; } = null!;

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

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <param name="settings">Besides, or instead of, the plain ones.</param>
    public static async Task<KmcStage> StartAsync(params (string Name, string Value)[] settings)
    {
        var stage = new KmcStage();
        try
        {
            await stage.PrepareAsync(settings);
            await stage.FillAsync();
            await stage.App.StartAsync(Token);
            stage._started = true;
            Uri[] addresses = [.. stage.App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(each => new Uri(each))];
            stage.Address = addresses.Single(each => each.Scheme == Uri.UriSchemeHttps);
            stage.Management = addresses.Single(each => each.Scheme == Uri.UriSchemeHttp);
            stage.Super = stage.Connect(stage.Super);
            stage.Audit = stage.Connect(stage.Audit);
            stage.First = stage.Connect(stage.First);
            stage.Second = stage.Connect(stage.Second);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>A link certificate of the system CA, which nobody admitted.</summary>
    public X509Certificate2 IssueLink(string name)
    {
        X509Certificate2 link = _system.Issue(name);
        _own.Add(link);
        return link;
    }

    public static ClientAdmission Admission(string name, LinkKind kind, X509Certificate2 link) => new(name, kind, Der.Decode<Certificate>(link.RawData));

    /// <summary>As <see cref="EscrowStory.Message"/> names it.</summary>
    public static Certificate MessageCertificate(StoryCa ca, string serial = "4d2f") => KmcScene.Certify(EscrowStory.CaSubject, ca.Signer.PublicKey, SerialNumber.Parse(serial), ca.Signer);

    /// <summary>Admitted and registered by the two administrators.</summary>
    /// <returns>The CA's link.</returns>
    public async Task<X509Certificate2> RegisterAsync(
        StoryCa ca, string link, SignedPart part = SignedPart.Content, SignatureForm form = SignatureForm.Der, string serial = "4d2f")
    {
        X509Certificate2 certificate = IssueLink(link);
        await CommandAsync("client.admit", Der.Encode(Admission(link, LinkKind.Ca, certificate)));
        await CommandAsync("ca.register", Der.Encode(new CaRegistration(ca.Name, MessageCertificate(ca, serial), link, part, form)));
        return certificate;
    }

    public static Application Command(string action, byte[] parameters, string region = Nation) => new(
        DecisionKind.Command, Name, Name, region, Convert.ToHexStringLower(Ulid.Create(DateTimeOffset.UtcNow)), Der.Encode(new CommandBody(action, parameters)));

    public static Task<CommandAnswer> ProposeAsync(StageOfficer officer, Application application) => officer.PostAsync<CommandAnswer>(
        "/commands", new CommandProposal { Application = Der.Encode(application), Approval = Der.Encode(Sign(officer, ApprovalStep.Entry, application)) });

    public static Task<CommandAnswer> ApproveAsync(StageOfficer officer, Application application) => officer.PostAsync<CommandAnswer>(
        $"/commands/{application.EnrollmentId}/approval", new CommandReview { Approval = Der.Encode(Sign(officer, ApprovalStep.Review, application)) });

    /// <summary>By the two administrators.</summary>
    public async Task<CommandAnswer> CommandAsync(string action, byte[] parameters)
    {
        Application application = Command(action, parameters);
        await ProposeAsync(First, application);
        return await ApproveAsync(Second, application);
    }

    /// <summary>What the first administrator proposes is refused at once.</summary>
    public async Task RefusedAsync(Refusal expected, string action, byte[] parameters, string region = Nation) =>
        await RefusedAsync(expected, () => ProposeAsync(First, Command(action, parameters, region)));

    public static async Task<RefusalException> RefusedAsync(Refusal expected, Func<Task> attempt)
    {
        RefusalException refused = await Assert.ThrowsAsync<RefusalException>(attempt);
        Assert.True(expected == refused.Kind, $"{refused.Kind} instead of {expected}: {refused.Message}");
        Assert.Contains(refused.Message, c => c >= 0x4E00);
        return refused;
    }

    /// <summary>Sends a message of GM/T 0014 over a link, and checks that the KMC has signed the answer.</summary>
    public async Task<KmRespond> SendAsync(X509Certificate2 link, byte[] message)
    {
        using HttpClient client = CreateClient(link);
        using var content = new ByteArrayContent(message);
        content.Headers.ContentType = new MediaTypeHeaderValue(Gmt0014Api.ContentType);
        using HttpResponseMessage answer = await client.PostAsync("/gmt0014", content, Token);
        await answer.ThrowIfRefusedAsync();
        Assert.Equal(Gmt0014Api.ContentType, answer.Content.Headers.ContentType?.MediaType);
        KmRespond respond = Der.Decode<KmRespond>(await answer.Content.ReadAsByteArrayAsync(Token));
        Assert.True(Key.Verify(respond.KsRespondBytes.Span, respond.DecodeSm2Signature().Raw.Span));
        return respond;
    }

    /// <summary>Of the KMC.</summary>
    public Sm2PublicKey Key => Certificate.Tbs.SubjectPublicKeyInfo.TryGetSm2Key(out Sm2PublicKey? key) ? key : throw new InvalidOperationException("No SM2 key.");

    public HttpClient CreateClient(X509Certificate2 link, MessageSigner? signer = null) => LinkTls.CreateClient(
        Address,
        () => link,
        new LinkTrust([_system.Certificate], TimeProvider.System),
        Patience,
        signer is null ? null : new MessageSigningHandler(signer, Name, TimeProvider.System));

    public Task<long> CountAsync(KeyState state) => Database.ReadAsync(transaction => EscrowedKeyStore.CountAsync(transaction, state), Token);

    public Task RawAsync(string sql, object? parameters = null) => Database.WriteAsync(transaction => transaction.ExecuteAsync(sql, parameters), Token);

    /// <summary>What readiness says of one check.</summary>
    public async Task<string> HealthOfAsync(string check)
    {
        using var client = new HttpClient { BaseAddress = Management };
        using HttpResponseMessage answer = await client.GetAsync("/health/ready", Token);
        using var document = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token));
        return document.RootElement.GetProperty("checks").EnumerateArray().Single(each => each.GetProperty("name").GetString() == check).GetProperty("status").GetString()!;
    }

    /// <summary>Waits for what a job does.</summary>
    public static async Task UntilAsync(Func<Task<bool>> reached)
    {
        for (int i = 0; i < 300; i++)
        {
            if (await reached())
            {
                return;
            }

            await Task.Delay(100, Token);
        }

        Assert.Fail("It was not reached within half a minute.");
    }

    /// <summary>A person enrolled with an id and certified; in office by nobody yet.</summary>
    public async Task<StageOfficer> CertifyAsync(string role)
    {
        byte[] person = RandomNumberGenerator.GetBytes(16);
        await App.Services.GetRequiredService<PersonRegistry>().EnrollAsync(CaScene.NewIdNumber(), PersonName.Parse("王小明"), Actor, person, Token);
        return Certify(role, person);
    }

    public StageOfficer Certify(string role, byte[] person)
    {
        var key = Sm2PrivateKey.Generate();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var tbs = new TbsCertificate(
            SerialNumber.FromBytes([0x11, .. RandomNumberGenerator.GetBytes(8)]),
            AlgorithmIdentifier.Sm3WithSm2,
            EscrowStory.CaSubject,
            new Validity(Time.Truncate(now.AddDays(-1)), Time.Truncate(now.AddDays(365))),
            ZwCa.Asn1.Pkix.Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "王小明")),
            SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            new Extensions(
            [
                Extension.Create(new KeyUsage(KeyUsages.DigitalSignature | KeyUsages.NonRepudiation), critical: true),
                Extension.Create(new OfficerIdentity(person, RoleCatalogue.Standard.Find(role)!.Kind, role, Nation), critical: false),
            ]));
        byte[] bytes = Der.Encode(tbs);
        var officer = new StageOfficer(key, ZwCa.Asn1.Pkix.Certificate.Assemble(bytes, Story.OfficerIssuer.Sign(bytes)), null!) { Link = IssueLink(Convert.ToHexStringLower(person)) };
        _own.Add(officer);
        return officer;
    }

    public StageOfficer Connect(StageOfficer officer)
    {
        HttpClient client = CreateClient(officer.Link, new MessageSigner(officer.SerialNumber, officer.Key));
        _own.Add(client);
        return officer with { Client = client };
    }

    public async ValueTask DisposeAsync()
    {
        _own.ForEach(each => each.Dispose());
        if (_started)
        {
            await App.StopAsync(CancellationToken.None);
        }

        if (App is not null)
        {
            await App.DisposeAsync();
        }

        if (_device is not null)
        {
            await _device.DisposeAsync();
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _system.Dispose();
        _store.Dispose();
        Story.Dispose();
        _folder.Dispose();
        await _log.DisposeAsync();
    }

    private static Approval Sign(StageOfficer officer, ApprovalStep step, Application application) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], DateTimeOffset.UtcNow), officer.Key, officer.Certificate);

    private async Task PrepareAsync(IEnumerable<(string Name, string Value)> changed)
    {
        _device = await _store.StartAsync();
        await _store.InstallPolicyAsync(_device, installed =>
        {
            Story.PartitionId = installed.Partition.ToArray();
            return Story.Policy(installed.Version, clients: installed.Clients, recovery: new RecoveryRule(3, [.. Judges.Select(judge => judge.PublicKey)]));
        });
        await using (SimulatorHsm hsm = await _store.ConnectAsync(_device))
        {
            foreach ((string label, HsmKeyKind kind) in ((string, HsmKeyKind)[])
            [
                ("escrow", HsmKeyKind.EscrowKek), ("log", HsmKeyKind.Sm2), ("rows", HsmKeyKind.HmacSm3), ("person-index", HsmKeyKind.HmacSm3), ("data-kek", HsmKeyKind.DataKek),
            ])
            {
                await hsm.GenerateKeyAsync(new KeyLabel(label), kind);
            }

            HsmKey message = await hsm.GenerateKeyAsync(new KeyLabel("message"), HsmKeyKind.Sm2);
            Certificate = KmcScene.Certify(
                ZwCa.Asn1.Pkix.Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "密钥管理中心")), message.PublicKey!, SerialNumber.Parse("77"), Story.OfficerIssuer);
        }

        string issuer = WriteCertificate("ops.pem", KmcScene.Certify(EscrowStory.CaSubject, Story.OfficerIssuer.PublicKey, SerialNumber.Parse("01"), Story.OfficerIssuer));
        using X509Certificate2 server = _system.Issue(Name);
        SystemCa.Write(server, _folder.File("link.pem"), _folder.File("link.key"), null);
        await File.WriteAllTextAsync(_folder.File("system-ca.pem"), _system.Certificate.ExportCertificatePem(), Token);
        var settings = new Dictionary<string, string?>
        {
            ["Kmc:Name"] = Name,
            ["Kmc:Hsm:Endpoint"] = _device.Endpoint.ToString(),
            ["Kmc:Hsm:Partition"] = HsmSimStore.Partition,
            ["Kmc:Hsm:ClientFolder"] = Path.Combine(_store.Path, "clients", HsmSimStore.Partition),
            ["Kmc:Log:Origin"] = "zwca/kmc",
            ["Kmc:Log:KeyLabel"] = "log",
            ["Kmc:Log:Anchors:0"] = _folder.File("log.anchor"),
            ["Kmc:EscrowKek"] = "escrow",
            ["Kmc:MessageKey"] = "message",
            ["Kmc:MessageCertificateFile"] = WriteCertificate("message.pem", Certificate),
            ["Kmc:RowMacKey"] = "rows",
            ["Kmc:PersonIndexKey"] = "person-index",
            ["Kmc:DataKek"] = "data-kek",
            ["Kmc:OfficerIssuerFiles:0"] = issuer,
            ["Kmc:Pool:Threshold"] = "4",
            ["Kmc:Pool:Full"] = "8",
            ["Kmc:PoolLook"] = "00:00:01",
            ["Kmc:ExpiryLook"] = "00:00:01",
        };
        foreach ((string name, string value) in changed)
        {
            settings[name] = value;
        }

        var program = new ServiceProgram { Description = "The KMC of a test.", Tables = KmcHosting.Tables, Checks = KmcHosting.Checks, Add = KmcHosting.Add, Map = KmcHosting.Map };
        App = program.Build(
            new ServiceOptions
            {
                Name = Name,
                Mode = ServiceMode.Development,
                Listen = "127.0.0.1:0",
                Management = "127.0.0.1:0",
                Link = new LinkOptions { CertificateFile = _folder.File("link.pem"), KeyFile = _folder.File("link.key"), SystemCaFile = _folder.File("system-ca.pem") },
                Database = new DatabaseOptions { ConnectionString = $"Data Source={_folder.File("kmc.db")}" },
            },
            new ConfigurationBuilder().AddInMemoryCollection(settings).Build(),
            TextWriter.Synchronized(_log));
        await App.Services.GetRequiredService<Migrator>().MigrateAsync(Token);
        foreach (StartCheck check in KmcHosting.Checks)
        {
            await check.Run(App.Services, Token);
        }
    }

    /// <summary>The ceremony's part, the highest two; and the administrators whom they put into office.</summary>
    private async Task FillAsync()
    {
        Super = await CertifyAsync(RoleCatalogue.SuperAdministrator);
        Audit = await CertifyAsync(RoleCatalogue.AuditAdministrator);
        OfficerDirectory directory = App.Services.GetRequiredService<OfficerDirectory>();
        await new Initialisation(Database, App.Services.GetRequiredService<AuditLog>(), directory, TimeProvider.System).InitialiseAsync(
            1, Der.Encode(Super.Certificate), Der.Encode(Audit.Certificate), DateTimeOffset.UtcNow.AddDays(365), Actor, Token);
        OfficerCommands commands = App.Services.GetRequiredService<OfficerCommands>();
        First = await CertifyAsync(RoleCatalogue.BusinessAdministrator);
        Second = await CertifyAsync(RoleCatalogue.BusinessAdministrator);
        foreach (StageOfficer officer in (StageOfficer[])[First, Second])
        {
            Application application = Command(OfficerActions.Create, Der.Encode(officer.Certificate));
            await commands.ProposeAsync(application, Sign(Super, ApprovalStep.Entry, application), Token);
            await commands.ApproveAsync(Convert.FromHexString(application.EnrollmentId), Sign(Audit, ApprovalStep.Review, application), Token);
        }

        ClientStore clients = App.Services.GetRequiredService<ClientStore>();
        foreach (StageOfficer officer in (StageOfficer[])[Super, Audit, First, Second])
        {
            await clients.RegisterAsync(Actor, officer.Link, Convert.ToHexStringLower(officer.Identity.Person.Span), ClientKind.Officer, Token);
        }
    }

    /// <returns>Its path.</returns>
    private string WriteCertificate(string name, Certificate certificate)
    {
        File.WriteAllText(_folder.File(name), Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
        return _folder.File(name);
    }
}
