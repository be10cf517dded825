using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Ca.Crls;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// The status of everything that is stored and has not ended long ago, for responders that begin: docs/PUBLICATION.md. As of a segment, or later: what has changed meanwhile stands in later segments too, with the same
/// version. Page by page, so memory does not grow with the number of certificates. Safe on several nodes: a lease lets one of them do it.
/// </summary>
internal sealed class MakeSnapshot(Database database, AuthorityList authorities, CrlScopes scopes, FeedKeys keys, OcspOptions options, TimeProvider time)
{
    /// <summary>A part has hardly more; bytes.</summary>
    private const int PartLength = 4 << 20;

    private const int PageLength = 5000;

    private static readonly TimeSpan LeaseFor = TimeSpan.FromMinutes(5);

    /// <summary>Where the feed has another key than when the last one was made: who knows that takes none that the old key has signed.</summary>
    /// <returns>Whether there is a new one.</returns>
    /// <exception cref="Hsm.HsmException">As <see cref="RunAsync"/>.</exception>
    public async Task<bool> RunAfterRolloverAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(FeedStore.IsSnapshotLeftAsync, cancellationToken) && await RunAsync(cancellationToken);

    /// <returns>Whether there is a new one.</returns>
    /// <exception cref="Hsm.HsmException">The device failed, or does not have the feed's key: the next run begins anew.</exception>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        // A node that cannot sign it keeps no other from it.
        _ = keys.About(await database.ReadAsync(FeedStore.FindLastAsync, cancellationToken));

        // Step 1: the lease, and as of which segment. Whatever that or an earlier one says is stored by now.
        var lease = new Lease("feed-snapshot", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), LeaseFor);
        FeedPosition? position = await database.WriteAsync(
            async transaction => await lease.TakeAsync(transaction, time.GetUtcNow())
                && await FeedStore.FindLastAsync(transaction) is { Number: > 0 } last
                && await FeedStore.BeginSnapshotAsync(transaction, last.Number, time.GetUtcNow())
                ? last
                : null,
            cancellationToken);
        bool isMade = position is not null && await MakeAsync(position, lease, cancellationToken);

        // Step 5: what nobody needs any more goes.
        while (await database.WriteAsync(transaction => FeedStore.TrimAsync(transaction, time.GetUtcNow()), cancellationToken))
        {
        }

        await database.WriteAsync(lease.ReleaseAsync, cancellationToken);
        return isMade;
    }

    private async Task<bool> MakeAsync(FeedPosition position, Lease lease, CancellationToken cancellationToken)
    {
        FeedKey key = keys.About(position);

        // Step 2: whom entries speak of, and the CRLs that there are: what told of them may have been deleted.
        var contents = new List<ReadOnlyMemory<byte>>();
        var writer = new FeedWriter();
        var named = new HashSet<short>();
        foreach ((short id, Certificate certificate) in await authorities.ListKnownAsync(database, cancellationToken))
        {
            writer.Authority(id, certificate);
            named.Add(id);
        }

        // What is of a CA that came meanwhile stands in later segments alone: this speaks of none that it has not named.
        foreach (SignerRow signer in (await database.QueryAsync<SignerRow>(
            "SELECT signer_id, authority_id, certificate FROM ocsp_signer WHERE told_in IS NOT NULL ORDER BY signer_id", cancellationToken: cancellationToken)).Where(each => named.Contains(each.AuthorityId)))
        {
            writer.Signer(signer.SignerId, signer.AuthorityId, signer.Certificate is null ? null : Der.Decode<Certificate>(signer.Certificate));
        }

        foreach (CrlScope scope in await database.ReadAsync(scopes.GetAllAsync, cancellationToken))
        {
            if (await database.ReadAsync(transaction => CrlStore.FindPublishedAsync(transaction, scope), cancellationToken) is { } published && named.Contains(published.AuthorityId))
            {
                writer.Crl(TellCrls.EntryOf(published));
            }
        }

        // Step 3: the certificates, page by page. What is broken keeps its place in no snapshot; readiness tells of it, for its slice does not leave whole.
        // What ended long ago is asked about no more.
        byte[]? after = null;
        DateTimeOffset endsAfter = time.GetUtcNow() - options.KeepExpired;
        while (await database.ReadAsync(transaction => OcspStore.ListAfterAsync(transaction, after, endsAfter, PageLength), cancellationToken) is { Count: > 0 } page)
        {
            foreach (StatusRow row in page)
            {
                if (named.Contains(row.AuthorityId) && row.FindFault() is null && row.FindStatus() is { } status)
                {
                    writer.Status(status);
                }
            }

            after = page[^1].CertificateId;
            if (writer.Length >= PartLength)
            {
                if (!await AddAsync(writer))
                {
                    return false;
                }

                writer = new FeedWriter();
            }
        }

        if (!await AddAsync(writer))
        {
            return false;
        }

        // Step 4: signed over all parts; only then anybody sees it.
        FaultPoint.Reach("snapshot-parts");
        byte[] statement = Der.Encode(await key.SignAsync(FeedStatementKind.Snapshot, position, time.GetUtcNow(), contents, cancellationToken));
        return await database.WriteAsync(transaction => FeedStore.EndSnapshotAsync(transaction, position.Number, contents.Count, statement), cancellationToken);

        Task<bool> AddAsync(FeedWriter part)
        {
            byte[] content = part.ToArray();
            contents.Add(Sm3.HashData(content));
            return database.WriteAsync(
                async transaction => await lease.TakeAsync(transaction, time.GetUtcNow()) && await FeedStore.AddPartAsync(transaction, position.Number, contents.Count - 1, content),
                cancellationToken);
        }
    }

    private sealed record SignerRow
    {
        public required short SignerId { get; init; }

        public required short AuthorityId { get; init; }

        public byte[]? Certificate { get; init; }
    }
}
