using ZwCa.Asn1;
using ZwCa.Asn1.Gm;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ca.Ocsp;

/// <summary>A response that was signed, about one certificate of a batch.</summary>
/// <param name="Raw">Signature as the feed has it.</param>
internal readonly record struct SignedAhead(FeedStatus Status, OcspSigner Signer, CertIdHash Hash, ReadOnlyMemory<byte> Raw);

/// <summary>Statuses of certificates and the responses that say so: what becomes one segment.</summary>
/// <param name="KeepUntil">The last nextUpdate; thisUpdate where there is no response.</param>
/// <param name="Told">With the ids of the certificates.</param>
internal sealed record ResponseBatch(DateTimeOffset ThisUpdate, DateTimeOffset KeepUntil, IReadOnlyList<(byte[] Id, FeedStatus Status)> Told, IReadOnlyList<SignedAhead> Responses)
{
    /// <summary>Rows of which nothing can be told, and why: they keep no other back.</summary>
    public IReadOnlyList<(byte[] Id, string Reason)> Broken { get; init; } = [];

    /// <summary>The first nextUpdate; thisUpdate where there is no response.</summary>
    public required DateTimeOffset EndsFirst { get; init; }

    /// <summary>Who has signed, or had nothing to sign: by these it is judged.</summary>
    public required OcspSigners Signers { get; init; }

    /// <summary>Whose keys failed, and why: the statuses of their CAs are told without responses, and responders sign by themselves. No other CA waits for them.</summary>
    public IReadOnlyList<(OcspSigner Signer, string Reason)> Silent { get; init; } = [];

    /// <summary>To the device at once; it takes up to 1,024 digests.</summary>
    private const int SignedAtOnce = 512;

    /// <summary>Calls to the device at a time.</summary>
    private const int CallsAtOnce = 2;

    /// <summary>Signs for what has not ended, by the signer of each CA and for each hash. Whether it says what is so, and the signatures hold, is for <see cref="OcspGate"/>.</summary>
    /// <param name="thisUpdate">Read from the clock before the rows were read; whole seconds.</param>
    /// <exception cref="HsmException">The device is away.</exception>
    public static async Task<ResponseBatch> SignAsync(
        IReadOnlyList<StatusRow> rows, OcspSigners signers, OcspOptions options, DateTimeOffset thisUpdate, CancellationToken cancellationToken)
    {
        // One certificate may have changed twice.
        var told = new List<(byte[] Id, FeedStatus Status)>(rows.Count);
        var broken = new List<(byte[] Id, string Reason)>();
        foreach (StatusRow row in rows.DistinctBy(row => (row.AuthorityId, row.Serial)))
        {
            try
            {
                if (row.FindStatus() is { } status)
                {
                    told.Add((row.CertificateId, status));
                }
            }
            catch (BatchRefusedException e)
            {
                broken.Add((row.CertificateId, e.Message));
            }
        }

        var calls = new List<Call>();
        foreach (IGrouping<short, FeedStatus> some in told.Select(each => each.Status).Where(status => status.NotAfter >= thisUpdate).GroupBy(status => status.Authority))
        {
            // One CA whose signer has ended keeps no other back; readiness tells of it.
            if (signers.Find(some.Key) is { } signer && signer.IsCertifiedAt(thisUpdate))
            {
                DateTimeOffset nextUpdate = NextUpdateOf(signer, options, thisUpdate);
                calls.AddRange(options.SignedHashes.SelectMany(hash => some.Chunk(SignedAtOnce).Select(chunk => new Call(signer, hash, nextUpdate, chunk))));
            }
        }

        await Parallel.ForEachAsync(
            calls,
            new ParallelOptions { MaxDegreeOfParallelism = CallsAtOnce, CancellationToken = cancellationToken },
            async (call, cancellation) =>
            {
                try
                {
                    call.Signed = await SignAsync(call, thisUpdate, cancellation);
                }
                catch (HsmException e) when (!e.IsTransient)
                {
                    // It is about this key; a device that is away is about all.
                    call.Failure = e.Message;
                }
            });
        (OcspSigner Signer, string Reason)[] silent = [.. calls.Where(call => call.Failure is not null).Select(call => (call.Signer, $"The key of the OCSP signer {call.Signer} failed: {call.Failure}")).DistinctBy(each => each.Signer)];
        OcspSigner[] without = [.. silent.Select(each => each.Signer)];
        Call[] signed = [.. calls.Where(call => !without.Contains(call.Signer))];
        return new ResponseBatch(thisUpdate, signed.Select(call => call.NextUpdate).DefaultIfEmpty(thisUpdate).Max(), told, [.. signed.SelectMany(call => call.Signed)])
        {
            EndsFirst = signed.Select(call => call.NextUpdate).DefaultIfEmpty(thisUpdate).Min(),
            Signers = signers.Without(without),
            Broken = broken,
            Silent = silent,
        };
    }

