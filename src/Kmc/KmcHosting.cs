using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Jobs;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Jobs;
using ZwCa.Kmc.KeyPool;
using ZwCa.Kmc.Messages;
using ZwCa.Kmc.Recoveries;
using ZwCa.Kmc.Registrations;
using ZwCa.Kmc.Reports;
using ZwCa.Kmc.Requests;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Health;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Kmc;

/// <summary>What the KMC is made of. What needs the device or the database is made when it is first asked for: the start checks ask, and report what is wrong.</summary>
internal static class KmcHosting
{
    /// <summary>All tables above those that every service has.</summary>
    public static IReadOnlyList<MigrationSet> Tables { get; } = [RoleCatalogue.Migrations, KmcTables.Migrations, JobTables.OnServers];

    public static IReadOnlyList<StartCheck> Checks { get; } =
    [
        new("roles", (services, cancellation) => RoleCatalogue.Standard.InstallAsync(services.GetRequiredService<Database>(), cancellation)),
        new("keys and certificates", (services, _) => RequireFit(services)),
        new("persons", (services, _) => Task.FromResult(services.GetRequiredService<PersonRegistry>())),
        new("jobs", JobHosting.CheckAsync),
        new("log", (services, cancellation) => new LogGuard(services.GetRequiredService<Database>(), services.GetRequiredService<LogOptions>()).CheckAsync(cancellation)),
    ];

    public static void Add(WebApplicationBuilder builder, ServiceOptions service)
    {
        var options = KmcOptions.Read(builder.Configuration);
        if (options.Requests.ClaimFor < service.Limits.RequestTimeout)
        {
            throw new ConfigurationException([$"{KmcOptions.Section}:Requests:ClaimFor must be at least {ServiceOptions.Section}:Limits:RequestTimeout: otherwise two nodes would be at one message."]);
        }

        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(options.Pool);
        services.AddSingleton(options.Requests);
        services.AddDevice(options.Hsm);
        services.AddDeviceLog(options.Log);

        // Keys: those of subscribers and the KMC's own.
        services.AddSingleton(provider => Wait(OpenMacAsync(provider, options.RowMacKey)));
        services.AddSingleton(provider => new EscrowKek(Require(Wait(provider.GetKeyAsync(options.EscrowKek)), HsmKeyKind.EscrowKek)));
        services.AddSingleton(provider => Wait(OpenSignerAsync(provider, options)));
        services.AddSingleton<RefillPool>();
        services.AddSingleton<StockReserve>();
        services.AddSingleton<CheckRows>();
        services.AddSingleton<ReportRows>();
        services.AddSingleton<ExpireKeys>();
        services.AddSingleton<CountKeys>();
        services.AddSingleton<ReportRetention>();

        // Messages of GM/T 0014.
        services.AddSingleton<Sender>();
        services.AddSingleton<AnswerSteps>();
        services.AddSingleton<PlanRequests>();
        services.AddSingleton<AnswerRequests>();

        // Officers: certified by the CA's authorities, in office by this KMC's own directory.
        services.AddSingleton(_ => new OfficerIssuers([.. options.OfficerIssuerFiles.Select(file => ServiceCertificates.Read(file).Tbs.SubjectPublicKeyInfo)]));
        services.AddSingleton(RoleCatalogue.Standard);
        services.AddSingleton<OfficerDirectory>();
        services.AddPersons(options.PersonIndexKey, options.DataKek);
        services.AddSingleton<ApprovalVerifier>();
        services.AddRecoveries();
        services.AddSingleton<CaActions>();
        services.AddSingleton<LinkActions>();
        services.AddSingleton<StockActions>();
        services.AddSingleton(provider => new OfficerCommands(
            options.Name,
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<AuditLog>(),
            provider.GetRequiredService<OfficerDirectory>(),
            [
                .. provider.GetRequiredService<LinkActions>().WithLinks(new OfficerActions(provider.GetRequiredService<OfficerDirectory>(), OfficerActions.DefaultCertifiedFor).Standard),
                .. provider.GetRequiredService<CaActions>().All,
                .. provider.GetRequiredService<LinkActions>().All,
                provider.GetRequiredService<StockActions>().Action,
                provider.GetRequiredService<JudicialActions>().Action,
            ],
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new CommandFollowUp { CarryOutAsync = provider.GetRequiredService<RunJudicialRecoveries>().TryAsync });
        services.AddSingleton<CommandAnswers>();
        services.AddSingleton<KmcSenders>();
        services.AddSignedMessages(provider => provider.GetRequiredService<KmcSenders>().FindAsync, new MessageOptions { ClaimFor = options.ClaimFor });

        services.AddSingleton(provider => new OwnMessageCertificate(provider.GetRequiredService<KmcSigner>().Certificate));
        services.AddHealthChecks().AddCheck<StockHealth>(StockHealth.Name).AddCheck<RowsHealth>(RowsHealth.Name).AddCheck<MessageCertificateHealth>(MessageCertificateHealth.Name);
        services.AddJobs(KmcJobs.Scheduler, KmcJobs.All(options), options.Jobs, service.Database);
    }

    public static void Map(WebApplication app)
    {
        app.MapGmt0014();
        app.MapCommands();
        app.MapDirectory();
        app.MapRegisters();
        app.MapKeys();
        app.MapRecoveries();
    }

    /// <summary>Makes all that has to do with keys, and looks at whose they are.</summary>
    private static Task RequireFit(IServiceProvider services)
    {
        KmcOptions options = services.GetRequiredService<KmcOptions>();
        ServiceOptions service = services.GetRequiredService<ServiceOptions>();
        service.RequirePinned(options.Hsm, KmcOptions.Section);
        _ = services.GetRequiredService<RowMac>();
        _ = services.GetRequiredService<EscrowKek>();
        _ = services.GetRequiredService<OfficerIssuers>();
        KmcSigner signer = services.GetRequiredService<KmcSigner>();
        bool hasDemo = ServiceCertificates.IsDemo(signer.Certificate) || options.OfficerIssuerFiles.Any(file => ServiceCertificates.IsDemo(ServiceCertificates.Read(file)));
        return hasDemo && service.Mode == ServiceMode.Production
            ? throw new StartCheckException("The message certificate, or one of an officers' issuer, is of a demonstration: it never goes into production.")
            : Task.CompletedTask;
    }

    private static async Task<RowMac> OpenMacAsync(IServiceProvider provider, string label) =>
        await RowMac.OpenAsync(provider.GetRequiredService<IHsm>(), Require(await provider.GetKeyAsync(label), HsmKeyKind.HmacSm3));

    private static async Task<KmcSigner> OpenSignerAsync(IServiceProvider provider, KmcOptions options)
    {
        HsmKey key = Require(await provider.GetKeyAsync(options.MessageKey), HsmKeyKind.Sm2);
        Certificate certificate = ServiceCertificates.ReadOwn(options.MessageCertificateFile, key, provider.GetRequiredService<TimeProvider>().GetUtcNow());
        return new KmcSigner(new HsmSigner(provider.GetRequiredService<IHsm>(), key), key, certificate);
    }

    private static HsmKey Require(HsmKey key, HsmKeyKind kind) =>
        key.Kind == kind ? key : throw new StartCheckException($"The key {key.Label} is {key.Kind}; {kind} is needed.");

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
