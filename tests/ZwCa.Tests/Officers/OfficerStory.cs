using System.Globalization;
using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.Tests.HsmSim.Device;

namespace ZwCa.Tests.Officers;

/// <summary>A service with officers, on one database: an issuer of officers' certificates, the ceremony, and whoever a test creates.</summary>
internal sealed class OfficerStory : IAsyncDisposable
{
    public const string ServiceName = "政务CA 签发一";

    /// <summary>What a test's own action is called; two persons, as for the standard ones.</summary>
    public const string Harmless = "harmless.do";

    public static readonly DateTimeOffset Start = new(2026, 3, 2, 9, 0, 0, TimeSpan.Zero);
    public static readonly AuditActor Ceremony = new(AuditActorKind.Job, "ceremony");

    private static readonly Name IssuerName = Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "政务CA 人员证书"));

    private readonly TestDatabase _test;

    private OfficerStory(TestDatabase test)
    {
        _test = test;
        Log = new AuditLog(Clock);
    }

    public ManualClock Clock { get; } = new(Start);

    public MemoryHsm Hsm { get; } = new();

    public AuditLog Log { get; }

    public DatabaseOptions Options => _test.Options;

    public Database Database => _test.Database;

    public HsmKey IndexKey { get; private set; } = null!;

    public HsmKey Kek { get; private set; } = null!;

    public HsmSigner Issuer { get; private set; } = null!;

    public OfficerIssuers Issuers { get; private set; } = null!;

    public PersonRegistry Persons { get; private set; } = null!;

    public OfficerDirectory Directory { get; private set; } = null!;

    public OfficerCommands Commands { get; private set; } = null!;

    public Initialisation Initialisation { get; private set; } = null!;

    public Clerk Super { get; private set; } = null!;

    public Clerk Audit { get; private set; } = null!;

    /// <summary>How often the test's own action was done.</summary>
    public int Effects { get; set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<OfficerStory> CreateAsync(DatabaseKind kind, bool initialise = true)
    {
        var story = new OfficerStory(await TestDatabase.CreateAsync(kind, MigrationSet.Data, AuditLog.Migrations, RoleCatalogue.Migrations));
        await RoleCatalogue.Standard.InstallAsync(story.Database, Token);
        story.IndexKey = await story.Hsm.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3, Token);
        story.Kek = await story.Hsm.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek, Token);
        story.Issuer = new HsmSigner(story.Hsm, await story.Hsm.GenerateKeyAsync(new KeyLabel("officer-issuer"), HsmKeyKind.Sm2, Token));
        story.Issuers = new OfficerIssuers([story.Issuer.SubjectPublicKeyInfo]);
        story.Persons = await PersonRegistry.OpenAsync(story.Database, story.Log, story.Hsm, story.IndexKey, story.Kek, story.Clock, Token);
        story.Directory = new OfficerDirectory(story.Database, story.Log, story.Issuers, RoleCatalogue.Standard, story.Clock);
        story.Initialisation = new Initialisation(story.Database, story.Log, story.Directory, story.Clock);
        var actions = new OfficerActions(story.Directory, OfficerActions.DefaultCertifiedFor);
        story.Commands = new OfficerCommands(
            ServiceName,
            story.Database,
            story.Log,
            story.Directory,
            [.. actions.Standard, new CommandAction(Harmless, OfficerActions.TwoPersons) { DoAsync = story.CountAsync }],
            story.Clock);
        story.Super = await story.NewClerkAsync(RoleCatalogue.SuperAdministrator);
        story.Audit = await story.NewClerkAsync(RoleCatalogue.AuditAdministrator);
        if (initialise)
        {
            await story.InitialiseAsync();
        }

        return story;
    }

    public Task InitialiseAsync(short number = 1, Clerk? super = null, Clerk? audit = null) => Initialisation.InitialiseAsync(
        number, Der.Encode((super ?? Super).Certificate), Der.Encode((audit ?? Audit).Certificate), Clock.GetUtcNow().AddDays(365), Ceremony, Token);

    /// <summary>A number with the right check character, of somebody new.</summary>
    public static IdNumber NewIdNumber()
    {
        string first = "110101" + new DateTime(1970, 1, 1).AddDays(RandomNumberGenerator.GetInt32(10_000)).ToString("yyyyMMdd", CultureInfo.InvariantCulture)
            + RandomNumberGenerator.GetInt32(1000).ToString("D3", CultureInfo.InvariantCulture);
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        return IdNumber.Parse(first + "10X98765432"[first.Select((c, i) => (c - '0') * weights[i]).Sum() % 11]);
    }

    public Task<Person> EnrollAsync(IdNumber? number = null, string name = "王小明") =>
        Persons.EnrollAsync(number ?? NewIdNumber(), PersonName.Parse(name), Ceremony, cancellationToken: Token);

    /// <summary>An enrolled person with a certificate, not in office yet.</summary>
    public async Task<Clerk> NewClerkAsync(
        string role, string region = "000000", ReadOnlyMemory<byte>? person = null, OfficerKind? kind = null, HsmSigner? issuer = null, TimeSpan? validFor = null)
    {
        var key = Sm2PrivateKey.Generate();
        var identity = new OfficerIdentity(
            person ?? (await EnrollAsync()).Id, kind ?? RoleCatalogue.Standard.Find(role)?.Kind ?? OfficerKind.Operator, role, region);
        return new Clerk(key, await CertifyAsync(identity, key, issuer, validFor));
    }

    public async Task<Certificate> CertifyAsync(OfficerIdentity identity, Sm2PrivateKey key, HsmSigner? issuer = null, TimeSpan? validFor = null, KeyUsage? usage = null,
        SubjectPublicKeyInfo? publicKey = null, IReadOnlyList<Extension>? extensions = null, SerialNumber? serial = null)
    {
        byte[] tbs = Der.Encode(new TbsCertificate(
            serial ?? SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]),
            AlgorithmIdentifier.Sm3WithSm2,
            IssuerName,
            new Validity(Time.Truncate(Clock.GetUtcNow().AddMinutes(-10)), Time.Truncate(Clock.GetUtcNow() + (validFor ?? TimeSpan.FromDays(800)))),
            Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, "政务CA 人员")),
            publicKey ?? SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            new ZwCa.Asn1.Pkix.Extensions(extensions ?? [Extension.Create(usage ?? KeyUsage.Signing, critical: true), Extension.Create(identity, critical: false)])));
        return Certificate.Assemble(tbs, await (issuer ?? Issuer).SignAsync(tbs, Token));
    }

    /// <summary>An officer, created as it should be.</summary>
    public async Task<Clerk> OfficerAsync(Clerk proposer, Clerk approver, string role, string region = "000000", ReadOnlyMemory<byte>? person = null)
    {
        Clerk clerk = await NewClerkAsync(role, region, person);
        await DoAsync(proposer, approver, OfficerActions.Create, region, Der.Encode(clerk.Certificate));
        return clerk;
    }

    public Task<Clerk> BusinessAdministratorAsync(string region = "000000") => OfficerAsync(Super, Audit, RoleCatalogue.BusinessAdministrator, region);

    public Task RegionAsync(string code, string parent, string name) =>
        DoAsync(Super, Audit, OfficerActions.RegisterRegion, code, Der.Encode(new RegionEntry(code, parent, name)));

    public async Task<ApprovedApplication> DoAsync(Clerk proposer, Clerk approver, string action, string region, byte[] parameters)
    {
        Application application = await ProposeAsync(proposer, action, region, parameters);
        return await ApproveAsync(approver, application);
    }

    public async Task<Application> ProposeAsync(Clerk proposer, string action, string region, byte[] parameters)
    {
        Application application = Commands.Draft(action, RegionCode.Parse(region), parameters);
        await Commands.ProposeAsync(application, Sign(proposer, ApprovalStep.Entry, application), Token);
        return application;
    }

    public Task<Application> ProposeHarmlessAsync(Clerk proposer) => ProposeAsync(proposer, Harmless, "000000", [0x05, 0x00]);

    public Task<ApprovedApplication> ApproveAsync(Clerk approver, Application application) =>
        Commands.ApproveAsync(IdOf(application), Sign(approver, ApprovalStep.Review, application), Token);

    /// <summary>Disabled by whom stands above.</summary>
    public Task DisableAsync(Clerk by, Clerk subject, string region = "000000") =>
        ProposeAsync(by, OfficerActions.Disable, region, Der.Encode(new OfficerChange(subject.SerialNumber, "调离岗位")));

    public Approval Sign(Clerk clerk, ApprovalStep step, Application application, DateTimeOffset? time = null) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], time ?? Clock.GetUtcNow()), clerk.Key, clerk.Certificate);

    public static byte[] IdOf(Application application) => Convert.FromHexString(application.EnrollmentId);

    public async Task<Officer> FindAsync(Clerk clerk) => (await Directory.FindAsync(clerk.SerialNumber, Token))!;

    /// <summary>Runs a statement outside all code of the service.</summary>
    public Task RawAsync(string sql, object? parameters = null) =>
        Database.WriteAsync(async transaction => { await transaction.ExecuteAsync(sql, parameters); }, Token);

    public Task<IReadOnlyList<string>> ActionsAsync(AuditOutcome outcome) => LeavesAsync(leaf => leaf.Outcome == outcome);

    public async Task<IReadOnlyList<byte[]>> LeafBytesAsync() =>
        await Database.QueryAsync<byte[]>("SELECT leaf FROM audit_event ORDER BY event_id", cancellationToken: Token);

    public async ValueTask DisposeAsync()
    {
        Persons.Dispose();
        await Hsm.DisposeAsync();
        await _test.DisposeAsync();
    }

    private async Task<IReadOnlyList<string>> LeavesAsync(Func<AuditLeaf, bool> which) =>
        [.. (await LeafBytesAsync()).Select(bytes => Der.Decode<AuditLeaf>(bytes)).Where(which).Select(leaf => leaf.Action)];

    private Task CountAsync(CommandContext context)
    {
        // A unit may run twice on a server whose deadlock it was: the tests that count have one writer.
        Effects++;
        return Task.CompletedTask;
    }
}

/// <summary>Somebody with a token.</summary>
internal sealed record Clerk(Sm2PrivateKey Key, Certificate Certificate)
{
    public SerialNumber SerialNumber => Certificate.Tbs.SerialNumber;

    public OfficerIdentity Identity => Certificate.Tbs.Extensions!.Find<OfficerIdentity>()!;

    public ReadOnlyMemory<byte> Person => Identity.Person;
}
