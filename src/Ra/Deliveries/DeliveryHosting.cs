using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ZwCa.Ra.Deliveries;

/// <summary>Handing out.</summary>
internal static class DeliveryHosting
{
    public static void AddDeliveries(this IServiceCollection services)
    {
        services.AddSingleton<HandOut>();
        services.AddSingleton<RemindDeliveries>();
    }

    public static void MapDeliveries(this IEndpointRouteBuilder app) => DeliveriesApi.Map(app);
}
