using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Custody;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Issuance;
using ZwCa.Kmc;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Registrations;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa;

/// <summary>
/// The KMC as it runs in production, for one CA of the tests: a process of its own, its keys in an hsm-sim that is another, an SQLite file with full durability. Linked into the test projects.
/// </summary>
internal sealed class KmcProcess : ServiceProcess
{
    public const string Name = "kmc";
    public const string Partition = "kmc";
    public const int RecoveryThreshold = 3;
    public const string LogOrigin = "zwca/kmc";
    public const string LogKey = "kmc-log";

    /// <summary>In the CA's device.</summary>
    public const string CaMessageKey = "ca-message";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "stage");

    private readonly IReadOnlyDictionary<string, string?> _settings;
    private string _folder = null!;
    private string _caFolder = null!;
    private HsmSimStore _store = null!;

    /// <param name="settings">Besides, or instead of, the plain ones: <c>Kmc:Pool:Full</c>.</param>
    public KmcProcess(IReadOnlyDictionary<string, string?>? settings = null)
        : base("zwca-kmc") => _settings = settings ?? new Dictionary<string, string?>();

    /// <summary>May be replaced by another of the same address, once the old one has ended.</summary>
    public HsmSimProcess Device { get; private set; } = null!;

    /// <summary>A connection of the test's own.</summary>
    public SimulatorHsm Hsm { get; private set; } = null!;

    /// <summary>Of whom <see cref="RecoveryThreshold"/> open a key without its CA.</summary>
    public IReadOnlyList<Sm2PrivateKey> RecoveryOfficers { get; } = [.. Enumerable.Range(0, 5).Select(_ => Sm2PrivateKey.Generate())];

    public string DatabaseFile => Path.Combine(_folder, "kmc.db");

    /// <summary>Of its log.</summary>
    public string AnchorFile => Path.Combine(_folder, "log.anchor");

    /// <summary>With which it speaks to its device.</summary>
    public string ClientFolder => Path.Combine(_store.Path, "clients", Partition);

    /// <summary>Of the key that signs its answers.</summary>
    public Certificate Certificate { get; private set; } = null!;

    /// <summary>Of the key that signs what the CA asks for.</summary>
    public Certificate CaCertificate { get; private set; } = null!;

    protected override string ConfigFile => Path.Combine(_folder, "kmc.json");

    /// <summary>Whatever an earlier run has left of a KMC in the CA's folder: <see cref="PrepareAsync"/> makes a new one.</summary>
    public static void Forget(string caFolder)
    {
        string folder = FolderOf(caFolder);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Its device, keys, certificates and records, for a CA that is being made: <see cref="CaProcessSetup.Prepare"/>.</summary>
    /// <returns>What the CA has to be told.</returns>
    public async Task<IReadOnlyDictionary<string, string?>> PrepareAsync(IHsm caHsm, CaIssuers issuers, string caFolder)
    {
        _caFolder = caFolder;
        _folder = FolderOf(caFolder);
        bool isNew = !Directory.Exists(_folder);
        Directory.CreateDirectory(_folder);
        var caKey = new HsmSigner(caHsm, await caHsm.FindKeyAsync(new KeyLabel(CaMessageKey)) ?? await caHsm.GenerateKeyAsync(new KeyLabel(CaMessageKey), HsmKeyKind.Sm2));
        string caCertificate = Path.Combine(_folder, "ca-message.pem");
        string ownCertificate = Path.Combine(_folder, "kmc-message.pem");
        _store = HsmSimStore.At(Path.Combine(_folder, "hsm"), Partition);
        Device = await _store.StartAsync();
        if (isNew)
        {
            var recovery = new RecoveryRule(RecoveryThreshold, [.. RecoveryOfficers.Select(key => SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()))]);
            await _store.InstallPolicyAsync(
                Device,
                policy => new PartitionPolicy(
                    policy.Partition, policy.Version, policy.Clients, policy.AllowSm2Decrypt, [new AuthorizingCa(CaScene.Name, [caKey.SubjectPublicKeyInfo])], [issuers.Operations.SubjectPublicKeyInfo], recovery),
                Partition);
        }

        Hsm = await _store.ConnectAsync(Device, Partition);
        if (isNew)
        {
            await MakeKeysAsync(issuers, caKey, caCertificate, ownCertificate);
        }

        Certificate = Read(ownCertificate);
        CaCertificate = Read(caCertificate);
        WriteConfiguration(issuers, ownCertificate);
        if (isNew)
        {
            await FillAsync(caCertificate);
        }

        return new Dictionary<string, string?>
        {
            ["Ca:KeyCentre:Address"] = $"https://localhost:{Address.Port}",
            ["Ca:KeyCentre:Recipient"] = Name,
            ["Ca:KeyCentre:CertificateFile"] = ownCertificate,
            ["Ca:KeyCentre:MessageKey"] = CaMessageKey,
            ["Ca:KeyCentre:MessageCertificateFile"] = caCertificate,
        };
    }

    /// <summary>Lets the link of the CA in, which there is only now.</summary>
    public async Task AdmitAsync()
    {
        await using Database database = OpenDatabase();
        using X509Certificate2 link = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_caFolder, "link.pem"));
        var clients = new ClientStore(database, new AuditLog(TimeProvider.System), TimeProvider.System);
        if (await clients.FindAsync(ClientStore.ThumbprintOf(link)) is null)
        {
            await clients.RegisterAsync(Actor, link, CaScene.ServiceName, ClientKind.Ca);
        }
    }

    /// <summary>A database of this program's own over the file: to read beside the service, to write while it does not run.</summary>
    public Database OpenDatabase() => new(new DatabaseOptions { ConnectionString = $"Data Source={DatabaseFile}" });

    /// <summary>Over the link of the CA, whose messages the test signs.</summary>
    public HttpClient CreateCaClient() => LinkTls.CreateClient(
        new Uri($"https://localhost:{Address.Port}"),
        () => X509Certificate2.CreateFromPemFile(Path.Combine(_caFolder, "link.pem"), Path.Combine(_caFolder, "link.key")),
        LinkTrust.Load(Path.Combine(_caFolder, "system-ca.pem"), TimeProvider.System),
        TimeSpan.FromSeconds(30));

    /// <inheritdoc cref="CaProcess.OpenAsync"/>
    public async Task<WebApplication> OpenAsync()
    {
        var program = new ServiceProgram { Description = "The KMC of a test.", Tables = KmcHosting.Tables, Checks = KmcHosting.Checks, Add = KmcHosting.Add, Map = KmcHosting.Map };
        Microsoft.Extensions.Configuration.IConfigurationRoot configuration = ServiceConfiguration.Load(ConfigFile);
        WebApplication app = program.Build(ServiceConfiguration.Read(configuration), configuration, TextWriter.Null);
        await app.Services.GetRequiredService<Migrator>().MigrateAsync();
        foreach (StartCheck check in KmcHosting.Checks)
        {
            await check.Run(app.Services, CancellationToken.None);
        }

        return app;
    }

    /// <summary>The device again, on the port of before.</summary>
    public async Task StartDeviceAsync()
    {
        string listen = Device.Endpoint.ToString();
        await Device.DisposeAsync();
        Device = await _store.StartAsync(listen);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Hsm is not null)
        {
            await Hsm.DisposeAsync();
        }

        if (Device is not null)
        {
            await Device.DisposeAsync();
        }

        _store?.Dispose();
        foreach (Sm2PrivateKey key in RecoveryOfficers)
        {
            key.Dispose();
        }
    }

    private static string FolderOf(string caFolder) => Path.Combine(caFolder, "kmc");

    private static async Task WriteAsync(string file, CaIssuers issuers, string name, SubjectPublicKeyInfo key)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Certificate certificate = await issuers.Operations.IssueAsync(issuers.Operations.Prepare(new IssuanceRequest
        {
            Profile = ProfileCatalogue.Shipped["service-signer"],
            SerialNumber = SerialNumbers.Create(),
            SubjectPublicKeyInfo = key,
            Subject = [new SubjectText(Oids.OrganizationName, "某省密码管理局"), new SubjectText(Oids.CommonName, name)],
            Place = [],
            NotBefore = now,
            NotAfter = now.AddDays(365),
            IntendedAt = now,
        }));
        await File.WriteAllTextAsync(file, Pem.Encode(Pem.Certificate, Der.Encode(certificate)));
    }

    private static Certificate Read(string file) => Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, File.ReadAllText(file)));

    private async Task MakeKeysAsync(CaIssuers issuers, HsmSigner caKey, string caCertificate, string ownCertificate)
    {
        foreach ((string label, HsmKeyKind kind) in ((string, HsmKeyKind)[])
        [
            ("escrow-kek", HsmKeyKind.EscrowKek), (LogKey, HsmKeyKind.Sm2), ("kmc-rows", HsmKeyKind.HmacSm3), ("person-index", HsmKeyKind.HmacSm3), ("data-kek", HsmKeyKind.DataKek),
        ])
        {
            await Hsm.GenerateKeyAsync(new KeyLabel(label), kind);
        }

        HsmKey message = await Hsm.GenerateKeyAsync(new KeyLabel("kmc-message"), HsmKeyKind.Sm2);
        await WriteAsync(caCertificate, issuers, "CA消息", caKey.SubjectPublicKeyInfo);
        await WriteAsync(ownCertificate, issuers, "KMC消息", message.PublicKey!);
    }

    private void WriteConfiguration(CaIssuers issuers, string ownCertificate)
    {
        string operations = Path.Combine(_folder, "ops-s1.pem");
        File.WriteAllText(operations, Pem.Encode(Pem.Certificate, Der.Encode(issuers.Operations.Certificate!)));
        File.WriteAllText(Path.Combine(_folder, "system-ca.pem"), Pem.Encode(Pem.Certificate, Der.Encode(issuers.System.Certificate!)));
        LinkOptionsFiles link = CaScene.WriteServerLink(issuers, _folder, TimeProvider.System);
        var settings = new Dictionary<string, string?>
        {
            ["Kmc:Name"] = Name,
            ["Kmc:Hsm:Endpoint"] = Device.Endpoint.ToString(),
            ["Kmc:Hsm:Partition"] = Partition,
            ["Kmc:Hsm:ClientFolder"] = ClientFolder,
            ["Kmc:Log:Origin"] = LogOrigin,
            ["Kmc:Log:KeyLabel"] = LogKey,
            ["Kmc:Log:Anchors:0"] = AnchorFile,
            ["Kmc:EscrowKek"] = "escrow-kek",
            ["Kmc:MessageKey"] = "kmc-message",
            ["Kmc:MessageCertificateFile"] = ownCertificate,
            ["Kmc:RowMacKey"] = "kmc-rows",
            ["Kmc:PersonIndexKey"] = "person-index",
            ["Kmc:DataKek"] = "data-kek",
            ["Kmc:OfficerIssuerFiles:0"] = operations,
            ["Kmc:Pool:Threshold"] = "16",
            ["Kmc:Pool:Full"] = "32",
            ["Kmc:PoolLook"] = "00:00:01",
            ["Service:Name"] = Name,
            ["Service:Mode"] = nameof(ServiceMode.Development),
            ["Service:Listen"] = Address.Authority,
            ["Service:Management"] = Management.Authority,
            ["Service:Link:CertificateFile"] = link.Certificate,
            ["Service:Link:KeyFile"] = link.Key,
            ["Service:Link:SystemCaFile"] = link.SystemCa,
            ["Service:Database:ConnectionString"] = $"Data Source={DatabaseFile}",
            ["Service:Limits:RequestsPerSecond"] = "100000",
            ["Service:Limits:RequestsAtOnce"] = "100000",
        };
        foreach ((string name, string? value) in _settings)
        {
            settings[name] = value;
        }

        File.WriteAllText(ConfigFile, JsonSerializer.Serialize(settings));
    }

    /// <summary>Tables, the CA that is served, and the first keys.</summary>
    private async Task FillAsync(string caCertificate)
    {
        await using WebApplication app = await OpenAsync();
        Certificate ca = Read(caCertificate);
        await app.Services.GetRequiredService<Database>().WriteAsync(transaction => transaction.ExecuteAsync(
            """
            INSERT INTO served_ca (ca_id, name, certificate, key_hash, link_name, state, signed_part, signature_form, registered_at, changed_at)
            VALUES (1, @Name, @Certificate, @KeyHash, @Link, 1, 1, 1, 0, 0)
            """,
            new { CaScene.Name, Certificate = Der.Encode(ca), KeyHash = Sm3.HashData(Der.Encode(ca.Tbs.SubjectPublicKeyInfo)), Link = CaScene.ServiceName }));
        var registration = new CaRegistration(CaScene.Name, ca, CaScene.ServiceName, SignedPart.Content, SignatureForm.Der);
        await app.Services.GetRequiredService<Database>().WriteAsync(transaction => app.Services.GetRequiredService<AuditLog>().AppendAsync(
            transaction,
            new AuditEvent(Actor, CaActions.Register, new AuditObject("ca", CaScene.Name), AuditOutcome.Done) { Fields = CaActions.FieldsOf(registration) }));
        await app.Services.GetRequiredService<RefillPool>().RunAsync(CancellationToken.None);
    }
}
