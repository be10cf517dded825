using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Ca.Messages;
using ZwCa.Contracts;
using ZwCa.Contracts.Ca;
using ZwCa.Data;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Ca.Bulk;

/// <summary>How far the changes of many certificates have come: for officers.</summary>
internal static class BulkChangesApi
{
    public static void MapBulkChanges(this IEndpointRouteBuilder app) =>
        app.MapGroup("/bulk-changes").RequireClient(ClientKind.Officer).MapGet("{id}", ShowAsync).RequireSignedMessage();

    private static async Task<Ok<BulkChangeAnswer>> ShowAsync(MessageContext message, string id, Database database, CancellationToken cancellationToken)
    {
        CaSender.RequireOfficer(message);
        BulkChangeRow? row = id.Length == 2 * Ulid.Length && id.All(char.IsAsciiHexDigitLower)
            ? await database.ReadAsync(transaction => BulkChangeStore.FindAsync(transaction, Convert.FromHexString(id)), cancellationToken)
            : null;
        return row is null
            ? throw new RefusalException(Refusal.NotFound, "没有该批量操作。")
            : TypedResults.Ok(new BulkChangeAnswer
            {
                Id = id,
                Total = row.Total,
                Changed = row.Changed,
                Skipped = row.Skipped,
                OrderedAt = row.OrderedAt,
                EndedAt = row.EndedAt,
            });
    }
}
