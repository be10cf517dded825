using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Hsm;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// Appends segments: docs/PUBLICATION.md. Numbered and linked by the last row, signed with the key that the last row says, inserted under the next number, in one transaction with the deletion of what it was made from. Where another
/// node was faster, the same content gets the next number. Safe for concurrent use, on any number of nodes.
/// </summary>
internal sealed class WriteFeed(Database database, FeedKeys keys, FeedHead head, TimeProvider time) : IDisposable
{
    /// <summary>Changes that are looked at in one go.</summary>
    private const int PageLength = 1000;

    /// <summary>A heartbeat is given out for so long.</summary>
    private static readonly TimeSpan KeepBeat = TimeSpan.FromSeconds(2);

    /// <summary>Of one node one segment at a time: two would only make each other sign again.</summary>
    private readonly SemaphoreSlim _appending = new(1, 1);
    private readonly SemaphoreSlim _beating = new(1, 1);
    private IReadOnlySet<string> _broken = new HashSet<string>();
    private Beat? _beat;

    /// <summary>Ids of certificates, upper-case hexadecimal, of which nothing can be told: readiness says so, and the heartbeat does not wait for them.</summary>
    public void PassOver(IReadOnlySet<string> broken) => Volatile.Write(ref _broken, broken);

    /// <param name="content">Says nothing that is not stored.</param>
    /// <param name="keepUntil">The last nextUpdate in it; where it has no response, now.</param>
    /// <param name="with">Runs in the same transaction, with the number; what it throws undoes both. May run more than once.</param>
    /// <returns>Its number.</returns>
    /// <exception cref="ArgumentException">The content is longer than a segment's may be.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away, its signature does not hold, or this node does not have the key of the feed.</exception>
    public async Task<long> AppendAsync(byte[] content, DateTimeOffset keepUntil, Func<Transaction, long, Task> with, CancellationToken cancellationToken)
    {
        if (content.Length > FeedFrames.MaxContent)
        {
            // Every responder would refuse it, and never come past it.
            throw new ArgumentException($"The content of a segment has up to {FeedFrames.MaxContent} bytes, and this has {content.Length}.", nameof(content));
        }

        byte[] hash = Sm3.HashData(content);
        await _appending.WaitAsync(cancellationToken);
        try
        {
            while (true)
            {
                // Step 1: number and link, and the signature over them, before the transaction: nothing waits for the device in it.
                FeedPosition last = await database.ReadAsync(FeedStore.FindLastAsync, cancellationToken);
                DateTimeOffset now = time.GetUtcNow();
                FeedStatement statement = await keys.After(last).SignAsync(FeedStatementKind.Segment, last with { Number = last.Number + 1 }, now, [hash], cancellationToken);
                FaultPoint.Reach("feed-signed");

                // Step 2: whose number it is, the database says.
                var row = new SegmentRow
                {
                    Number = last.Number + 1,
                    Statement = Der.Encode(statement),
                    Hash = statement.HashTbs(),
                    Length = content.Length,
                    MadeAt = now,
                    KeepUntil = keepUntil,
                };
                bool isAppended = await database.WriteAsync(
                    async transaction =>
                    {
                        bool isNext = await FeedStore.TryAppendAsync(transaction, row, content);
                        if (isNext)
                        {
                            await with(transaction, row.Number);
                        }

                        return isNext;
                    },
                    CancellationToken.None);
                if (isAppended)
                {
                    FaultPoint.Reach("feed-appended");
                    head.Announce();
                    return row.Number;
                }
            }
        }
        finally
        {
            _appending.Release();
        }
    }

    /// <returns>Why this node appends nothing, for the operator; null: it can.</returns>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken) => keys.FindFault(await database.ReadAsync(FeedStore.FindLastAsync, cancellationToken));

    /// <summary>
    /// Its time is that up to which everything that has changed is told: where changes wait, the time of the oldest. So responders see that the CA does not come to tell them, and sign nothing as
    /// of a moment of which they do not know all.
    /// </summary>
    /// <returns>DER of a heartbeat that tells of this position or a later one.</returns>
    /// <exception cref="HsmException">The device refused, failed or is away, or its signature does not hold.</exception>
    public async Task<byte[]> BeatAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        await _beating.WaitAsync(cancellationToken);
        try
        {
            DateTimeOffset now = time.GetUtcNow();
            if (_beat is { } beat && beat.Number >= position.Number && now >= beat.MadeAt && now - beat.MadeAt < KeepBeat)
            {
                return beat.Encoded;
            }

            (FeedPosition last, DateTimeOffset? waitingSince) = await database.ReadAsync(
                async transaction => (await FeedStore.FindLastAsync(transaction), await OcspStore.FindWaitingSinceAsync(transaction, Volatile.Read(ref _broken), PageLength)), cancellationToken);
            byte[] encoded = Der.Encode(await keys.About(last).SignAsync(FeedStatementKind.Heartbeat, last, waitingSince < now ? waitingSince.Value : now, [], cancellationToken));
            _beat = new Beat(last.Number, now, encoded);
            return encoded;
        }
        finally
        {
            _beating.Release();
        }
    }

    public void Dispose()
    {
        _appending.Dispose();
        _beating.Dispose();
    }

    private sealed record Beat(long Number, DateTimeOffset MadeAt, byte[] Encoded);
}
