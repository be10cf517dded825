using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Net.Http.Headers;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Ocsp.Listening;

/// <summary>CRLs and certificates of the CAs, by the addresses that certificates name: <c>/crl/{ski}/{shard}.crl</c> and <c>/ca/{ski}.cer</c>.</summary>
internal sealed partial class PublishedFiles(OcspOptions options, FeedState state, CrlFiles crls, TimeProvider time)
{
    /// <summary>Bytes in a second; who reads slower holds a connection that others want.</summary>
    private const int LeastRate = 8 << 10;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    /// <summary>Whether a path belongs here. Whatever is none of these names is looked for nowhere.</summary>
    public static bool IsName(string path) => Name().IsMatch(path);

    public async Task AnswerAsync(HttpContext http, string path)
    {
        Match match = Name().Match(path);
        ServedAuthority? authority = state.Served?.Authorities.FindByKeyId(match.Groups["ski"].Value);
        HttpResponse response = http.Response;
        if (authority is not null && match.Groups["shard"] is { Success: true } shard)
        {
            if (crls.Find(authority.Number, shard.Value) is { } crl && Open(crl.Path) is { } file)
            {
                await using (file)
                {
                    response.Headers.LastModified = HeaderUtilities.FormatDate(crl.ThisUpdate);
                    if (Begin(http, crl.Tag, crl.NextUpdate - time.GetUtcNow(), "application/pkix-crl", crl.Length))
                    {
                        await SendAsync(http, file, crl.Length);
                    }
                }

                return;
            }
        }
        else if (authority is not null)
        {
            string tag = $"\"{Convert.ToHexStringLower(ZwCa.Cryptography.Sm3.HashData(authority.Encoded.Span).AsSpan(0, 16))}\"";
            if (Begin(http, tag, options.MaxCached, "application/pkix-cert", authority.Encoded.Length))
            {
                await response.BodyWriter.WriteAsync(authority.Encoded, http.RequestAborted);
            }

            return;
        }

        // Where it comes in a moment, no cache is to remember that it was not there.
        response.StatusCode = StatusCodes.Status404NotFound;
        response.Headers.CacheControl = "no-store";
        response.ContentLength = 0;
    }

    /// <summary>Whether the client has it already: If-None-Match.</summary>
    public static bool IsKnown(HttpRequest request, string tag)
    {
        if (request.Headers.IfNoneMatch.Count == 0 || !EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out IList<EntityTagHeaderValue>? tags))
        {
            return false;
        }

        var own = new EntityTagHeaderValue(tag);
        return tags.Any(each => each.Tag == "*" || each.Compare(own, useStrongComparison: false));
    }

    /// <summary>Of the folder of others: deleted in between, it is not there.</summary>
    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, useAsync: true);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>At the rate that is the least, and to the end in the time that this takes.</summary>
    private static async Task SendAsync(HttpContext http, FileStream file, long length)
    {
        if (http.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = new MinDataRate(LeastRate, Grace);
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        deadline.CancelAfter(Grace + TimeSpan.FromSeconds((double)length / LeastRate));
        try
        {
            await file.CopyToAsync(http.Response.Body, deadline.Token);
        }
        catch (OperationCanceledException)
        {
            http.Abort();
        }
    }

    /// <returns>Whether the content is to be sent.</returns>
    private bool Begin(HttpContext http, string tag, TimeSpan left, string type, long length)
    {
        HttpResponse response = http.Response;
        long age = (long)Math.Clamp(left.TotalSeconds, 0, options.MaxCached.TotalSeconds);
        response.Headers.ETag = tag;
        response.Headers.CacheControl = string.Create(CultureInfo.InvariantCulture, $"public, max-age={age}, must-revalidate");
        response.Headers.Expires = HeaderUtilities.FormatDate(time.GetUtcNow().AddSeconds(age));
        if (IsKnown(http.Request, tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return false;
        }

        response.ContentType = type;
        response.ContentLength = length;
        return HttpMethods.IsGet(http.Request.Method);
    }

    [GeneratedRegex("^/(crl/(?<ski>[0-9a-f]{8,64})/(?<shard>[0-9a-z-]{1,8})[.]crl|ca/(?<ski>[0-9a-f]{8,64})[.]cer)\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
