using System.Net;
using Microsoft.Extensions.Configuration;
using ZwCa.ServiceDefaults.Configuration;

namespace ZwCa.Ocsp;

/// <summary>What a responder has to be told besides what every service is: section <c>Ocsp</c> of its configuration.</summary>
internal sealed record OcspOptions
{
    public const string Section = "Ocsp";

    /// <summary>Addresses and ports where everybody asks, plain http: <c>0.0.0.0:8080</c>, <c>[::]:8080</c>.</summary>
    public required IReadOnlyList<string> Listen { get; init; }

    public required FeedOptions Feed { get; init; }

    /// <summary>The device with the node's keys. Null: nothing is signed here.</summary>
    public HsmOptions? Hsm { get; init; }

    /// <summary>The node's key for each CA.</summary>
    public IReadOnlyList<LiveOptions> Live { get; init; } = [];

    /// <summary>For how long what is signed here holds.</summary>
    public TimeSpan LiveValidity { get; init; } = TimeSpan.FromHours(1);

    public BucketOptions Buckets { get; init; } = new();

    /// <summary>Of a request.</summary>
    public int MaxBytes { get; init; } = 64 << 10;

    /// <summary>Of a request.</summary>
    public int MaxCertIds { get; init; } = 16;

    /// <summary>What a cache may keep at most, however long it is still good: a revocation has to be seen.</summary>
    public TimeSpan MaxCached { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Of all. One /32 of IPv6, and one /16 of IPv4, has no more than half of them.</summary>
    public int Connections { get; init; } = 20_000;

    /// <summary>Of one client, as <see cref="Buckets"/> tell clients apart. A proxy is one.</summary>
    public int ConnectionsOfOne { get; init; } = 256;

    /// <summary>From saying that it is not ready any more to taking no more connections.</summary>
    public TimeSpan DrainFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <exception cref="ConfigurationException">A setting is missing, unknown or wrong.</exception>
    public static OcspOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        OcspOptions? options;
        try
        {
            options = configuration.GetSection(Section).Get<OcspOptions>(binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            throw ServiceConfiguration.NotBound(e);
        }

        IReadOnlyList<string> reasons = options is null ? [$"Section {Section} is missing."] : options.Faults();
        return reasons.Count == 0 ? options! : throw new ConfigurationException(reasons);
    }

    /// <returns>Everything that is wrong.</returns>
    public IReadOnlyList<string> Faults()
    {
        // The binder leaves null what is not there, also where the type says otherwise.
        var reasons = new List<string>();
        FeedOptions? feed = Feed;
        Need(Listen is { Count: > 0 } && Listen.All(each => IPEndPoint.TryParse(each ?? "", out _)), nameof(Listen), "at least one ADDRESS:PORT");
        Need(feed?.Url is { IsAbsoluteUri: true, Scheme: "https" }, "Feed:Url", "an https address of the CA");
        Need(!string.IsNullOrEmpty(feed?.Origin), "Feed:Origin", "the name of the feed");
        Need(feed?.KeyFiles is { Count: > 0 } && feed.KeyFiles.All(each => !string.IsNullOrEmpty(each)), "Feed:KeyFiles", "at least one PEM file with a public key");
        Need(!string.IsNullOrEmpty(feed?.Folder), "Feed:Folder", "a folder of the node's own");
        Need(feed is null || IsTime(feed.LateAfter, TimeSpan.FromHours(1)), "Feed:LateAfter", "one second to one hour");
        Need(feed is null || IsTime(feed.StaleAfter, TimeSpan.FromDays(1)) && feed.StaleAfter > feed.LateAfter, "Feed:StaleAfter", "more than LateAfter, up to one day");
        Need(feed is null || IsTime(feed.LongestWait, TimeSpan.FromMinutes(10)), "Feed:LongestWait", "one second to ten minutes");
        Need(feed is null || feed.Timeout > FeedOptions.LongestPoll && feed.Timeout <= TimeSpan.FromMinutes(10), "Feed:Timeout", "more than 10 seconds, up to ten minutes");
        Need(feed is null || feed.KeepExpired >= TimeSpan.Zero, "Feed:KeepExpired", "not negative");
        Need(Hsm is null or { Endpoint.Length: > 0, Partition.Length: > 0, ClientFolder.Length: > 0 }, "Hsm", "Endpoint, Partition and ClientFolder");
        Need(Hsm is null || IPEndPoint.TryParse(Hsm.Endpoint ?? "", out _), "Hsm:Endpoint", "ADDRESS:PORT");
        Need(Live.All(each => each is { CertificateFile.Length: > 0, Key.Length: > 0 }), nameof(Live), "CertificateFile and Key of each");
        Need(Live.Count == 0 || Hsm is not null, "Hsm", "there, where Live names keys of it");
        Need(IsTime(LiveValidity, TimeSpan.FromDays(1)), nameof(LiveValidity), "one second to one day");
        Need(MaxBytes is >= 256 and <= 1 << 20, nameof(MaxBytes), "256 bytes to 1 MiB");
        Need(MaxCertIds is >= 1 and <= 256, nameof(MaxCertIds), "1 to 256");
        Need(MaxCached >= TimeSpan.Zero, nameof(MaxCached), "not negative");
        Need(Connections > 0 && ConnectionsOfOne > 0, "Connections and ConnectionsOfOne", "at least 1");
        Need(DrainFor >= TimeSpan.Zero && DrainFor <= TimeSpan.FromSeconds(20), nameof(DrainFor), "up to 20 seconds");
        Need(Buckets is { ClientPerSecond: > 0, ClientAtOnce: > 0, NodePerSecond: > 0, NodeAtOnce: > 0 }, "Buckets", "rates and amounts of more than nothing");
        Need(Buckets is { Ipv4Bits: >= 8 and <= 32, Ipv6Bits: >= 16 and <= 64, Clients: >= 16 and <= 1 << 22 }, "Buckets", "Ipv4Bits 8 to 32, Ipv6Bits 16 to 64, Clients 16 to 4,194,304");
        return reasons;

        void Need(bool right, string setting, string expected)
        {
            if (!right)
            {
                reasons.Add($"{Section}:{setting} must be {expected}.");
            }
        }
    }

    private static bool IsTime(TimeSpan value, TimeSpan most) => value >= TimeSpan.FromSeconds(1) && value <= most;
}

/// <summary>Where the feed comes from, and where its copy lies.</summary>
internal sealed record FeedOptions
{
    /// <summary>For which the CA lets a question for news wait.</summary>
    public static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(10);

