using ZwCa.Asn1.Audit;
using ZwCa.Audit;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// Lets the feed be signed with <c>Ca:Ocsp:NextFeedKey</c>: docs/PUBLICATION.md. A segment that the old key has signed names it; from the next one on every node signs with it. Once, whichever node
/// does it. Safe for concurrent use.
/// </summary>
internal sealed class RollFeedKey(Database database, AuditLog log, FeedKeys keys, WriteFeed feed, OcspOptions options, TimeProvider time)
{
    public const string Action = "feed.key";

    /// <summary>Of the log.</summary>
    public const string ObjectKind = "feed";

    private static readonly AuditActor Actor = new(AuditActorKind.Job, "ocsp");

    private volatile bool _isDone = keys.Next is null;
    private volatile string? _fault;

    /// <returns>Why the configured next key never becomes the feed's, for the operator; null: it does, or there is none.</returns>
    public string? FindFault() => _fault;

    /// <exception cref="Hsm.HsmException">The device refused, failed or is away.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_isDone)
        {
            return;
        }

        // Step 1: is it the feed's already, or was it once? A configuration that was forgotten somewhere brings no old key back.
        FeedKey next = keys.Next!;
        (FeedPosition last, bool isLeft) = await database.ReadAsync(
            async transaction => (await FeedStore.FindLastAsync(transaction), await FeedStore.IsLeftAsync(transaction, next.KeyId)), cancellationToken);
        if (isLeft)
        {
            _fault = $"Ca:Ocsp:NextFeedKey is {next}, which the feed has left: it does not come back. Configure another one, or none.";
        }

        if (isLeft || last.NextKeyId?.AsSpan().SequenceEqual(next.KeyId) == true)
        {
            _isDone = true;
            return;
        }

        // A node that lacks the key by which it goes on cannot name another; health says so.
        if (keys.FindFault(last) is not null)
        {
            return;
        }

        // Step 2: say it, by the key that holds until then. Row and event are written with it.
        var writer = new FeedWriter();
        writer.NextKey(next.PublicKey);
        try
        {
            await feed.AppendAsync(writer.ToArray(), time.GetUtcNow(), (transaction, number) => RecordAsync(transaction, next, number), cancellationToken);
        }
        catch (BatchOvertakenException)
        {
            // Another node has said it; the next run sees what.
        }
    }

    private async Task RecordAsync(Transaction transaction, FeedKey next, long number)
    {
        // Its own segment is the last one here: whoever has signed that is left.
        byte[] old = (await FeedStore.FindLastAsync(transaction)).KeyId!;
        if (old.AsSpan().SequenceEqual(next.KeyId) || await FeedStore.IsLeftAsync(transaction, next.KeyId) || !await FeedStore.TryRollAsync(transaction, number, old, next.KeyId, time.GetUtcNow()))
        {
            throw new BatchOvertakenException([]);
        }

        await log.AppendAsync(
            transaction,
            new AuditEvent(Actor, Action, new AuditObject(ObjectKind, options.Origin), AuditOutcome.Done)
            {
                Fields = [new AuditField.Number("segment", number), new AuditField.Octets("oldKey", old), new AuditField.Octets("newKey", next.KeyId)],
            });
    }
}
