using System.Diagnostics;
using System.Globalization;
using System.Net;
using ZwCa.Asn1;
using ZwCa.Asn1.Feed;
using ZwCa.Issuance.Feed;

namespace ZwCa.Ocsp.Feed;

/// <summary>Where the feed is fetched: the routes of docs/PUBLICATION.md. What it gives out is verified by nobody yet.</summary>
/// <param name="http">Over the node's link. Its base address is the CA's.</param>
internal sealed class FeedClient(HttpClient http)
{
    /// <summary>Header of a 404 for segments: number of the oldest that is kept.</summary>
    public const string FirstHeader = "Feed-First";

    /// <summary>Bytes of an answer with segments: their content, and their statements.</summary>
    private const int MaxSegments = 2 * FeedFrames.MaxContent;

    private const int MaxStatement = 4 << 20;

    /// <summary>Bytes in a second, on the average: a sender who drips is as good as one who is away.</summary>
    private const int LeastRate = 8 << 10;

    /// <param name="after">Waits until there is a segment after that one, or some seconds.</param>
    /// <exception cref="HttpRequestException">The CA is away, refuses, or sends too much.</exception>
    /// <exception cref="DerException">No statement.</exception>
    public async Task<FeedStatement> ReadHeadAsync(long after, CancellationToken cancellationToken) =>
        Der.Decode<FeedStatement>(await ReadAsync(Invariant($"feed/head?after={after}"), MaxStatement, cancellationToken));

    /// <returns>What follows that number, and maybe nothing. Segments null: it is not kept any more; First: the oldest that is.</returns>
    /// <inheritdoc cref="ReadHeadAsync"/>
    public async Task<(IReadOnlyList<FeedSegment>? Segments, long First)> ReadSegmentsAsync(long after, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await GetAsync(Invariant($"feed/segments?after={after}"), cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            string? first = answer.Headers.TryGetValues(FirstHeader, out IEnumerable<string>? values) ? values.First() : null;

            // Whoever does not say so is not the feed, but something in front of it: nothing is given up for that.
            return long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? (null, number) : throw new HttpRequestException("The CA has no feed there.");
        }

        return ([.. FeedFrames.Read(await ReadAsync(answer, MaxSegments, cancellationToken))], 0);
    }

    /// <returns>Null: there is none yet.</returns>
    /// <inheritdoc cref="ReadHeadAsync"/>
    public async Task<FeedStatement?> FindSnapshotAsync(CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await GetAsync("feed/snapshot", cancellationToken);
        return answer.StatusCode == HttpStatusCode.NotFound ? null : Der.Decode<FeedStatement>(await ReadAsync(answer, MaxStatement, cancellationToken));
    }

    /// <inheritdoc cref="ReadHeadAsync"/>
    public Task<byte[]> ReadPartAsync(long number, int part, CancellationToken cancellationToken) =>
        ReadAsync(Invariant($"feed/snapshot/{number}/{part}"), FeedFrames.MaxContent, cancellationToken);

    /// <summary>Writes the file of a CRL to a stream, and no more than its length.</summary>
    /// <param name="hash">SM3 of it.</param>
    /// <inheritdoc cref="ReadHeadAsync"/>
    public async Task ReadCrlAsync(ReadOnlyMemory<byte> hash, long length, Stream destination, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await GetAsync($"feed/crls/{Convert.ToHexStringLower(hash.Span)}", cancellationToken);
        await CopyAsync(answer, length, destination, cancellationToken);
    }

    private static string Invariant(FormattableString path) => FormattableString.Invariant(path);

    private async Task<HttpResponseMessage> GetAsync(string path, CancellationToken cancellationToken) =>
        await http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    private async Task<byte[]> ReadAsync(string path, long most, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await GetAsync(path, cancellationToken);
        return await ReadAsync(answer, most, cancellationToken);
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage answer, long most, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        await CopyAsync(answer, most, bytes, cancellationToken);
        return bytes.ToArray();
    }

    /// <summary>A connection that breaks in the middle is a CA that is away: it says nothing of the feed, nor of our disk.</summary>
    private static async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException e)
        {
            throw new HttpRequestException($"The CA's answer broke off: {e.Message}", e);
        }
    }

    private async Task CopyAsync(HttpResponseMessage answer, long most, Stream destination, CancellationToken cancellationToken)
    {
        answer.EnsureSuccessStatusCode();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using Stream body = await answer.Content.ReadAsStreamAsync(deadline.Token);
        byte[] buffer = new byte[1 << 16];
        var clock = Stopwatch.StartNew();
        long length = 0;
        while (true)
        {
            // No part of it may take longer than a whole question, and the whole no longer than at the least rate.
            TimeSpan left = http.Timeout + TimeSpan.FromSeconds((double)length / LeastRate) - clock.Elapsed;
            deadline.CancelAfter(left < TimeSpan.Zero ? TimeSpan.Zero : left < http.Timeout ? left : http.Timeout);
            int count = await ReadAsync(body, buffer, deadline.Token);
            if (count == 0)
            {
                return;
            }

            length += count;
            if (length > most)
            {
                throw new HttpRequestException($"The CA's answer has more than {most} bytes.");
            }

            await destination.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }
}
