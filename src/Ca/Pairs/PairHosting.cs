using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1.Pkix;
using ZwCa.Audit;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Certificates;
using ZwCa.Ca.KeyCentre;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Officers;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ca.Pairs;

/// <summary>Pairs, and the KMC that their keys come from; without one in the configuration none are issued.</summary>
internal static class PairHosting
{
    public static void AddPairs(this IServiceCollection services, CaOptions options)
    {
        if (options.KeyCentre is { } centre)
        {
            services.AddSingleton(centre);
            services.AddSingleton(provider => Connect(provider, centre));
            services.AddSingleton<WithdrawEnvelopes>();
            services.AddSingleton<KeyTasks>();
            services.AddHealthChecks().AddCheck<KeyCentreHealth>(KeyCentreHealth.Name);
        }

        services.AddSingleton(provider => new PairKeys(provider.GetRequiredService<Database>(), provider.GetRequiredService<AuthorityList>(), provider.GetService<KeyCentreClient>()));
        services.AddSingleton(provider => new PairAnswers(provider.GetRequiredService<CertificateAnswers>(), provider.GetRequiredService<AuthorityList>(), provider.GetService<KeyCentreClient>()));
        services.AddSingleton(provider => new PairReceipts(
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<AuditLog>(),
            provider.GetRequiredService<AuthorityList>(),
            provider.GetRequiredService<CertificateStatus>(),
            provider.GetService<KeyCentreClient>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PairReceipts>>()));
        services.AddSingleton(provider => new RecoverKey(
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<AuditLog>(),
            provider.GetRequiredService<AuditGate>(),
            provider.GetRequiredService<AuthorityList>(),
            provider.GetRequiredService<OfficerDirectory>(),
            provider.GetService<KeyCentreClient>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Whether the papers for the key centre are there, and fit. That it answers is no condition: single certificates are issued without it.</summary>
    public static Task Check(IServiceProvider services)
    {
        if (services.GetRequiredService<CaOptions>().KeyCentre is not { } centre)
        {
            return Task.CompletedTask;
        }

        _ = services.GetRequiredService<KeyCentreClient>();
        string[] files = [centre.CertificateFile, centre.MessageCertificateFile, .. centre.EarlierCertificateFiles];
        return services.GetRequiredService<ServiceOptions>().Mode == ServiceMode.Production && files.FirstOrDefault(file => ServiceCertificates.IsDemo(ServiceCertificates.Read(file))) is { } demo
            ? throw new StartCheckException($"{demo} is of a demonstration: it never goes into production.")
            : Task.CompletedTask;
    }

    private static KeyCentreClient Connect(IServiceProvider provider, KeyCentreOptions options)
    {
        IHsm hsm = provider.GetRequiredService<IHsm>();
        HsmKey key = hsm.FindKeyAsync(new KeyLabel(options.MessageKey)).GetAwaiter().GetResult() ?? throw new StartCheckException($"The token {hsm.Token.Label} has no key {options.MessageKey}.");
        var signer = new HsmSigner(hsm, key);
        Certificate own = ServiceCertificates.Read(options.MessageCertificateFile);
        if (own.Tbs.SubjectPublicKeyInfo != signer.SubjectPublicKeyInfo)
        {
            throw new StartCheckException($"{options.MessageCertificateFile} is for another key than {options.MessageKey}.");
        }

        TimeProvider time = provider.GetRequiredService<TimeProvider>();
        LinkCertificate link = provider.GetRequiredService<LinkCertificate>();
        LinkTrust trust = provider.GetRequiredService<LinkTrust>();
        var address = new Uri(options.Address);
        return new KeyCentreClient(
            LinkTls.CreateClient(address, () => link.Current, trust, options.Timeout),
            LinkTls.CreateClient(address, () => link.Current, trust, options.Timeout, new MessageSigningHandler(new MessageSigner(own.Tbs.SerialNumber, signer), options.Recipient, time)),
            signer,
            own,
            [ServiceCertificates.Read(options.CertificateFile), .. options.EarlierCertificateFiles.Select(ServiceCertificates.Read)],
            time);
    }
}
