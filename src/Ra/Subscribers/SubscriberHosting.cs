using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Subscribers;

/// <summary>Of whom certificates are.</summary>
internal static class SubscriberHosting
{
    public static void AddSubscribers(this IServiceCollection services)
    {
        services.AddSingleton<SubscriberStore>();
        services.AddSingleton<RegisterSubscriber>();
        services.AddSingleton<ChangeSubscriber>();
    }
}
