using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Audit.Sequencing;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Jobs;
using ZwCa.Officers;
using ZwCa.OfficersApi;
using ZwCa.Ra.Batches;
using ZwCa.Ra.Certificates;
using ZwCa.Ra.CertificationAuthority;
using ZwCa.Ra.Deliveries;
using ZwCa.Ra.Enrollments;
using ZwCa.Ra.Evidence;
using ZwCa.Ra.Jobs;
using ZwCa.Ra.Officers;
using ZwCa.Ra.Outbox;
using ZwCa.Ra.Subscribers;
using ZwCa.Ra.Tracking;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Health;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ra;

/// <summary>What an RA is made of. What needs the device or the database is made when it is first asked for: the start checks ask, and report what is wrong.</summary>
internal static class RaHosting
{
    /// <summary>All tables above those that every service has.</summary>
    public static IReadOnlyList<MigrationSet> Tables { get; } = [RoleCatalogue.Migrations, RaTables.Migrations, JobTables.OnServers];

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
        var options = RaOptions.Read(builder.Configuration);
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(options.Ca);
        services.AddSingleton(options.Limits);
        services.AddDevice(options.Hsm);
        services.AddDeviceLog(options.Log);

        // Officers: certified by the CA's authorities, in office by what the CA's directory says.
        services.AddSingleton(_ => new OfficerIssuers([.. options.OfficerIssuerFiles.Select(file => ServiceCertificates.Read(file).Tbs.SubjectPublicKeyInfo)]));
        services.AddSingleton(RoleCatalogue.Standard);
        services.AddSingleton<OfficerDirectory>();
        services.AddSingleton<ApprovalVerifier>();
        services.AddSingleton<KnownApprovals>();
        services.AddPersons(options.PersonIndexKey, options.DataKek);
        services.AddCaLog(options.Ca);
        services.AddSingleton<RaSenders>();
        services.AddSignedMessages(provider => provider.GetRequiredService<RaSenders>().FindAsync, new MessageOptions { ClaimFor = options.ClaimFor });
        services.AddSingleton(provider => Connect(provider, options));
        services.AddSingleton(_ => new OwnMessageCertificate(ServiceCertificates.Read(options.MessageCertificateFile)));
        services.AddHealthChecks().AddCheck<MessageCertificateHealth>(MessageCertificateHealth.Name);

        services.AddOfficers();
        services.AddSubscribers();
        services.AddEvidence();
        services.AddEnrollments();
        services.AddOutbox();
        services.AddDeliveries();
        services.AddBatches();
        builder.AddTracking(options);
        services.AddApiDocument();
        services.AddJobs(RaJobs.Scheduler, RaJobs.All(options), options.Jobs, service.Database);
    }

    public static void Map(WebApplication app)
    {
        app.MapOfficers();
        app.MapSubscribers();
        app.MapEvidence();
        app.MapEnrollments();
        app.MapDeliveries();
        app.MapBatches();
        app.MapCertificates();
        app.MapApiDocument();
    }

    /// <summary>Makes all that has to do with keys, and looks at whose they are.</summary>
    private static Task RequireFit(IServiceProvider services)
    {
        RaOptions options = services.GetRequiredService<RaOptions>();
        ServiceOptions service = services.GetRequiredService<ServiceOptions>();
        service.RequirePinned(options.Hsm, RaOptions.Section);
        _ = services.GetRequiredService<OfficerIssuers>();
        _ = services.GetRequiredService<CaClient>();
        _ = services.GetRequiredService<AuditVerifier>();
        bool hasDemo = options.OfficerIssuerFiles.Append(options.MessageCertificateFile).Any(file => ServiceCertificates.IsDemo(ServiceCertificates.Read(file)));
        return hasDemo && service.Mode == ServiceMode.Production
            ? throw new StartCheckException("The message certificate, or one of an officers' issuer, is of a demonstration: it never goes into production.")
            : Task.CompletedTask;
    }

    private static CaClient Connect(IServiceProvider provider, RaOptions options)
    {
        HsmKey key = Wait(provider.GetKeyAsync(options.MessageKey));
        TimeProvider time = provider.GetRequiredService<TimeProvider>();
        Certificate certificate = ServiceCertificates.ReadOwn(options.MessageCertificateFile, key, time.GetUtcNow());
        LinkCertificate link = provider.GetRequiredService<LinkCertificate>();
        var signer = new MessageSigner(certificate.Tbs.SerialNumber, new HsmSigner(provider.GetRequiredService<IHsm>(), key));
        LinkTrust trust = provider.GetRequiredService<LinkTrust>();
        var address = new Uri(options.Ca.Address);
        return new CaClient(
            LinkTls.CreateClient(address, () => link.Current, trust, options.Ca.Timeout),
            LinkTls.CreateClient(address, () => link.Current, trust, options.Ca.Timeout, new MessageSigningHandler(signer, options.Ca.Recipient, time)),
            provider.GetRequiredService<Checkpoints>(),
            time);
    }

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
