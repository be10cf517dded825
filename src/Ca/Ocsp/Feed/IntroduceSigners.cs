using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>
/// Tells which CAs and signers there are, before anything else names them: in the first segment, and where they have changed. Looked for once a minute, so that what another node has had certified
/// is in use here without a restart. Safe for concurrent use.
/// </summary>
internal sealed class IntroduceSigners(Database database, AuthorityList authorities, SignersInUse signers, WriteFeed feed, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _looking = new(1, 1);
    private long? _lookedAt;
    private bool _isCalled;

    /// <exception cref="Hsm.HsmException">The device failed: whom the feed knows is in use, and the next run tells of the others.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (!Interlocked.Exchange(ref _isCalled, false) && _lookedAt is { } at && time.GetElapsedTime(at) < Look)
            {
                return;
            }

            long now = time.GetTimestamp();
            while (!await TellAsync(cancellationToken))
            {
            }

            _lookedAt = now;
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>The next run looks, however short a time ago the last one was.</summary>
    public void LookAgain() => Volatile.Write(ref _isCalled, true);

    public void Dispose() => _looking.Dispose();

    /// <returns>Whether the feed knew all of them; else it has to be looked once more.</returns>
    private async Task<bool> TellAsync(CancellationToken cancellationToken)
    {
        // Step 1: who is new. Of whom the feed knows, the newest sign from here on; what was revoked does not.
        FoundSigners found = await signers.FindAsync(cancellationToken);
        signers.Use(found);
        Introduced[] all = [.. (await authorities.ListKnownAsync(database, cancellationToken)).Select(each => new Introduced(each.Id, each.Certificate, Sm3.HashData(Der.Encode(each.Certificate))))];
        HashSet<(short, string)> known = await database.ReadAsync(
            async transaction => (await transaction.QueryAsync<ToldAuthority>("SELECT authority_id, certificate_hash FROM feed_authority")).Select(row => (row.AuthorityId, Convert.ToHexString(row.CertificateHash))).ToHashSet(),
            cancellationToken);
        Introduced[] newAuthorities = [.. all.Where(each => !known.Contains((each.Id, Convert.ToHexString(each.Hash))))];
        if (newAuthorities.Length + found.Untold.Count == 0)
        {
            return true;
        }

        // Step 2: told once, whichever node does it.
        var writer = new FeedWriter();
        Array.ForEach(newAuthorities, each => writer.Authority(each.Id, each.Certificate));
        foreach (OcspSigner signer in found.Untold)
        {
            writer.Signer(signer.Number, signer.Authority.Id, signer.Certificate);
        }

        try
        {
            await feed.AppendAsync(writer.ToArray(), time.GetUtcNow(), (transaction, number) => MarkAsync(transaction, newAuthorities, found.Untold, number), cancellationToken);
        }
        catch (BatchOvertakenException)
        {
            // Another node has told of them, or of one.
        }

        return false;
    }

    private async Task MarkAsync(Transaction transaction, Introduced[] newAuthorities, IReadOnlyList<OcspSigner> newSigners, long number)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Introduced each in newAuthorities)
        {
            var row = new { each.Id, each.Hash, Number = number };
            if (await transaction.ExecuteAsync("UPDATE feed_authority SET certificate_hash = @Hash, told_in = @Number WHERE authority_id = @Id AND certificate_hash <> @Hash", row) == 0
                && !await transaction.TryInsertAsync("INSERT INTO feed_authority (authority_id, certificate_hash, told_in) VALUES (@Id, @Hash, @Number)", row))
            {
                throw new BatchOvertakenException([]);
            }
        }

        foreach (OcspSigner signer in newSigners)
        {
            // Where nobody holds who has signed for the CA until now (revoked, or ended), what he signed is replaced at once, and what nobody signed meanwhile is signed.
            bool follows = signers.Current.Find(signer.Authority.Id) is not null;
            if (!follows)
            {
                await OcspStore.BringForwardAsync(transaction, now);
            }

            if (await transaction.ExecuteAsync("UPDATE ocsp_signer SET told_in = @Number WHERE signer_id = @Id AND told_in IS NULL", new { Id = signer.Number, Number = number }) == 0)
            {
                throw new BatchOvertakenException([]);
            }
        }
    }

    private sealed record Introduced(short Id, Certificate Certificate, byte[] Hash);

    private sealed record ToldAuthority
    {
        public required short AuthorityId { get; init; }

        public required byte[] CertificateHash { get; init; }
    }
}
