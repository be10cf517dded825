using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Outbox;

/// <summary>What the CA has to be asked or told.</summary>
internal static class OutboxHosting
{
    public static void AddOutbox(this IServiceCollection services)
    {
        services.AddSingleton<OutboxSignal>();
        services.AddSingleton<PrepareRequest>();
        services.AddSingleton<DeliverApprovals>();
        services.AddSingleton<ApplyAnswer>();
        services.AddSingleton<SendOutbox>();
        services.AddHostedService(provider => provider.GetRequiredService<SendOutbox>());
        services.AddHealthChecks().AddCheck<OutboxHealth>(OutboxHealth.Name);
    }
}
