using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Asn1.Custody;
using ZwCa.HsmSim.Device;
using ZwCa.HsmSim.Faults;

namespace ZwCa.HsmSim.Server;

/// <summary>
/// Listens for the console and for clients. TLS 1.3 with certificates on both sides; which client may do what is said in a partition's policy, which
/// is encrypted until the partition is open, so TLS takes every client certificate and Hello decides.
/// </summary>
internal sealed class DeviceServer : IAsyncDisposable
{
    private static readonly TimeSpan AfterFailedAccept = TimeSpan.FromMilliseconds(100);

    private readonly ReadOnlyMemory<byte> _consoleHash;
    private readonly ConcurrentDictionary<Connection, Task> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <param name="certificate">The device's, with its private key.</param>
    /// <param name="consoleHash">SHA-256 of the DER of the console's certificate.</param>
    /// <param name="partitions">Stay the caller's.</param>
    public DeviceServer(
        X509Certificate2 certificate,
        ReadOnlyMemory<byte> consoleHash,
        IReadOnlyList<Partition> partitions,
        FaultKnobs faults,
        DeviceLog log,
        ServerLimits? limits = null)
    {
        _consoleHash = consoleHash;
        Limits = limits ?? new ServerLimits();
        Bytes = new InFlightBytes(Limits.AllBytes);
        Log = log;
        Client = new ClientOperations(faults);
        Console = new ConsoleOperations(partitions, faults, log, CloseOutlawed);
        TlsOptions = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateRequired = true,
            RemoteCertificateValidationCallback = (_, presented, _, _) => presented is not null,
            AllowTlsResume = false,

            // SslStream builds a chain before it asks us: let it look for nothing outside.
            CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
        };
    }

    public ServerLimits Limits { get; }

    /// <summary>Of all connections.</summary>
    public InFlightBytes Bytes { get; }

    public DeviceLog Log { get; }

    public SslServerAuthenticationOptions TlsOptions { get; }

    public ClientOperations Client { get; }

    public ConsoleOperations Console { get; }

    public int Connections => _connections.Count;

    /// <param name="address">Port 0: any.</param>
    /// <returns>Where it listens.</returns>
    /// <exception cref="SocketException">The address is taken or none of this machine.</exception>
    public IPEndPoint Start(IPEndPoint address)
    {
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(address);
        _listener.Listen(Limits.Connections);
        _accepting = AcceptAsync(_listener);
        return (IPEndPoint)_listener.LocalEndPoint!;
    }

    public bool IsConsole(ReadOnlySpan<byte> certificateHash) => CryptographicOperations.FixedTimeEquals(certificateHash, _consoleHash.Span);

    public Partition? Find(string name) => Console.Find(name);

    /// <summary>Takes no more connections and requests, and ends once what is in flight is answered.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener?.Dispose();
        await _accepting.ConfigureAwait(false);
        foreach (Connection connection in _connections.Keys)
        {
            connection.Stop();
        }

        await Task.WhenAll(_connections.Values).ConfigureAwait(false);
    }

    private async Task AcceptAsync(Socket listener)
    {
        for (long number = 1; ; number++)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // A peer that was gone before it was greeted, or no file handles left: neither ends the device.
                Log.Write($"not accepted: {e.Message}");
                await Task.Delay(AfterFailedAccept).ConfigureAwait(false);
                continue;
            }

            if (_connections.Count >= Limits.Connections && !MakeRoom())
            {
                Log.Write($"#{number}", $"closed: there are {Limits.Connections} connections");
                socket.Dispose();
                continue;
            }

            Begin(socket, number);
        }
    }

    /// <summary>
    /// Who has no credential cannot keep others out by holding connections: the oldest one that has not proven who it is goes. Those that are going
    /// still count, so that there are never many of them.
    /// </summary>
    private bool MakeRoom()
    {
        Connection? oldest = _connections.Count < 2 * Limits.Connections
            ? _connections.Keys.Where(each => !each.IsTrusted && !each.IsAborted).MinBy(each => each.Number)
            : null;
        oldest?.Abort("made room for another before it had proven who it is");
        return oldest is not null;
    }

    private void Begin(Socket socket, long number)
    {
        Connection connection;
        try
        {
            socket.NoDelay = true;
            connection = new Connection(this, socket, number);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            Log.Write($"#{number}", $"closed: {e.Message}");
            socket.Dispose();
            return;
        }

        // In the list before it runs, so that it cannot end before it is there.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _connections[connection] = RunAsync(connection, started.Task);
        started.SetResult();
    }

    private async Task RunAsync(Connection connection, Task started)
    {
        await started.ConfigureAwait(false);
        try
        {
            await connection.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }

    private void CloseOutlawed(Partition partition, PartitionPolicy policy)
    {
        foreach (Connection connection in _connections.Keys.Where(each => each.IsOutlawed(partition, policy)))
        {
            connection.Abort("the policy no longer names this client");
        }
    }
}