    /// <summary>Of the CA's links: <c>https://ca.example:8443</c>.</summary>
    public required Uri Url { get; init; }

    /// <summary>Name of the feed, as its statements have it.</summary>
    public required string Origin { get; init; }

    /// <summary>PEM: the public key of the feed. Several while it is changed.</summary>
    public required IReadOnlyList<string> KeyFiles { get; init; }

    /// <summary>Of the copy. The node writes there, and nobody else.</summary>
    public required string Folder { get; init; }

    /// <summary>What is remembered apart from the copy. Null: <c>heard</c> in the folder; a file outside of it notices that an old copy was put back.</summary>
    public string? MemoryFile { get; init; }

    /// <summary>When nothing was heard for so long, the node is degraded.</summary>
    public TimeSpan LateAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When nothing was heard for so long, it is not ready, and signs nothing.</summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Between two attempts.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Of one question.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For how long a certificate that has expired is still known.</summary>
    public TimeSpan KeepExpired { get; init; } = TimeSpan.FromDays(30);

    /// <summary>For how long to wait after so many failures in a row. Up to half of it is chance, so that nodes that lost the CA together do not come back together.</summary>
    public TimeSpan WaitAfter(int failures) => Math.Min(LongestWait.TotalSeconds, 0.25 * Math.Pow(2, Math.Min(failures, 16))) * (1 - (Random.Shared.NextDouble() / 2)) * TimeSpan.FromSeconds(1);
}

/// <summary>With what this node signs for one CA.</summary>
internal sealed record LiveOptions
{
    /// <summary>PEM: profile ocsp-node. It is looked at again when it is renewed.</summary>
    public required string CertificateFile { get; init; }

    /// <summary>Label of its key in the device.</summary>
    public required string Key { get; init; }
}

/// <summary>How much may be signed here.</summary>
internal sealed record BucketOptions
{
    /// <summary>Lasting, of one client.</summary>
    public double ClientPerSecond { get; init; } = 5;

    /// <summary>Of one client.</summary>
    public int ClientAtOnce { get; init; } = 20;

    /// <summary>Lasting, of all.</summary>
    public double NodePerSecond { get; init; } = 500;

    /// <summary>Of all.</summary>
    public int NodeAtOnce { get; init; } = 1000;

    /// <summary>What of an address is one client: 24 is a network of 256 addresses.</summary>
    public int Ipv4Bits { get; init; } = 32;

    /// <summary>Likewise; households and offices have a /56 or more.</summary>
    public int Ipv6Bits { get; init; } = 56;

    /// <summary>Clients that are told apart at one time; further ones share.</summary>
    public int Clients { get; init; } = 1 << 16;
}
