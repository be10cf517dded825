using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Bulk;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.Crls;
using ZwCa.Ca.Jobs;
using ZwCa.Ca.Messages;
using ZwCa.Ca.Ocsp;
using ZwCa.Ca.Pairs;
using ZwCa.Ca.Registrations;
using ZwCa.Ca.Reaudit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Jobs;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ca;

/// <summary>What the CA is made of. What needs the device or the database is made when it is first asked for: the start checks ask, and report what is wrong.</summary>
internal static class CaHosting
{
    /// <summary>All tables above those that every service has.</summary>
    public static IReadOnlyList<MigrationSet> Tables { get; } = [RoleCatalogue.Migrations, CaTables.Migrations, JobTables.OnServers];

    public static IReadOnlyList<StartCheck> Checks { get; } =
    [
        new("roles", (services, cancellation) => RoleCatalogue.Standard.InstallAsync(services.GetRequiredService<Database>(), cancellation)),
        new("CAs and their keys", (services, _) => RequireFit(services)),
        new("subjects", (services, cancellation) => SubjectHashes.CheckAsync(services.GetRequiredService<Database>(), cancellation)),
        new("profiles and CRLs", (services, cancellation) => services.GetRequiredService<CrlScopes>().InstallAsync(cancellation)),
        new("OCSP", OcspHosting.CheckAsync),
        new("key centre", (services, _) => PairHosting.Check(services)),
        new("persons", (services, _) => Task.FromResult(services.GetRequiredService<PersonRegistry>())),

        new("jobs", JobHosting.CheckAsync),
        new("log", (services, cancellation) => new LogGuard(services.GetRequiredService<Database>(), services.GetRequiredService<LogOptions>()).CheckAsync(cancellation)),
    ];

    public static void Add(WebApplicationBuilder builder, ServiceOptions service)
    {
        var options = CaOptions.Read(builder.Configuration);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddDevice(options.Hsm);
        services.AddSingleton(provider => Wait(AuthorityList.OpenAsync(options, provider.GetRequiredService<IHsm>(), provider.GetRequiredService<Database>(), provider.GetRequiredService<TimeProvider>())));
        services.AddSingleton(options.ProfileFolder is { } folder ? ProfileCatalogue.Load(folder) : ProfileCatalogue.Shipped);
        services.AddSingleton<ProfileStore>();

        // Officers: certified by the operations CA.
        services.AddSingleton(provider => new OfficerIssuers([provider.GetRequiredService<AuthorityList>().Operations.Certificate.Tbs.SubjectPublicKeyInfo]));
        services.AddSingleton(RoleCatalogue.Standard);
        services.AddSingleton<OfficerDirectory>();
        services.AddSingleton<ApprovalVerifier>();
        services.AddPersons(options.PersonIndexKey, options.DataKek);

        // The log.
        services.AddDeviceLog(options.Log);

        // Messages and what they ask for.
        services.AddSingleton<CaSenders>();
        services.AddSignedMessages(provider => provider.GetRequiredService<CaSenders>().FindAsync, new MessageOptions { ClaimFor = options.ClaimFor });
        services.AddSingleton<IssueSteps>();
        services.AddSingleton<FinishIssuance>();
        services.AddSingleton<IssueCertificate>();
        services.AddSingleton<RecoverIssuance>();
        services.AddSingleton<KnownApprovals>();
        services.AddSingleton<KeepApproval>();
        services.AddSingleton<RaRequests>();
        services.AddSingleton<CertificateAnswers>();
        services.AddApiDocument();
        services.AddSingleton<CertificateStatus>();
        services.AddSingleton<ChangeStatus>();
        services.AddSingleton<StatusRequests>();
        services.AddSingleton<CertificateSearch>();
        services.AddSingleton<CertificateHistories>();
        services.AddSingleton<EventList>();
        services.AddSingleton<LogProofs>();
        services.AddSingleton<CertificateActions>();
        services.AddSingleton<BulkChanges>();

        // The actions are made of what holds commands against their rules: they are asked for when the first is.
        services.AddSingleton(provider => new ApprovalCheck(
            provider.GetRequiredService<OfficerIssuers>(),
            provider.GetRequiredService<RoleCatalogue>(),
            options.Name,
            name => provider.GetRequiredService<OfficerCommands>().FindAction(name)));
        services.AddSingleton<OrderedCommands>();
        services.AddSingleton<Places>();
        services.AddSingleton<StatusCommandCheck>();
        services.AddSingleton<StatusCheck>();
        services.AddSingleton<CertificateCheck>();
        services.AddSingleton<RegisterCheck>();
        services.AddSingleton<ReauditCertificates>();
        services.AddHealthChecks().AddCheck<ReauditHealth>(ReauditHealth.Name).AddCheck<BulkChangeHealth>(BulkChangeHealth.Name);
        services.AddRegistrations();
        services.AddPairs(options);
        builder.AddCrls(options.Crls);
        builder.AddOcsp(options.Ocsp);

        services.AddJobs(CaJobs.Scheduler, CaJobs.All(options), options.Jobs, service.Database);
    }

    public static void Map(WebApplication app)
    {
        app.UseMiddleware<CheckpointHeader>();
        app.MapCertificates();
        app.MapApprovals();
        app.MapPairs();
        app.MapRegistrations();
        app.MapApiDocument();
        app.MapBulkChanges();
        app.MapReaudits();
        app.MapFeed();
    }

    private static Task RequireFit(IServiceProvider services)
    {
        services.GetRequiredService<ServiceOptions>().RequirePinned(services.GetRequiredService<CaOptions>().Hsm, CaOptions.Section);
        AuthorityList authorities = services.GetRequiredService<AuthorityList>();
        Authority? demo = authorities.All.FirstOrDefault(each => each.Issuer.Publication.IsDemo || Publication.HasDemoMark(each.Certificate.Tbs.Subject));
        return demo is not null && services.GetRequiredService<ServiceOptions>().Mode == ServiceMode.Production
            ? throw new StartCheckException($"CA {demo.Name} is one of a demonstration: it never goes into production.")
            : Task.CompletedTask;
    }

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
