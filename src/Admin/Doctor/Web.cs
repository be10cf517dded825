using ZwCa.Admin.Crls;

namespace ZwCa.Admin.Doctor;

/// <summary>The doctor's way to servers: a server that does not answer is not asked again, and every answer tells something of the server's clock.</summary>
/// <param name="budget">Of all answers.</param>
internal sealed class Web(TimeProvider time, TimeSpan patience, DownloadBudget budget) : IDisposable
{
    private readonly Downloader _downloader = new(time);
    private readonly Dictionary<string, string> _down = [];
    private readonly SortedDictionary<string, TimeSpan?> _clocks = new(StringComparer.Ordinal);

    /// <summary>By server, how far its clock is ahead of ours at least (negative: behind), the worst of its answers; null: it never said.</summary>
    public IReadOnlyDictionary<string, TimeSpan?> Clocks => _clocks;

    /// <exception cref="DownloadException">No answer, another status than 200, or too long.</exception>
    /// <exception cref="IOException">There is no room for a temporary file.</exception>
    public async Task<Downloaded> GetAsync(Uri url, long maxBytes, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        return Downloader.RequireFound(await SendAsync(request, maxBytes, cancellationToken));
    }

    /// <summary>Whatever the status.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<Downloaded> SendAsync(HttpRequestMessage request, long maxBytes, CancellationToken cancellationToken)
    {
        string server = request.RequestUri!.GetLeftPart(UriPartial.Authority);
        if (budget.Spent is { } spent)
        {
            throw new DownloadException($"not asked, for {spent}");
        }

        if (_down.TryGetValue(server, out string? reason))
        {
            throw new DownloadException($"not asked, for {server} was silent before ({reason})");
        }

        var limits = new DownloadLimits(maxBytes, patience) { Budget = budget };
        TimeSpan left = budget.TimeLeft;
        try
        {
            Downloaded answer = await _downloader.SendAsync(request, left < limits.Total ? limits with { Total = left } : limits, cancellationToken);
            Observe(server, answer);
            return answer;
        }
        catch (DownloadException e) when (e.IsServerDown)
        {
            _down[server] = e.Message;
            throw;
        }
    }

    public void Dispose() => _downloader.Dispose();

    private void Observe(string server, Downloaded answer)
    {
        _clocks.TryAdd(server, null);
        if (answer.Headers.Date is not { } date)
        {
            return;
        }

        // RFC 9110 §6.6.1: whole seconds, and of an answer out of a cache the time at which that was made. In ticks, for what a server writes may lead beyond the last date.
        long earliest = date.UtcTicks + (answer.Headers.Age ?? TimeSpan.Zero).Ticks;
        long latest = earliest + TimeSpan.TicksPerSecond;
        var ahead = TimeSpan.FromTicks(
            earliest > answer.Answered.UtcTicks ? earliest - answer.Answered.UtcTicks
            : latest < answer.Sent.UtcTicks ? latest - answer.Sent.UtcTicks
            : 0);
        if (_clocks[server] is not { } known || ahead.Duration() > known.Duration())
        {
            _clocks[server] = ahead;
        }
    }
}
