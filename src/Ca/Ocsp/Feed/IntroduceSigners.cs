using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Ca.Authorities;
using ZwCa.Cryptography;
using ZwCa.Data;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>Tells which CAs and signers there are, before anything else names them: in the first segment, and where they have changed. Once in each life of a process. Safe for concurrent use.</summary>
internal sealed class IntroduceSigners(Database database, AuthorityList authorities, OcspSigners signers, WriteFeed feed, TimeProvider time)
{
    private volatile bool _isDone;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!_isDone)
        {
            // Step 1: who is new.
            Introduced[] all = [.. (await authorities.ListKnownAsync(database, cancellationToken)).Select(each => new Introduced(each.Id, each.Certificate, Sm3.HashData(Der.Encode(each.Certificate))))];
            (HashSet<(short, string)> known, HashSet<short> told) = await database.ReadAsync(
                async transaction => (
                    (await transaction.QueryAsync<ToldAuthority>("SELECT authority_id, certificate_hash FROM feed_authority")).Select(row => (row.AuthorityId, Convert.ToHexString(row.CertificateHash))).ToHashSet(),
                    (await transaction.QueryAsync<short>("SELECT signer_id FROM ocsp_signer WHERE told_in IS NOT NULL")).ToHashSet()),
                cancellationToken);
            Introduced[] newAuthorities = [.. all.Where(each => !known.Contains((each.Id, Convert.ToHexString(each.Hash))))];
            OcspSigner[] newSigners = [.. signers.All.Where(signer => !told.Contains(signer.Number))];
            if (newAuthorities.Length + newSigners.Length > 0)
            {
                // Step 2: told once, whichever node does it.
                var writer = new FeedWriter();
                Array.ForEach(newAuthorities, each => writer.Authority(each.Id, each.Certificate));
                Array.ForEach(newSigners, signer => writer.Signer(signer.Number, signer.Authority.Id, signer.Certificate));
                try
                {
                    await feed.AppendAsync(writer.ToArray(), time.GetUtcNow(), (transaction, number) => MarkAsync(transaction, newAuthorities, newSigners, number), cancellationToken);
                }
                catch (BatchOvertakenException)
                {
                    continue;
                }
            }

            _isDone = true;
        }
    }

    private static async Task MarkAsync(Transaction transaction, Introduced[] newAuthorities, OcspSigner[] newSigners, long number)
    {
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
