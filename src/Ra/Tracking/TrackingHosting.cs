using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.Ra.Tracking;

/// <summary>Where applicants look up what became of their applications.</summary>
internal static class TrackingHosting
{
    public static void AddTracking(this WebApplicationBuilder builder, RaOptions options)
    {
        if (options.TrackingListen is not { } address)
        {
            return;
        }

        builder.Services.AddSingleton(provider => new TrackingBuckets(provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(new TrackingVisitors([.. options.TrackingGateways.Select(IPAddress.Parse)]));
        builder.Services.AddSingleton<TrackingListener>();
        builder.Services.AddSingleton(new ListenAddress($"{RaOptions.Section}:{nameof(RaOptions.TrackingListen)}", IPEndPoint.Parse(address)));
        TrackingListener.Listen(builder, IPEndPoint.Parse(address));
    }
}
