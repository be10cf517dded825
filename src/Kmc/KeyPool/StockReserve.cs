using ZwCa.Data;
using ZwCa.Kmc.EscrowedKeys;

namespace ZwCa.Kmc.KeyPool;

/// <summary>
/// Keys of the stock that this process has looked up and not used yet, so that requests do not look for one each and do not get into each other's way. It reserves nothing: whether a key is
/// still there, the transaction that binds it decides. Safe for concurrent use.
/// </summary>
internal sealed class StockReserve(Database database, RowMac mac)
{
    private const int Page = 256;

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Queue<EscrowedKey> _keys = new();
    private byte[] _after = [];

    /// <returns>Null: the stock is empty.</returns>
    /// <exception cref="TamperedRowException">The next one was changed.</exception>
    public async Task<EscrowedKey?> TakeAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_keys.Count == 0)
            {
                await LookAsync(cancellationToken);
            }

            return _keys.TryDequeue(out EscrowedKey? key) ? mac.Open(key) : null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Goes on behind the last one, and at the end begins anew: what was left there is still there, or new.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<EscrowedKey> page = await database.ReadAsync(transaction => EscrowedKeyStore.ListStockAsync(transaction, _after, Page), cancellationToken);
        if (page.Count == 0 && _after.Length > 0)
        {
            page = await database.ReadAsync(transaction => EscrowedKeyStore.ListStockAsync(transaction, [], Page), cancellationToken);
        }

        foreach (EscrowedKey key in page)
        {
            _keys.Enqueue(key);
        }

        _after = page.Count == 0 ? [] : page[^1].KeyId;
    }
}
