using System.Net;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;
using ZwCa.Ocsp.Statuses;

namespace ZwCa.Ocsp.Answers;

/// <summary>What became of a request.</summary>
internal enum Outcome
{
    PreSigned,
    Live,
    MalformedRequest,
    InternalError,
    TryLater,
    Unauthorized,
}

/// <summary>What is known of a response that was signed ahead of time. Times are Unix seconds.</summary>
internal readonly record struct PreSigned(long Version, short Signer, long ThisUpdate, long NextUpdate);

/// <summary>A response.</summary>
/// <param name="Facts">Of one that was signed ahead of time.</param>
internal readonly record struct Answer(Outcome Outcome, ReadOnlyMemory<byte> Response, PreSigned Facts = default);

/// <summary>Decides what a request is answered: the table of docs/OCSP.md. Safe for concurrent use.</summary>
internal sealed class AnswerOcsp(OcspOptions options, FeedState state, SignLive live, TimeProvider time)
{
    /// <summary>No response that was signed ahead of time is longer, with the signer's certificate in it.</summary>
    public const int MaxResponse = 16 << 10;

    private static readonly byte[][] Errors =
    [
        .. Enum.GetValues<Outcome>().Select(each => each is Outcome.PreSigned or Outcome.Live ? [] : Der.Encode(OcspResponse.Error(StatusOf(each)))),
    ];

    public static Answer Error(Outcome outcome) => new(outcome, Errors[(int)outcome]);

    /// <summary>The short way, without an object: for a <see cref="PlainRequest"/> to which a response was signed ahead of time.</summary>
    /// <param name="buffer"><see cref="MaxResponse"/> bytes.</param>
    /// <param name="response">Lies in the buffer.</param>
    /// <returns>False: <see cref="AnswerAsync"/> knows.</returns>
    public bool TryPreSigned(ReadOnlySpan<byte> request, Span<byte> buffer, out ReadOnlySpan<byte> response, out PreSigned facts)
    {
        response = default;
        facts = default;
        return PlainRequest.TryRead(request, out PlainRequest plain)
            && state.Served is { } feed
            && feed.Authorities.Find(plain.Hash, plain.NameHash, plain.KeyHash) is { } authority
            && TryPreSigned(feed, authority, plain.Hash, plain.SerialNumber, buffer, out response, out facts);
    }

    /// <param name="request">Of any length: a longer one than is allowed is no request.</param>
    /// <param name="client">Whose tokens are taken. Null: not known.</param>
    public async ValueTask<Answer> AnswerAsync(ReadOnlyMemory<byte> request, IPAddress? client, CancellationToken cancellationToken)
    {
        // Step 1: it is a request, as the plain types have it.
        OcspRequest decoded;
        Nonce? nonce;
        try
        {
            decoded = OcspRequest.Decode(request, options.MaxBytes, options.MaxCertIds);
            nonce = decoded.Tbs.RequestExtensions?.Find<Nonce>();
        }
        catch (DerException)
        {
            return Error(Outcome.MalformedRequest);
        }

        // Step 2: nobody wants more than we know. A critical extension that is not understood must not be passed over; others may (RFC 6960 §4.4), and so may the requestor's signature.
        if (HasUnknownCritical(decoded.Tbs.RequestExtensions) || decoded.Tbs.RequestList.Any(each => HasUnknownCritical(each.SingleRequestExtensions)))
        {
            return Error(Outcome.MalformedRequest);
        }

        if (state.Served is not { } feed)
        {
            return Error(Outcome.TryLater);
        }

        // Step 3: whose certificates. One response is signed by one responder, who answers for one CA: what is asked about another one, or about two, is not for us.
        ServedAuthority? authority = null;
        foreach (Request each in decoded.Tbs.RequestList)
        {
            ServedAuthority? meant = CertIds.HashOf(each.ReqCert) is { } hash ? feed.Authorities.Find(hash, each.ReqCert.IssuerNameHash.Span, each.ReqCert.IssuerKeyHash.Span) : null;
            if (meant is null || (authority is not null && authority != meant))
            {
                return Error(Outcome.Unauthorized);
            }

            authority = meant;
        }

        // Step 4: one certificate, nothing besides: signed ahead, though the request has another form than the common one.
        CertId[] certIds = [.. decoded.Tbs.RequestList.Select(each => each.ReqCert)];
        if (certIds is [var single] && nonce is null && single.HashAlgorithm.Parameters is not null)
        {
            byte[] buffer = new byte[MaxResponse];
            if (TryPreSigned(feed, authority!, CertIds.HashOf(single)!.Value, single.SerialNumber.Content, buffer, out ReadOnlySpan<byte> response, out PreSigned facts))
            {
                return new Answer(Outcome.PreSigned, response.ToArray(), facts);
            }
        }

        // Step 5: signed here.
        return await live.TryAsync(feed, authority!, certIds, nonce, client, cancellationToken) is { } signed ? new Answer(Outcome.Live, signed) : Error(Outcome.TryLater);
    }

    private static ResponseStatus StatusOf(Outcome outcome) => outcome switch
    {
        Outcome.MalformedRequest => ResponseStatus.MalformedRequest,
        Outcome.TryLater => ResponseStatus.TryLater,
        Outcome.Unauthorized => ResponseStatus.Unauthorized,
        _ => ResponseStatus.InternalError,
    };

    private static bool HasUnknownCritical(Extensions? extensions) => extensions?.Any(each => each.Critical && each.Id != Nonce.Id) == true;

    private bool TryPreSigned(
        ServedFeed feed, ServedAuthority authority, CertIdHash hash, ReadOnlySpan<byte> serialNumber, Span<byte> buffer, out ReadOnlySpan<byte> response, out PreSigned facts)
    {
        response = default;
        facts = default;
        Span<byte> signature = stackalloc byte[StatusTable.MaxSignature];
        if (!feed.Table.TryRead(authority.Number, serialNumber, hash, signature, out CertificateStatus status) || !status.HasResponse)
        {
            return false;
        }

        long now = time.GetUtcNow().ToUnixTimeSeconds();
        if (status.NextUpdate <= now || status.ThisUpdate > now + ClockDifference.Seconds || feed.Authorities.FindSigner(status.Signer)?.For(hash) is not { } template)
        {
            return false;
        }

        var said = new OcspFacts(serialNumber, status.IsRevoked ? status.RevokedAt : null, status.Reason, status.ThisUpdate, status.NextUpdate);
        int length = template.Write(buffer, said, signature[..status.SignatureLength]).Length;
        response = buffer[^length..];
        facts = new PreSigned(status.Version, status.Signer, status.ThisUpdate, status.NextUpdate);
        return true;
    }
}
