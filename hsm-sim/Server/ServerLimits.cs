namespace ZwCa.HsmSim.Server;

/// <summary>What a device puts up with. Tests shorten the times.</summary>
internal sealed record ServerLimits
{
    /// <summary>One more takes the place of the oldest that has not proven who it is; where all have, it is closed.</summary>
    public int Connections { get; init; } = 256;

    /// <summary>Requests of one connection whose answers are not written yet; beyond that nothing more is read.</summary>
    public int InFlight { get; init; } = 256;

    /// <summary>Bytes of one connection's requests and answers; beyond that nothing more is read from it.</summary>
    public long ConnectionBytes { get; init; } = 32 << 20;

    /// <summary>The same of all connections.</summary>
    public long AllBytes { get; init; } = 256 << 20;

    /// <summary>From the connection to its good Hello; of the console to the end of the TLS handshake.</summary>
    public TimeSpan Handshake { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the first to the last byte of a frame.</summary>
    public TimeSpan Frame { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For a peer to take the answers of one write.</summary>
    public TimeSpan Write { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What a wrong credential costs whoever tries.</summary>
    public TimeSpan WrongCredential { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For a peer to read a last answer before the connection is gone.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For the requests in flight when the device stops.</summary>
    public TimeSpan Stop { get; init; } = TimeSpan.FromSeconds(10);
}
