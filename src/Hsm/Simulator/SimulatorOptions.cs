using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Hsm.Simulator;

/// <summary>Which partition of which hsm-sim to use, and how the two ends know each other. Not a record: nothing prints the password.</summary>
public sealed class SimulatorOptions
{
    internal const int HashLength = 32;
    private const int MaxConnections = 64;
    private const int MaxRequests = 4096;

    /// <summary>Name or address.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>Name of the partition: the token's label.</summary>
    public required string Partition { get; init; }

    /// <summary>
    /// The partition's id, 32 hexadecimal digits; another partition of the same name is refused. Null: that of the first connection, which a reconnect
    /// then has to meet again.
    /// </summary>
    public string? Serial { get; init; }

    /// <summary>SHA-256 of the DER of the device's certificate, 32 bytes; no other certificate is accepted and nothing else of it matters.</summary>
    public required ReadOnlyMemory<byte> ServerCertificateHash { get; init; }

    /// <summary>PEM with the client's certificate and its private key. Either this or <see cref="ClientCertificate"/>.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>Opens the key in <see cref="ClientCertificateFile"/> if that is encrypted (PKCS#8).</summary>
    public string? ClientKeyPassword { get; init; }

    /// <summary>With its private key; stays the caller's.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>A file with the partition secret as 64 hexadecimal digits, read whenever a connection is made. Either this or <see cref="Secret"/>.</summary>
    public string? SecretFile { get; init; }

    /// <summary>The partition secret, 32 bytes; the caller keeps them until the driver is disposed and zeroes them then.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; }

    public int Connections { get; init; } = 2;

    /// <summary>Requests without an answer that one connection carries at a time; what is more waits its turn.</summary>
    public int MaxInFlight { get; init; } = 256;

    /// <summary>From the first packet to the answer to Hello.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>From a call to its answer, waiting for a connection included: no call takes longer (but for the quarter of a second in which it is noticed).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Whatever hsm-sim put into a client's folder; the rest as by default.</summary>
    /// <param name="endpoint">An IPEndPoint or a DnsEndPoint.</param>
    /// <param name="partition">Its name.</param>
    /// <param name="folder">With client.pem, secret and server.sha256.</param>
    /// <param name="password">Opens the private key, if somebody encrypted it.</param>
    /// <param name="serial">As <see cref="Serial"/>.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the pin cannot be read.</exception>
    public static SimulatorOptions FromFolder(EndPoint endpoint, string partition, string folder, string? password = null, string? serial = null)
    {
        (string host, int port) = ClientFolder.Parts(endpoint);
        return new SimulatorOptions
        {
            Host = host,
            Port = port,
            Partition = partition,
            Serial = serial,
            ServerCertificateHash = ClientFolder.ReadPin(folder),
            ClientCertificateFile = Path.Combine(folder, ClientFolder.CertificateFile),
            ClientKeyPassword = password,
            SecretFile = Path.Combine(folder, ClientFolder.SecretFile),
        };
    }

    /// <exception cref="ArgumentException">An option is out of its bounds, or of two that exclude each other none or both are there.</exception>
    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Host);
        ArgumentException.ThrowIfNullOrEmpty(Partition);
        Require(Port is > 0 and <= ushort.MaxValue, nameof(Port));
        Require(Encoding.UTF8.GetByteCount(Partition) <= Hello.MaxNameBytes, nameof(Partition));
        Require(Serial is null || (Serial.Length == 2 * Welcome.IdLength && Serial.All(char.IsAsciiHexDigit)), nameof(Serial));
        Require(ServerCertificateHash.Length == HashLength, nameof(ServerCertificateHash));
        Require(ClientCertificateFile is null != ClientCertificate is null, nameof(ClientCertificate));
        Require(ClientCertificate?.HasPrivateKey != false, nameof(ClientCertificate));
        Require(SecretFile is null != Secret.IsEmpty, nameof(Secret));
        Require(Secret.Length is 0 or Hello.SecretLength, nameof(Secret));
        Require(Connections is > 0 and <= MaxConnections, nameof(Connections));
        Require(MaxInFlight is > 0 and <= MaxRequests, nameof(MaxInFlight));
        Require(ConnectTimeout > TimeSpan.Zero && ConnectTimeout <= TimeSpan.FromHours(1), nameof(ConnectTimeout));
        Require(RequestTimeout > TimeSpan.Zero && RequestTimeout <= TimeSpan.FromHours(1), nameof(RequestTimeout));
    }

    /// <returns>A copy; the caller zeroes it.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the file cannot be read or has another length.</exception>
    internal byte[] ReadSecret() => SecretFile is null ? Secret.ToArray() : ClientFolder.ReadSecret(SecretFile);

    private static void Require(bool met, string option)
    {
        if (!met)
        {
            throw new ArgumentException($"The option {option} is missing, doubled or out of its bounds.", option);
        }
    }
}
