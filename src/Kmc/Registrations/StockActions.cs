using ZwCa.Asn1.Audit;
using ZwCa.Asn1.Decisions;
using ZwCa.Kmc.EscrowedKeys;
using ZwCa.Kmc.KeyPool;
using ZwCa.Officers;
using static ZwCa.OfficersApi.CommandReading;

namespace ZwCa.Kmc.Registrations;

/// <summary>The command about the stock: after its device was restored from a backup, that opens no key any more that was made before and not bound (docs/HSM.md), so all of them are made anew.</summary>
internal sealed class StockActions(EscrowKek kek)
{
    public const string Discard = "stock.discard";

    public CommandAction Action => new(Discard, OfficerActions.ForRegions) { CheckAsync = CheckAsync, DoAsync = DiscardAsync };

    private static Task CheckAsync(CommandContext context)
    {
        context.RequireRegion(RegionCode.Nation.Value);
        _ = context.Read<StockDiscard>();
        return Task.CompletedTask;
    }

    private async Task DiscardAsync(CommandContext context)
    {
        long count = await EscrowedKeyStore.DiscardStockAsync(context.Transaction);
        await context.RecordAsync(Discard, new AuditObject("pool", kek.Key.Label.ToString()), context.Read<StockDiscard>().Reason, new AuditField.Number("count", count));
    }
}
