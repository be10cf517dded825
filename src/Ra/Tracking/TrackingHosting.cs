using Microsoft.AspNetCore.Builder;

namespace ZwCa.Ra.Tracking;

/// <summary>Where applicants look up what became of their applications.</summary>
internal static class TrackingHosting
{
    public static void AddTracking(this WebApplicationBuilder builder, RaOptions options)
    {
    }

    public static void MapTracking(this WebApplication app)
    {
    }
}
