using ZwCa.Asn1;
using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Kmc.EscrowedKeys;

namespace ZwCa.Kmc.KeyPool;

/// <summary>
/// Keeps the stock (备用库) filled: pairs made and wrapped by the device in batches. Safe on several nodes: one of them fills, by a lease that each batch renews. A batch that was made and
/// not stored is lost, and nobody's.
/// </summary>
internal sealed class RefillPool(Database database, AuditLog log, IHsm hsm, EscrowKek kek, RowMac mac, PoolOptions options, TimeProvider time)
{
    public const string RefillAction = "pool.refill";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "pool");
    private static readonly TimeSpan LeaseFor = TimeSpan.FromMinutes(1);

    /// <returns>Keys that were made.</returns>
    /// <exception cref="HsmException">The device failed; what was stored before stays.</exception>
    public async Task<long> RunAsync(CancellationToken cancellationToken)
    {
        var lease = new Lease("pool", Convert.ToHexStringLower(Ulid.Create(time.GetUtcNow())), LeaseFor);
        long stock = await database.WriteAsync(
            async transaction => await lease.TakeAsync(transaction, time.GetUtcNow()) ? await EscrowedKeyStore.CountAsync(transaction, KeyState.Stock) : options.Full, cancellationToken);
        if (stock >= options.Threshold)
        {
            await database.WriteAsync(lease.ReleaseAsync, CancellationToken.None);
            return 0;
        }

        long made = 0;
        while (stock + made < options.Full)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(options.Batch, options.Full - stock - made);
            IReadOnlyList<WrappedKeyPair> pairs = await hsm.GenerateWrappedKeyPairsAsync(kek.Key, count, cancellationToken);
            DateTimeOffset now = time.GetUtcNow();
            EscrowedKey[] rows = [.. pairs.Select(pair => mac.Seal(NewRow(pair, now)))];
            bool kept = await database.WriteAsync(
                async transaction =>
                {
                    if (!await lease.TakeAsync(transaction, time.GetUtcNow()))
                    {
                        return false;
                    }

                    await EscrowedKeyStore.InsertStockAsync(transaction, rows);
                    await log.AppendAsync(
                        transaction,
                        new AuditEvent(Actor, RefillAction, new AuditObject("pool", kek.Key.Label.ToString()), AuditOutcome.Done) { Fields = [new AuditField.Number("count", count)] });
                    return true;
                },
                cancellationToken);
            if (!kept)
            {
                return made;
            }

            made += count;
        }

        await database.WriteAsync(lease.ReleaseAsync, CancellationToken.None);
        return made;
    }

    /// <returns>Without its MAC.</returns>
    internal static EscrowedKey NewRow(WrappedKeyPair pair, DateTimeOffset now) => new()
    {
        KeyId = pair.KeyId.ToArray(),
        State = KeyState.Stock,
        StateVersion = 1,
        Algorithm = EscrowedKey.Sm2,
        PublicKey = Der.Encode(pair.PublicKey),
        WrappedKey = pair.WrappedKey.ToArray(),
        MadeAt = DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds()),
        Mac = [],
    };
}

/// <summary>The device's key under which subscribers' keys are wrapped.</summary>
internal sealed record EscrowKek(HsmKey Key);
