using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Ocsp.Renewal;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.ServiceDefaults;

namespace ZwCa.Ca.Ocsp;

/// <summary>What signs OCSP responses ahead of time, and tells them.</summary>
internal static class OcspHosting
{
    /// <summary>After the CRLs, whose guard of the log and whose clock it uses.</summary>
    /// <param name="options">Null: nothing is signed, and nothing that names an OCSP service is issued.</param>
    public static void AddOcsp(this WebApplicationBuilder builder, OcspOptions? options)
    {
        IServiceCollection services = builder.Services;
        services.AddSingleton<PresignCall>();
        if (options is null)
        {
            return;
        }

        services.AddSingleton(options);
        services.AddSingleton(provider => Wait(SignersInUse.OpenAsync(
            options,
            provider.GetRequiredService<AuthorityList>(),
            provider.GetRequiredService<IHsm>(),
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<ProfileStore>(),
            provider.GetRequiredService<TimeProvider>())));
        services.AddSingleton(provider => new FeedKeys(KeyOf(provider, options.FeedKey, options), options.NextFeedKey is { } next ? KeyOf(provider, next, options) : null));
        services.AddSingleton<FeedHead>();
        services.AddSingleton<WriteFeed>();
        services.AddSingleton<IntroduceSigners>();
        services.AddSingleton<RollFeedKey>();
        services.AddSingleton<RenewSigners>();
        services.AddSingleton<OcspGate>();
        services.AddSingleton<PresignResponses>();
        services.AddSingleton<TellCrls>();
        services.AddSingleton<MakeSnapshot>();
        services.AddHostedService<PresignService>();
        services.AddSingleton<OcspHealth>();
        services.AddHealthChecks().AddCheck<OcspHealth>(OcspHealth.Name);
    }

    /// <summary>Whether all keys are there; and that every certificate is, or will be, in a slice. A node without OCSP changes nothing: others may have it.</summary>
    public static async Task CheckAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        if (services.GetRequiredService<CaOptions>().Ocsp is null)
        {
            return;
        }

        _ = services.GetRequiredService<FeedKeys>();
        _ = services.GetRequiredService<SignersInUse>();
        DateTimeOffset now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        await services.GetRequiredService<Database>().WriteAsync(transaction => OcspStore.InstallSlicesAsync(transaction, now), cancellationToken);
    }

    private static FeedKey KeyOf(IServiceProvider provider, string label, OcspOptions options) => new(provider.GetRequiredService<IHsm>(), Wait(provider.GetKeyAsync(label)), options.Origin);

    /// <summary>Once, at the start, where nothing else runs yet.</summary>
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
