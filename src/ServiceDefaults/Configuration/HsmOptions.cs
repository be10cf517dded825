using System.Net;
using ZwCa.Hsm.Simulator;

namespace ZwCa.ServiceDefaults.Configuration;

/// <summary>The device that has a service's keys.</summary>
public sealed record HsmOptions
{
    /// <summary>ADDRESS:PORT.</summary>
    public required string Endpoint { get; init; }

    public required string Partition { get; init; }

    /// <summary>The partition's id, 32 hexadecimal digits; another of the same name is refused. Null: not pinned.</summary>
    public string? Serial { get; init; }

    /// <summary>With client.pem, secret and server.sha256.</summary>
    public required string ClientFolder { get; init; }

    internal SimulatorOptions ToSimulator() => SimulatorOptions.FromFolder(IPEndPoint.Parse(Endpoint), Partition, ClientFolder, serial: Serial);
}
