namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>What one client may ask of a service. Bytes, seconds and requests.</summary>
public sealed record RequestLimits
{
    public long BodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>All header lines of a request together.</summary>
    public int HeaderBytes { get; init; } = 16 * 1024;

    public int HeaderCount { get; init; } = 64;

    /// <summary>Method, path and query.</summary>
    public int RequestLineBytes { get; init; } = 8 * 1024;

    public int Connections { get; init; } = 2048;

    /// <summary>Within which the TLS handshake has to be done.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Within which all header lines have to be there.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A body that comes slower, after a grace period, is given up: bytes per second.</summary>
    public int BodyBytesPerSecond { get; init; } = 240;

    public TimeSpan BodyGracePeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After which the work on a request is cancelled.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of one client, lasting; an address (of IPv6 a network, /64) without a trusted link counts as one client.</summary>
    public int RequestsPerSecond { get; init; } = 200;

    /// <summary>Of one client, at once.</summary>
    public int RequestsAtOnce { get; init; } = 400;
}