    /// <returns>The end of a response: no status lives longer than the certificate that vouches for it.</returns>
    public static DateTimeOffset NextUpdateOf(OcspSigner signer, OcspOptions options, DateTimeOffset thisUpdate)
    {
        DateTimeOffset nextUpdate = thisUpdate + options.Validity < signer.End ? thisUpdate + options.Validity : signer.End;
        return thisUpdate < signer.Begin || nextUpdate <= thisUpdate
            ? throw new BatchRefusedException($"The OCSP signer {signer} is certified from {signer.Begin:u} to {signer.End:u}, and it is {thisUpdate:u}.")
            : nextUpdate;
    }

    /// <summary>The same but for some certificates.</summary>
    public ResponseBatch Without(IReadOnlyList<byte[]> ids)
    {
        var left = ids.Select(Convert.ToHexString).ToHashSet();
        (byte[] Id, FeedStatus Status)[] told = [.. Told.Where(each => !left.Contains(Convert.ToHexString(each.Id)))];
        var serials = told.Select(each => (each.Status.Authority, Convert.ToHexString(each.Status.SerialNumber.Span))).ToHashSet();
        return this with { Told = told, Responses = [.. Responses.Where(each => serials.Contains((each.Status.Authority, Convert.ToHexString(each.Status.SerialNumber.Span))))] };
    }

    /// <returns>The content of its segment: first what is so, then the responses, in their order.</returns>
    public byte[] Write(OcspOptions options)
    {
        var writer = new FeedWriter();
        foreach ((_, FeedStatus status) in Told)
        {
            writer.Status(status);
        }

        (short Signer, CertIdHash Hash)? last = null;
        foreach (SignedAhead response in Responses)
        {
            if (last != (response.Signer.Number, response.Hash))
            {
                last = (response.Signer.Number, response.Hash);
                writer.Batch(new FeedBatch(response.Status.Authority, response.Signer.Number, response.Hash, ThisUpdate, NextUpdateOf(response.Signer, options, ThisUpdate)));
            }

            writer.Response(new FeedResponse(response.Status.SerialNumber, response.Status.Version, response.Raw));
        }

        return writer.ToArray();
    }

    private static async Task<IReadOnlyList<SignedAhead>> SignAsync(Call call, DateTimeOffset thisUpdate, CancellationToken cancellationToken)
    {
        var template = new OcspTemplate(call.Signer.Authority.Certificate, call.Signer.Certificate, call.Hash);
        byte[] buffer = new byte[template.MaxLength(0)];
        ReadOnlyMemory<byte>[] messages = [.. call.Statuses.Select(status => (ReadOnlyMemory<byte>)template.WriteTbs(
            buffer,
            new OcspFacts(status.SerialNumber.Span, status.RevokedAt?.ToUnixTimeSeconds(), status.Reason, thisUpdate.ToUnixTimeSeconds(), call.NextUpdate.ToUnixTimeSeconds())).ToArray())];
        IReadOnlyList<byte[]> signatures = await call.Signer.Responder.SignManyAsync(messages, cancellationToken);
        bool isSm2 = call.Signer.Responder.Algorithm == AlgorithmIdentifier.Sm3WithSm2;
        return [.. call.Statuses.Select((status, i) => new SignedAhead(status, call.Signer, call.Hash, isSm2 ? Der.Decode<Sm2Signature>(signatures[i]).Raw : signatures[i]))];
    }

    private sealed record Call(OcspSigner Signer, CertIdHash Hash, DateTimeOffset NextUpdate, FeedStatus[] Statuses)
    {
        public IReadOnlyList<SignedAhead> Signed { get; set; } = [];

        /// <summary>Null: none.</summary>
        public string? Failure { get; set; }
    }
}
