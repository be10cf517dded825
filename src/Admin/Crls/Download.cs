using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace ZwCa.Admin.Crls;

/// <summary>How much and how long an answer may be. Nobody's server makes this program fill a disk or wait for ever.</summary>
/// <param name="Bytes">Of the content.</param>
/// <param name="Silence">Without a byte: before the head of the answer, and between two pieces of its content.</param>
internal sealed record DownloadLimits(long Bytes, TimeSpan Silence)
{
    /// <summary>A CRL of some million entries.</summary>
    public const long CrlBytes = 256L << 20;

    /// <summary>From the first byte sent to the last received, over a slow line.</summary>
    public TimeSpan Total { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Of all downloads together; null: this one's limits are all.</summary>
    public DownloadBudget? Budget { get; init; }
}

/// <summary>
/// What all downloads of one run may take together: a server that sends the longest answer at each of a hundred addresses fills no disk, and one that sends a byte now and then is
/// not waited for all day. Not safe for concurrent use.
/// </summary>
internal sealed class DownloadBudget(long bytes, TimeSpan time, TimeProvider clock)
{
    private readonly long _begin = clock.GetTimestamp();
    private long _taken;

    public TimeSpan TimeLeft => time - clock.GetElapsedTime(_begin);

    /// <summary>Null: there is some of both left; otherwise what is spent, in English.</summary>
    public string? Spent => _taken > bytes ? string.Create(CultureInfo.InvariantCulture, $"the {bytes >> 20} MiB that all answers together may have are spent")
        : TimeLeft <= TimeSpan.Zero ? $"the {PlainText.Of(time)} that all answers together may take are over"
        : null;

    /// <exception cref="DownloadException">That is more than is left.</exception>
    public void Take(int count)
    {
        _taken += count;
        if (_taken > bytes)
        {
            throw new DownloadException(Spent!);
        }
    }
}

/// <summary>Nothing came that could be used: the message says what did, in English.</summary>
/// <param name="isServerDown">It did not answer at all, or not in time: there is no use in asking it for something else.</param>
internal sealed class DownloadException(string message, bool isServerDown = false, Exception? inner = null) : Exception(message, inner)
{
    public bool IsServerDown { get; } = isServerDown;
}

/// <summary>What a server answered, its content in a file that nobody else sees and that is gone when this is disposed of.</summary>
/// <param name="Content">At its beginning.</param>
/// <param name="Sent">By the local clock, when the request went out.</param>
/// <param name="Answered">By the local clock, when the head of the answer was there.</param>
internal sealed record Downloaded(int Status, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, Stream Content, DateTimeOffset Sent, DateTimeOffset Answered) : IDisposable
{
    public void Dispose() => Content.Dispose();
}

/// <summary>Plain GETs, and POSTs of some bytes, without redirects, cookies and compression: what is in a published URL is there, or it is not.</summary>
internal sealed class Downloader(TimeProvider time) : IDisposable
{
    private const int BufferLength = 1 << 16;

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = ConnectPatience, MaxResponseHeadersLength = 32 })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Whatever the status; see <see cref="RequireFound"/>.</summary>
    /// <exception cref="DownloadException">No answer, too late, too long.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    public async Task<Downloaded> SendAsync(HttpRequestMessage request, DownloadLimits limits, CancellationToken cancellationToken)
    {
        using var limit = new Patience(limits, cancellationToken);
        DateTimeOffset sent = time.GetUtcNow();
        try
        {
            using HttpResponseMessage answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Next());
            DateTimeOffset answered = time.GetUtcNow();
            if (answer.Content.Headers.ContentLength > limits.Bytes)
            {
                throw TooLong(limits);
            }

            Stream content = TemporaryFile();
            try
            {
                await CopyAsync(await answer.Content.ReadAsStreamAsync(limit.Next()), content, limits, limit);
                content.Position = 0;
                return new Downloaded((int)answer.StatusCode, answer.Headers, answer.Content.Headers, content, sent, answered);
            }
            catch
            {
                await content.DisposeAsync();
                throw;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DownloadException(
                limit.IsSilent ? $"it was silent for {Seconds(limits.Silence)} s" : $"it did not answer in full within {Seconds(limits.Total)} s", isServerDown: true);
        }
        catch (HttpRequestException e)
        {
            throw new DownloadException($"it does not answer as a server does: {Reason(e)}", isServerDown: e.HttpRequestError is not HttpRequestError.ResponseEnded, e);
        }
    }

    /// <summary>A GET that has to be answered with what is there.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task<Downloaded> GetAsync(Uri url, DownloadLimits limits, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        return RequireFound(await SendAsync(request, limits, cancellationToken));
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Of this user alone, in the system's folder for such files; it has no name once it is closed.</summary>
    public static FileStream TemporaryFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(Path.Combine(Path.GetTempPath(), $"zwca-{Guid.NewGuid():N}"), options);
    }

    /// <summary>Status 200; otherwise the answer is disposed of.</summary>
    /// <exception cref="DownloadException">Another one.</exception>
    public static Downloaded RequireFound(Downloaded answer)
    {
        if (answer.Status == 200)
        {
            return answer;
        }

        answer.Dispose();
        throw new DownloadException(
            answer.Status is >= 300 and < 400
                ? $"it redirects (status {answer.Status}), which relying parties need not follow"
                : $"the answer has status {answer.Status}");
    }

    private static async Task CopyAsync(Stream source, Stream target, DownloadLimits limits, Patience limit)
    {
        byte[] buffer = new byte[BufferLength];
        long copied = 0;
        while (await ReadAsync(source, buffer, limit.Next()) is var count and > 0)
        {
            copied += count;
            limits.Budget?.Take(count);
            if (copied > limits.Bytes)
            {
                throw TooLong(limits);
            }

            target.Write(buffer.AsSpan(0, count));
        }
    }

    private static async Task<int> ReadAsync(Stream source, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException e)
        {
            // Of the connection: the file's are not the server's fault.
            throw new DownloadException("the answer broke off", inner: e);
        }
    }

    private static DownloadException TooLong(DownloadLimits limits) => new(string.Create(CultureInfo.InvariantCulture, $"the answer has more than {limits.Bytes} bytes, and was not read"));

    private static string Reason(HttpRequestException e) => e.InnerException is SocketException socket ? socket.SocketErrorCode.ToString() : e.HttpRequestError.ToString();

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>Both limits of time.</summary>
    private sealed class Patience(DownloadLimits limits, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        /// <summary>What ran out was <see cref="DownloadLimits.Silence"/>.</summary>
        public bool IsSilent { get; private set; }

        /// <summary>For the next thing to wait for.</summary>
        public CancellationToken Next()
        {
            TimeSpan left = limits.Total - _clock.Elapsed;
            IsSilent = limits.Silence < left;
            _source.CancelAfter(IsSilent ? limits.Silence : left > TimeSpan.Zero ? left : TimeSpan.Zero);
            return _source.Token;
        }

        public void Dispose() => _source.Dispose();
    }
}
