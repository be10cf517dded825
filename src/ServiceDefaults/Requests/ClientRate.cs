using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using ZwCa.Contracts;
using ZwCa.ServiceDefaults.Configuration;
using ZwCa.ServiceDefaults.Links;

namespace ZwCa.ServiceDefaults.Requests;

/// <summary>A token bucket for each registered client; who is none of them shares one with his address, of IPv6 with his network (/64).</summary>
internal sealed class ClientRate(ServiceOptions options) : IMiddleware, IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, string>(
        context => RateLimitPartition.GetTokenBucketLimiter(
            context.Features.Get<RegisteredClient>() is { } client ? "client " + client.Name : KeyOf(context.Connection.RemoteIpAddress),
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = options.Limits.RequestsAtOnce,
                TokensPerPeriod = options.Limits.RequestsPerSecond,
                ReplenishmentPeriod = Period,
                QueueLimit = 0,
            }));

    /// <summary>Whoever has one address of IPv6 has 2^64 of them.</summary>
    internal static string KeyOf(IPAddress? address) => address switch
    {
        { IsIPv4MappedToIPv6: true } => $"address {address.MapToIPv4()}",
        { AddressFamily: AddressFamily.InterNetworkV6 } => "network " + Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => $"address {address}",
    };

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        using (RateLimitLease lease = _limiter.AttemptAcquire(context))
        {
            if (!lease.IsAcquired)
            {
                TimeSpan retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) ? wait : Period;
                throw new RefusalException(Refusal.TooManyRequests, "请求过于频繁，请稍后再试。", retryAfter);
            }
        }

        await next(context);
    }

    public void Dispose() => _limiter.Dispose();
}
