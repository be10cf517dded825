using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Outbox;

/// <summary>What the CA has to be asked or told.</summary>
internal static class OutboxHosting
{
    public static void AddOutbox(this IServiceCollection services)
    {
    }
}
