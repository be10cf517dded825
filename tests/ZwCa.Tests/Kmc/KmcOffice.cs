using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using ZwCa.Asn1;
using ZwCa.Asn1.Decisions;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Contracts.Kmc;
using ZwCa.Cryptography;
using ZwCa.Hsm;
using ZwCa.Kmc.Recoveries;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.Tests.HsmSim.Device;
using ZwCa.Tests.Officers;
using Officer = ZwCa.Officers.Officer;

namespace ZwCa.Tests.Kmc;

/// <summary>The KMC's own two highest officers, and the recoveries that they order.</summary>
internal sealed class KmcOffice : IDisposable
{
    private const string ServiceName = "密钥管理中心";

    private readonly KmcScene _scene;
    private PersonRegistry _persons = null!;
    private OfficerDirectory _directory = null!;

    private KmcOffice(KmcScene scene) => _scene = scene;

    /// <summary>The KMC's; the device has its own.</summary>
    public ManualClock Clock { get; } = new(TimeProvider.System.GetUtcNow());

    public Clerk Super { get; private set; } = null!;

    public Clerk Audit { get; private set; } = null!;

    public OfficerCommands Commands { get; private set; } = null!;

    public RunJudicialRecoveries Run { get; private set; } = null!;

    public FetchJudicialRecovery Fetch { get; private set; } = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<KmcOffice> OpenAsync(KmcScene scene)
    {
        var office = new KmcOffice(scene);
        var log = new AuditLog(office.Clock);
        var issuers = new OfficerIssuers([scene.Story.OfficerIssuer.PublicKey]);
        await RoleCatalogue.Standard.InstallAsync(scene.Database, Token);
        HsmKey index = await scene.Device.GenerateKeyAsync(new KeyLabel("person-index"), HsmKeyKind.HmacSm3, Token);
        HsmKey kek = await scene.Device.GenerateKeyAsync(new KeyLabel("data-kek"), HsmKeyKind.DataKek, Token);
        office._persons = await PersonRegistry.OpenAsync(scene.Database, log, scene.Device, index, kek, office.Clock, Token);
        office._directory = new OfficerDirectory(scene.Database, log, issuers, RoleCatalogue.Standard, office.Clock);
        office.Super = await office.CertifyAsync(RoleCatalogue.SuperAdministrator, OfficerKind.Administrator);
        office.Audit = await office.CertifyAsync(RoleCatalogue.AuditAdministrator, OfficerKind.Auditor);
        await new Initialisation(scene.Database, log, office._directory, office.Clock).InitialiseAsync(
            1, Der.Encode(office.Super.Certificate), Der.Encode(office.Audit.Certificate), office.Clock.GetUtcNow().AddDays(365), OfficerStory.Ceremony, Token);
        var actions = new JudicialActions(scene.Mac);
        office.Commands = new OfficerCommands(ServiceName, scene.Database, log, office._directory, [actions.Action], office.Clock);
        office.Run = new RunJudicialRecoveries(
            scene.Database, log, new AuditGate(_ => Task.FromResult<string?>(null)), office.Commands, actions, scene.Device, office.Clock, NullLogger<RunJudicialRecoveries>.Instance);
        office.Fetch = new FetchJudicialRecovery(scene.Database, log, office.Clock);
        return office;
    }

    /// <summary>Proposed by one and approved by the other; then the device is asked.</summary>
    /// <returns>The recovery's id.</returns>
    public async Task<byte[]> OrderAsync(SerialNumber serial, byte[] statement, string? caName = null)
    {
        byte[] id = await ApproveAsync(serial, statement, caName);
        await Run.TryAsync(id, Token);
        return id;
    }

    /// <summary>Without the run.</summary>
    public async Task<byte[]> ApproveAsync(SerialNumber serial, byte[] statement, string? caName = null, string region = "000000")
    {
        Application application = await ProposeAsync(serial, statement, caName, region);
        byte[] id = Convert.FromHexString(application.EnrollmentId);
        await Commands.ApproveAsync(id, Sign(Audit, ApprovalStep.Review, application), Token);
        return id;
    }

    public async Task<Application> ProposeAsync(SerialNumber serial, byte[] statement, string? caName = null, string region = "000000")
    {
        var order = new JudicialOrder(caName ?? _scene.Story.Ca.Name, serial, Der.Decode<ZwCa.Asn1.Custody.SignedStatement>(statement));
        Application application = Commands.Draft(JudicialActions.Order, RegionCode.Parse(region), Der.Encode(order));
        await Commands.ProposeAsync(application, Sign(Super, ApprovalStep.Entry, application), Token);
        return application;
    }

    public async Task<JudicialRecoveryAnswer> FetchAsync(byte[] id, Clerk? by = null)
    {
        Officer officer = (await _directory.FindAsync((by ?? Super).SerialNumber, Token))!;
        return await Fetch.RunAsync(officer, id, _ => Task.CompletedTask, Token);
    }

    public void Dispose()
    {
        _persons.Dispose();
        Super.Key.Dispose();
        Audit.Key.Dispose();
    }

    private Approval Sign(Clerk clerk, ApprovalStep step, Application application) =>
        ApprovalSigning.Sign(ApprovalSigning.Build(step, [application], Clock.GetUtcNow()), clerk.Key, clerk.Certificate);

    private async Task<Clerk> CertifyAsync(string role, OfficerKind kind)
    {
        ZwCa.Officers.Person person = await _persons.EnrollAsync(OfficerStory.NewIdNumber(), PersonName.Parse("王小明"), OfficerStory.Ceremony, cancellationToken: Token);
        var key = Sm2PrivateKey.Generate();
        byte[] tbs = Der.Encode(new TbsCertificate(
            SerialNumber.FromBytes([0x40, .. RandomNumberGenerator.GetBytes(15)]),
            AlgorithmIdentifier.Sm3WithSm2,
            ZwCa.Tests.HsmSim.EscrowStory.CaSubject,
            new Validity(Time.Truncate(Clock.GetUtcNow().AddMinutes(-10)), Time.Truncate(Clock.GetUtcNow().AddDays(800))),
            Name.Create((Oids.CountryName, "CN"), (Oids.CommonName, role)),
            SubjectPublicKeyInfo.ForSm2(key.PublicKey.ToBytes()),
            new Extensions([Extension.Create(KeyUsage.Signing, critical: true), Extension.Create(new OfficerIdentity(person.Id, kind, role, "000000"), critical: false)])));
        return new Clerk(key, Certificate.Assemble(tbs, _scene.Story.OfficerIssuer.Sign(tbs)));
    }
}
