using System.Collections.Frozen;
using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Ocsp.Feed;

/// <summary>A content that was read to its end, and can be taken.</summary>
/// <param name="Authorities">All that are known with it.</param>
/// <param name="NextKey">Of the feed. Null: it stays.</param>
/// <param name="Until">Unix seconds: after that none of its responses is given out any more. 0: it has none.</param>
internal sealed record FeedContent(ReadOnlyMemory<byte> Bytes, ServedAuthorities Authorities, IReadOnlyList<FeedCrl> Crls, SubjectPublicKeyInfo? NextKey, long Until);

/// <summary>All that the feed has said, as it is answered from. One writer; safe for concurrent readers.</summary>
internal sealed class ServedFeed(TimeProvider time)
{
    private const int MinRsaSignature = 256;

    private ServedAuthorities _authorities = ServedAuthorities.None;
    private FrozenDictionary<(short Authority, string Shard), FeedCrl> _crls = FrozenDictionary<(short, string), FeedCrl>.Empty;

    public StatusTable Table { get; } = new();

    public ServedAuthorities Authorities => Volatile.Read(ref _authorities);

    /// <summary>The newest of each partition.</summary>
    public FrozenDictionary<(short Authority, string Shard), FeedCrl> Crls => Volatile.Read(ref _crls);

    /// <summary>Reads a content to its end, and changes nothing, so that a fault leaves nothing behind.</summary>
    /// <param name="before">What was read, and will be taken first.</param>
    /// <exception cref="FeedRefusedException">It says what cannot be.</exception>
    public FeedContent Read(ReadOnlyMemory<byte> content, FeedContent? before = null)
    {
        try
        {
            return Inspect(content, before?.Authorities ?? _authorities);
        }
        catch (DerException e)
        {
            throw new FeedRefusedException(e.Message);
        }
    }

    /// <summary>Takes a content that is verified, all of it.</summary>
    public void Apply(FeedContent content)
    {
        // Step 1: who is spoken of, before what is said of them.
        if (content.Authorities != _authorities)
        {
            Volatile.Write(ref _authorities, content.Authorities);
        }

        // Step 2: statuses before responses, which belong to a version of them.
        for (var reader = new FeedReader(content.Bytes); reader.Read();)
        {
            if (reader.Kind == FeedEntryKind.Status)
            {
                Table.Apply(reader.Status);
            }
        }

        DateTimeOffset now = time.GetUtcNow();
        for (var reader = new FeedReader(content.Bytes); reader.Read();)
        {
            FeedBatch batch = reader.Batch;
            while (reader.TryReadResponse(out FeedResponse response))
            {
                Table.Apply(batch, response, now);
            }
        }

        // Step 3: CRLs, of each partition the one with the greatest number.
        if (content.Crls.Count > 0)
        {
            var newest = _crls.ToDictionary();
            foreach (FeedCrl each in content.Crls)
            {
                if (!newest.TryGetValue((each.Authority, each.Shard), out FeedCrl known) || each.Number > known.Number)
                {
                    newest[(each.Authority, each.Shard)] = each with { Hash = each.Hash.ToArray() };
                }
            }

            Volatile.Write(ref _crls, newest.ToFrozenDictionary());
        }
    }

    /// <summary>Who is spoken of must have been named, and what is given out later must be possible.</summary>
    private static FeedContent Inspect(ReadOnlyMemory<byte> content, ServedAuthorities authorities)
    {
        var crls = new List<FeedCrl>();
        SubjectPublicKeyInfo? nextKey = null;
        long until = 0;
        for (var reader = new FeedReader(content); reader.Read();)
        {
            switch (reader.Kind)
            {
                case FeedEntryKind.Authority:
                    authorities = authorities.With(reader.Authority, Der.Decode<Certificate>(reader.Encoded.ToArray()));
                    break;
                case FeedEntryKind.Signer:
                    authorities = authorities.WithSigner(reader.Signer, reader.Authority, reader.Encoded.IsEmpty ? null : Der.Decode<Certificate>(reader.Encoded.ToArray()));
                    break;
                case FeedEntryKind.Status:
                    Named(authorities, reader.Status.Authority);
                    if (reader.Status is { RevokedAt: not null, Reason: RevocationReason.RemoveFromCrl })
                    {
                        throw new FeedRefusedException("The feed has a certificate that is revoked with removeFromCRL, which is for delta CRLs.");
                    }

                    break;
                case FeedEntryKind.Responses:
                    until = Math.Max(until, Inspect(authorities, reader));
                    break;
                case FeedEntryKind.Crl:
                    Named(authorities, reader.Crl.Authority);
                    crls.Add(reader.Crl);
                    break;
                default:
                    nextKey = Der.Decode<SubjectPublicKeyInfo>(reader.Encoded.ToArray());
                    break;
            }
        }

        return new FeedContent(content, authorities, crls, nextKey, until);
    }

    private static long Inspect(ServedAuthorities authorities, FeedReader reader)
    {
        FeedBatch batch = reader.Batch;
        ServedSigner signer = authorities.FindSigner(batch.Signer) is { } found && found.Authority == batch.Authority ? found
            : throw new FeedRefusedException($"The feed has responses of the CA {batch.Authority} by the signer {batch.Signer}, who is not named, or another CA's.");
        while (reader.TryReadResponse(out FeedResponse response))
        {
            if (signer.IsSm2 ? response.Signature.Length != Sm2Signature.RawLength : response.Signature.Length is < MinRsaSignature or > StatusTable.MaxSignature)
            {
                throw new FeedRefusedException($"The feed has a signature of {response.Signature.Length} bytes by the signer {batch.Signer}.");
            }
        }

        return batch.NextUpdate > batch.ThisUpdate ? batch.NextUpdate.ToUnixTimeSeconds() : throw new FeedRefusedException("The feed has responses that end before they begin.");
    }

    private static void Named(ServedAuthorities authorities, short number)
    {
        if (authorities.Find(number) is null)
        {
            throw new FeedRefusedException($"The feed speaks of the CA {number}, which it has not named.");
        }
    }
}
