using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.OfficersApi;

/// <summary>Who is in office, and the regions that there are.</summary>
public static class DirectoryApi
{
    /// <param name="clients">Besides officers.</param>
    public static void MapDirectory(this IEndpointRouteBuilder app, params ClientKind[] clients)
    {
        RouteGroupBuilder group = app.MapGroup("").RequireClient([ClientKind.Officer, .. clients]);
        group.MapGet("/officers", ListOfficersAsync).RequireSignedReading();
        group.MapGet("/regions", ListRegionsAsync).RequireSignedReading();
    }

    private static async Task<Ok<OfficerPage>> ListOfficersAsync(
        MessageContext message, OfficerDirectory directory, PersonRegistry persons, CancellationToken cancellationToken, string? region = null, string? after = null, int? rows = null)
    {
        RegionCode own = ((RegionalSender)message.Sender).Region;
        RegionCode within = region is null ? own : RegionCode.Parse(region);
        if (!own.Covers(within))
        {
            throw new RefusalException(Refusal.OutOfScope, "该区域不在您的管辖范围内。");
        }

        int count = Page.Rows(rows);
        IReadOnlyList<OfficerEntry> page = await directory.ListAsync(persons, within, Page.After(after), count, cancellationToken);
        return TypedResults.Ok(new OfficerPage
        {
            Officers =
            [
                .. page.Select(each => new OfficerAnswer
                {
                    Id = Convert.ToHexStringLower(each.OfficerId),
                    Name = each.Name,
                    IdNumber = each.IdNumber,
                    Role = each.Role,
                    Region = each.Region,
                    Certificate = each.CertificateSerial,
                    Enabled = each.Enabled,
                    CertifiedUntil = each.CertifiedUntil,
                }),
            ],
            Next = page.Count == count ? Convert.ToHexStringLower(page[^1].OfficerId) : null,
        });
    }

    private static async Task<Ok<IReadOnlyList<RegionAnswer>>> ListRegionsAsync(Database database, CancellationToken cancellationToken) =>
        TypedResults.Ok(await database.QueryAsync<RegionAnswer>("SELECT code, name, parent FROM region ORDER BY code", cancellationToken: cancellationToken));
}
