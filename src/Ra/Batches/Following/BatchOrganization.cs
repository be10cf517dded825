using ZwCa.Contracts;
using ZwCa.Data;
using ZwCa.Officers;
using ZwCa.Ra.Subscribers;

namespace ZwCa.Ra.Batches.Following;

/// <summary>The organisation that a batch is limited to.</summary>
internal static class BatchOrganization
{
    /// <exception cref="RefusalException"><see cref="Refusal.NotFound"/>: none, or none that the officer sees; <see cref="Refusal.Malformed"/>: it is a person or a device.</exception>
    public static async Task RequireAsync(Database database, Officer officer, BatchContent content, CancellationToken cancellationToken)
    {
        if (content.Organization is null)
        {
            return;
        }

        SubscriberRow? found = await database.ReadAsync(transaction => SubscriberStore.FindRowAsync(transaction, content.Organization), cancellationToken);
        if (found is null || !officer.Region.Covers(RegionCode.Parse(found.Region)))
        {
            throw new RefusalException(Refusal.NotFound, "没有该单位。");
        }

        if (found.Kind != SubscriberKind.Organization)
        {
            throw new RefusalException(Refusal.Malformed, "所填的不是机构。");
        }
    }
}
