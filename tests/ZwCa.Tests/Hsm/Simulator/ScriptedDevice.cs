using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ZwCa.Hsm;
using ZwCa.Hsm.Simulator;
using ZwCa.Hsm.Simulator.Wire;

namespace ZwCa.Tests.Hsm.Simulator;

/// <summary>A TLS server that speaks the protocol as a test tells it to, or breaks it. It holds no key.</summary>
internal sealed class ScriptedDevice : IAsyncDisposable
{
    public const string Partition = "kmc";

    private readonly ConcurrentDictionary<ScriptedPeer, byte> _peers = [];
    private TcpListener _listener = new(IPAddress.Loopback, 0);
    private Task _accepting;

    public ScriptedDevice()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    public static X509Certificate2 ClientCertificate { get; } = MakeCertificate("client");

    public static byte[] Secret { get; } = [.. Enumerable.Range(1, Hello.SecretLength).Select(i => (byte)i)];

    public int Port { get; }

    public X509Certificate2 Certificate { get; set; } = MakeCertificate("device");

    /// <summary>Clients whose certificate is not here are turned away after the handshake, as TLS 1.3 does.</summary>
    public HashSet<string> Clients { get; } = [ClientCertificate.Thumbprint];

    /// <summary>What Welcome says.</summary>
    public Welcome Welcome { get; set; } = new(
        Enumerable.Repeat((byte)0xab, Welcome.IdLength).ToArray(),
        "scripted 1",
        HsmCapabilities.Random | HsmCapabilities.SignMany | HsmCapabilities.SignatureCounter | HsmCapabilities.HmacSm3
            | HsmCapabilities.WrapDataKey | HsmCapabilities.Sm2Decryption | HsmCapabilities.KeyEscrow,
        StoreMarks.Demo,
        -1,
        3);

    /// <summary>In place of Welcome.</summary>
    public Func<ScriptedPeer, Frame, Task>? Greet { get; set; }

    /// <summary>What follows the greeting: called for each request, awaited before the next is read.</summary>
    public Func<ScriptedPeer, Frame, Task> Serve { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Connections that came so far, those that TLS refused too.</summary>
    public int Connections { get; private set; }

    /// <summary>Those that are open.</summary>
    public IEnumerable<ScriptedPeer> Peers => _peers.Keys;

    public SimulatorOptions Options(
        int connections = 1,
        string? serial = null,
        int maxInFlight = 256,
        TimeSpan? connectTimeout = null,
        TimeProvider? time = null) => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        Partition = Partition,
        Serial = serial,
        ServerCertificateHash = Certificate.GetCertHash(HashAlgorithmName.SHA256),
        ClientCertificate = ClientCertificate,
        Secret = Secret,
        Connections = connections,
        MaxInFlight = maxInFlight,
        ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(30),
        RequestTimeout = TimeSpan.FromMinutes(1),
        TimeProvider = time ?? TimeProvider.System,
    };

    public Task<SimulatorHsm> ConnectAsync(int connections = 1) =>
        SimulatorHsm.ConnectAsync(Options(connections), TestContext.Current.CancellationToken);

    public static X509Certificate2 MakeCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>As a process that dies: nobody listens, all connections are gone.</summary>
    public async Task StopAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (ScriptedPeer peer in _peers.Keys)
        {
            peer.Close();
        }
    }

    /// <summary>On the same port again.</summary>
    public void Restart()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Stopped.
                return;
            }

            Connections++;
            _ = Task.Run(() => ServeAsync(socket));
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var peer = new ScriptedPeer(socket, stream);
        _peers[peer] = 0;
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(Certificate, null, offline: true),
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null && Clients.Contains(certificate.GetCertHashString()),
            });
            if (await peer.ReadAsync() is not { } hello)
            {
                return;
            }

            // A console says no Hello.
            await (hello.Code == (ushort)Operation.Hello ? (Greet ?? WelcomeAsync)(peer, hello) : Serve(peer, hello));
            while (await peer.ReadAsync() is { } request)
            {
                await Serve(peer, request);
            }
        }
        catch (Exception e) when (e is IOException or AuthenticationException or ObjectDisposedException)
        {
            // The test closed this end or the driver the other: what it asserts is on the driver's side.
        }
        finally
        {
            _peers.TryRemove(peer, out _);
        }
    }

    private Task WelcomeAsync(ScriptedPeer peer, Frame request)
    {
        Hello hello = Message.Decode<Hello>(request.Body);
        bool known = request.Code == (ushort)Operation.Hello && hello.Partition == Partition && hello.Secret.Span.SequenceEqual(Secret);
        return known ? peer.AnswerAsync(request, Welcome) : peer.RefuseAsync(request, HsmFailure.WrongCredential, "No such partition or secret.");
    }
}
