using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Ca.Messages;
using ZwCa.Contracts.Ca;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Commands;

/// <summary>The officers of an RA, for the RA alone.</summary>
internal static class RaDirectoryApi
{
    public static void MapRaDirectory(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("/directory").RequireClient(ClientKind.Ra);

        // Asked every few seconds: over the link alone, it says nothing but that something has changed.
        group.MapGet("digest", ShowDigestAsync);
        group.MapGet("officers", ListAsync).RequireSignedReading();
    }

    private static async Task<Ok<DirectoryDigest>> ShowDigestAsync(HttpContext http, RaDirectory directory, CancellationToken cancellationToken) =>
        TypedResults.Ok(new DirectoryDigest { Digest = await directory.DigestAsync(http.GetClient().Name, cancellationToken) });

    private static async Task<Ok<DirectoryPage>> ListAsync(
        MessageContext message, RaDirectory directory, CancellationToken cancellationToken, string? after = null, int? rows = null) =>
        TypedResults.Ok(await directory.ListAsync(CaSender.RequireRa(message), Page.After(after), Page.Rows(rows), cancellationToken));
}
