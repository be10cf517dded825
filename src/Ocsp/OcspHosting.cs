using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Ocsp.Answers;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Listening;
using ZwCa.ServiceDefaults;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Verbs;

namespace ZwCa.Ocsp;

/// <summary>What a responder is made of. What needs the device is made when it is first asked for: the start checks ask, and report what is wrong.</summary>
internal static class OcspHosting
{
    public static IReadOnlyList<StartCheck> Checks { get; } =
    [
        new("feed keys", (services, _) => Task.FromResult(ReadKeys(services.GetRequiredService<OcspOptions>().Feed))),
        new("node keys", (services, _) => RequireFit(services)),
    ];

    public static void Add(WebApplicationBuilder builder, ServiceOptions service)
    {
        var options = OcspOptions.Read(builder.Configuration);
        IServiceCollection services = builder.Services;
        if (options.Hsm is { } device)
        {
            services.AddDevice(device);
        }

        services.AddSingleton(provider => LinkTls.CreateClient(
            options.Feed.Url, () => provider.GetRequiredService<LinkCertificate>().Current, provider.GetRequiredService<LinkTrust>(), options.Feed.Timeout));
        services.AddSingleton(provider => Wait(OpenSignersAsync(provider, service, options)));
        builder.AddResponder(options, provider => new FeedCopy(
            options.Feed.Origin,
            ReadKeys(options.Feed),
            options.Feed.Folder,
            options.Feed.MemoryFile ?? Path.Combine(options.Feed.Folder, "heard"),
            provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>What answers. The client of the feed (an <see cref="HttpClient"/>) and the node's signers are the caller's to register.</summary>
    internal static void AddResponder(this WebApplicationBuilder builder, OcspOptions options, Func<IServiceProvider, FeedCopy> open)
    {
        IServiceCollection services = builder.Services;
        services.AddSingleton(options);
        services.AddSingleton(options.Feed);
        services.AddSingleton(options.Buckets);
        services.AddSingleton<Func<FeedCopy>>(provider => () => open(provider));
        services.AddSingleton<FeedState>();
        services.AddSingleton<FeedClient>();
        services.AddSingleton<CrlFiles>();
        services.AddSingleton<TokenBuckets>();
        services.AddSingleton<SignLive>();
        services.AddSingleton<RenewLive>();
        services.AddHostedService(provider => provider.GetRequiredService<RenewLive>());
        services.AddSingleton<AnswerOcsp>();
        services.AddSingleton<OcspMetrics>();
        services.AddSingleton<PublishedFiles>();
        services.AddSingleton<OcspEndpoint>();
        services.AddSingleton<Drain>();
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
        services.AddSingleton<PullFeed>();
        services.AddHostedService(provider => provider.GetRequiredService<PullFeed>());
        services.AddHostedService<FetchFiles>();
        services.AddSingleton<WarmUp>();
        services.AddHostedService(provider => provider.GetRequiredService<WarmUp>());
        services.AddHealthChecks().AddCheck<FeedHealth>(FeedHealth.Name).AddCheck<AnswersHealth>(AnswersHealth.Name);
        builder.AddPublicListener(options);
    }

    /// <summary>A certificate that is missing or has ended is none of it: the node asks the CA for another, and serves meanwhile what was signed ahead of time.</summary>
    private static Task RequireFit(IServiceProvider services)
    {
        IReadOnlyList<LiveSigner> signers = services.GetRequiredService<IReadOnlyList<LiveSigner>>();
        return services.GetRequiredService<ServiceOptions>().Mode == ServiceMode.Production
            && signers.FirstOrDefault(each => each.Certificate is { } certificate && ServiceCertificates.IsDemo(certificate)) is { } demo
            ? throw new StartCheckException($"{demo.File} is of a demonstration: it never goes into production.")
            : Task.CompletedTask;
    }

    private static IReadOnlyList<SubjectPublicKeyInfo> ReadKeys(FeedOptions options) => [.. options.KeyFiles.Select(file =>
    {
        try
        {
            return Der.Decode<SubjectPublicKeyInfo>(Pem.Decode(Pem.PublicKey, File.ReadAllText(file)));
        }
        catch (DerException e)
        {
            throw new StartCheckException($"{file} is no public key: {e.Message}");
        }
    })];

    private static async Task<IReadOnlyList<LiveSigner>> OpenSignersAsync(IServiceProvider provider, ServiceOptions service, OcspOptions options)
    {
        if (options.Hsm is not { } device)
        {
            return [];
        }

        service.RequirePinned(device, OcspOptions.Section);
        var signers = new List<LiveSigner>();
        foreach (LiveOptions live in options.Live)
        {
            HsmKey key = await provider.GetKeyAsync(live.Key);
            signers.Add(new LiveSigner(
                live.CertificateFile, new HsmSigner(provider.GetRequiredService<IHsm>(), key), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<LiveSigner>>()));
        }

        return signers;
    }

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
