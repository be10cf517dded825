using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using ZwCa.Contracts;
using ZwCa.Contracts.Kmc;
using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.Messages;
using ZwCa.Kmc.Requests;
using ZwCa.OfficersApi;
using ZwCa.ServiceDefaults.Links;
using ZwCa.ServiceDefaults.Messages;

namespace ZwCa.Kmc.Reports;

/// <summary>What the KMC has, for officers and auditors: numbers, and of each key what is known about it. Nothing that the device has wrapped, and no subscriber's name.</summary>
internal static class KeysApi
{
    public static void MapKeys(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder group = app.MapGroup("").RequireClient(ClientKind.Officer);
        group.MapGet("/statistics", CountAsync).RequireSignedMessage();
        group.MapGet("/keys", ListAsync).RequireSignedMessage();
    }

    private static async Task<Ok<KeyStatistics>> CountAsync(MessageContext message, CountKeys keys, CancellationToken cancellationToken)
    {
        KmcSender.RequireOfficerOfAll(message);
        return TypedResults.Ok(await keys.RunAsync(cancellationToken));
    }

    /// <param name="ca">Its name.</param>
    private static async Task<Ok<KeyPage>> ListAsync(
        MessageContext message, string ca, Database database, RowMac mac, CancellationToken cancellationToken, string? after = null, int? rows = null)
    {
        KmcSender.RequireOfficerOfAll(message);
        int count = Page.Rows(rows);
        byte[] behind = Page.After(after);
        IReadOnlyList<EscrowedKey> page = await database.ReadAsync(
            async transaction => await EscrowedKeyStore.ListOfCaAsync(
                transaction, (await ServedCa.FindAsync(transaction, ca) ?? throw new RefusalException(Refusal.NotFound, "没有该CA。")).CaId, behind, count),
            cancellationToken);
        return TypedResults.Ok(new KeyPage
        {
            Keys = [.. page.Select(row => Show(row, ca, mac))],
            Next = page.Count == count ? Convert.ToHexStringLower(page[^1].KeyId) : null,
        });
    }

    private static KeyAnswer Show(EscrowedKey row, string ca, RowMac mac) => new()
    {
        Id = Convert.ToHexStringLower(row.KeyId),
        State = row.State.ToString().ToLowerInvariant(),
        Ca = ca,
        Serial = row.Serial!,
        Recipient = Convert.ToHexStringLower(row.Recipient!),
        ValidFrom = row.ValidFrom,
        ValidUntil = row.ValidUntil,
        Region = row.Region,
        MadeAt = row.MadeAt,
        BoundAt = row.BoundAt!.Value,
        EndReason = row.EndReason?.ToString().ToLowerInvariant(),
        EndedAt = row.EndedAt,
        Intact = mac.IsIntact(row),
    };
}
