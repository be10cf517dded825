using System.Net;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Ocsp.Answers;

/// <summary>
/// Signs what nobody has signed ahead: requests with a nonce or with several CertIDs, and serial numbers that were never stored. *Good* is only what the feed says, and only as of when it said so: thisUpdate is
/// that moment, and while the feed is stale nothing is signed.
/// </summary>
internal sealed class SignLive(OcspOptions options, IReadOnlyList<LiveSigner> signers, TokenBuckets buckets, FeedState state, TimeProvider time)
{
    private static readonly TimeSpan UnknownFor = TimeSpan.FromMinutes(1);

    /// <param name="certIds">All of this CA; echoed byte for byte.</param>
    /// <returns>DER of the response. Null: not now.</returns>
    public async Task<byte[]?> TryAsync(
        ServedFeed feed, ServedAuthority authority, IReadOnlyList<CertId> certIds, Nonce? nonce, IPAddress? client, CancellationToken cancellationToken)
    {
        // Step 1: whether there is a key, and the feed is fresh; before a token is taken.
        if (FindSigner(authority) is not var (responder, validity) || state.CompleteAt is not { } completeAt || state.Age > options.Feed.StaleAfter || !buckets.TryTake(client))
        {
            return null;
        }

        // Step 2: what is known, and as of when.
        DateTimeOffset now = Seconds(time.GetUtcNow());
        DateTimeOffset thisUpdate = Seconds(completeAt < now ? completeAt : now);
        DateTimeOffset nextUpdate = thisUpdate + options.LiveValidity < validity.NotAfter.Value ? thisUpdate + options.LiveValidity : validity.NotAfter.Value;

        // What is unknown now may have been issued this very second.
        CertStatus[] statuses = [.. certIds.Select(certId => StatusOf(feed, authority, certId))];
        if (statuses.Any(each => each is Unknown) && nextUpdate > now + UnknownFor)
        {
            nextUpdate = now + UnknownFor;
        }

        if (nextUpdate <= now)
        {
            return null;
        }

        var answer = new OcspAnswer
        {
            ProducedAt = new Time(now),
            Nonce = nonce,
            Statements = [.. certIds.Select((certId, i) => new OcspStatement
            {
                CertId = certId,
                Status = statuses[i],
                ThisUpdate = new Time(thisUpdate),
                NextUpdate = new Time(nextUpdate),
            })],
        };

        // Step 3: the signature, which is verified before it leaves.
        try
        {
            return Der.Encode(await responder.RespondAsync(answer, cancellationToken));
        }
        catch (HsmException)
        {
            // Readiness says what the device has.
            return null;
        }
    }

    private static CertStatus StatusOf(ServedFeed feed, ServedAuthority authority, CertId certId)
    {
        Span<byte> signature = stackalloc byte[StatusTable.MaxSignature];
        if (!feed.Table.TryRead(authority.Number, certId.SerialNumber.Content, CertIdHash.Sha1, signature, out CertificateStatus status))
        {
            return new Unknown();
        }

        return status.IsRevoked ? OcspStatement.RevokedAt(new Time(DateTimeOffset.FromUnixTimeSeconds(status.RevokedAt)), status.Reason) : new Good();
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private (OcspResponder Responder, Validity Validity)? FindSigner(ServedAuthority authority)
    {
        foreach (LiveSigner each in signers)
        {
            if (each.Find(authority) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
