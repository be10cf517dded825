using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ZwCa.Contracts;

namespace ZwCa.Ra.Batches.Files;

/// <summary>
/// So many files at once this process takes, each of which lies in memory until it is sealed and stored. Whoever comes beyond that is told to come again before his is read: none waits with half of it
/// sent. Safe for concurrent use.
/// </summary>
internal sealed class FileRoom : IDisposable
{
    public const int AtOnce = 4;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _room = new(AtOnce);

    /// <exception cref="RefusalException"><see cref="Refusal.Unavailable"/>: there is no room; of the request's body nothing was read.</exception>
    public async Task RunAsync(HttpContext http, RequestDelegate endpoint)
    {
        if (!_room.Wait(0, CancellationToken.None))
        {
            throw new RefusalException(Refusal.Unavailable, "同时上传的文件过多，请稍后重新上传。", RetryAfter);
        }

        try
        {
            await endpoint(http);
        }
        finally
        {
            _room.Release();
        }
    }

    public void Dispose() => _room.Dispose();
}

/// <summary>For endpoints that take files.</summary>
internal static class FileRoomBuilder
{
    /// <summary>Around all that was required before it: it is asked first.</summary>
    public static TBuilder RequireFileRoom<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.Finally(endpoint =>
        {
            FileRoom room = endpoint.ApplicationServices.GetRequiredService<FileRoom>();
            RequestDelegate inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http => room.RunAsync(http, inner);
        });
        return builder;
    }
}
