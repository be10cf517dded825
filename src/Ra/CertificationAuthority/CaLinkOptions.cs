namespace ZwCa.Ra.CertificationAuthority;

/// <summary>The CA that this RA is registered with: section <c>Ra:Ca</c>.</summary>
public sealed record CaLinkOptions
{
    /// <summary>What officers write as caName into what they sign.</summary>
    public required string Name { get; init; }

    /// <summary><c>https://HOST:PORT</c></summary>
    public required string Address { get; init; }

    /// <summary>How the CA names itself as a service (<c>Service:Name</c>).</summary>
    public required string Recipient { get; init; }

    /// <summary>What its log is called: the origin in its checkpoints.</summary>
    public required string LogOrigin { get; init; }

    /// <summary>PEM: the public key of its log, as the ceremony gave it; after it those that came later.</summary>
    public required string LogKeyFile { get; init; }

    /// <summary>Of one answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is asked whether its directory of officers has changed.</summary>
    public TimeSpan PullEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many requests are on their way to it at once.</summary>
    public int RequestsAtOnce { get; init; } = 64;

    internal IEnumerable<string> Faults()
    {
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromMinutes(5))
        {
            yield return $"{nameof(Timeout)} must be one second to five minutes.";
        }

        if (PullEvery < TimeSpan.FromSeconds(1) || PullEvery > TimeSpan.FromMinutes(10))
        {
            yield return $"{nameof(PullEvery)} must be one second to ten minutes.";
        }

        if (RequestsAtOnce is < 1 or > 1024)
        {
            yield return $"{nameof(RequestsAtOnce)} must be 1 to 1024.";
        }
    }
}
