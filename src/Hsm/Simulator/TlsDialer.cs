using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ZwCa.Hsm.Simulator;

/// <summary>
/// Opens TLS 1.3 connections to one device. The device is known by the SHA-256 of its certificate and by nothing else of it, for it signed it
/// itself; the client shows its own. Sessions are not resumed: each connection proves both keys.
/// </summary>
internal sealed class TlsDialer : IDisposable
{
    private const int KeepAliveSeconds = 15;
    private const int KeepAliveProbes = 3;

    private readonly string _host;
    private readonly int _port;
    private readonly ReadOnlyMemory<byte> _pin;
    private readonly X509Certificate2? _ownCertificate;
    private readonly SslStreamCertificateContext _certificate;

    /// <param name="pin">SHA-256 of the DER of the device's certificate.</param>
    /// <param name="certificate">With its private key; stays the caller's.</param>
    public TlsDialer(string host, int port, ReadOnlyMemory<byte> pin, X509Certificate2 certificate)
    {
        _host = host;
        _port = port;
        _pin = pin;
        _certificate = SslStreamCertificateContext.Create(certificate, null, offline: true);
    }

    /// <param name="certificateFile">PEM of certificate and private key.</param>
    /// <param name="password">Null: the key is not encrypted.</param>
    /// <exception cref="HsmException"><see cref="HsmFailure.WrongCredential"/>: the file cannot be read or the password is wrong.</exception>
    public TlsDialer(string host, int port, ReadOnlyMemory<byte> pin, string certificateFile, string? password)
        : this(host, port, pin, Load(certificateFile, password)) => _ownCertificate = _certificate.TargetCertificate;

    public string Address => $"{_host}:{_port}";

    /// <summary>SHA-256 of the client's certificate, hexadecimal: what a device knows the client by.</summary>
    public string ClientHash => Convert.ToHexStringLower(_certificate.TargetCertificate.GetCertHash(HashAlgorithmName.SHA256));

    /// <returns>The socket, and the stream over it. Disposing the stream disposes both.</returns>
    /// <exception cref="HsmException"><see cref="HsmFailure.Unreachable"/>, or <see cref="HsmFailure.WrongCredential"/>: the certificate is not the pinned one.</exception>
    public async Task<(Socket Socket, SslStream Stream)> DialAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? stream = null;
        string? seen = null;
        bool CheckPin(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
        {
            byte[] hash = certificate?.GetCertHash(HashAlgorithmName.SHA256) ?? [];
            seen = Convert.ToHexStringLower(hash);
            return CryptographicOperations.FixedTimeEquals(hash, _pin.Span);
        }

        try
        {
            NoticeADeadPeer(socket);
            await socket.ConnectAsync(await ResolveAsync(cancellationToken).ConfigureAwait(false), _port, cancellationToken).ConfigureAwait(false);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false);
            await stream.AuthenticateAsClientAsync(Options(CheckPin), cancellationToken).ConfigureAwait(false);
            return (socket, stream);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            socket.Dispose();
            if (Explain(e, seen) is { } explained)
            {
                throw explained;
            }

            throw;
        }
    }

    public void Dispose() => _ownCertificate?.Dispose();

    /// <summary>A look-up cannot be interrupted where the system's resolver blocks: nobody waits for it longer than he wants to.</summary>
    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellationToken)
    {
        Task<IPAddress[]> lookUp = Dns.GetHostAddressesAsync(_host, CancellationToken.None);
        try
        {
            return await lookUp.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // So that a failure that comes later is seen by somebody.
            _ = lookUp.ContinueWith(
                static late => late.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }

    /// <returns>Null: none of what a connection that fails throws.</returns>
    private HsmException? Explain(Exception e, string? seenHash) => e switch
    {
        AuthenticationException when seenHash is not null && seenHash != Convert.ToHexStringLower(_pin.Span) => new HsmException(
            HsmFailure.WrongCredential, $"The certificate of {Address} is not the pinned one: its SHA-256 is {seenHash}.", e),
        AuthenticationException or IOException => new HsmException(
            HsmFailure.Unreachable, $"No TLS 1.3 with {Address}: {e.GetBaseException().Message}", e),
        SocketException => new HsmException(HsmFailure.Unreachable, $"{Address} cannot be reached: {e.Message}", e),
        _ => null,
    };

    private static X509Certificate2 Load(string file, string? password)
    {
        try
        {
            return password is null ? X509Certificate2.CreateFromPemFile(file) : X509Certificate2.CreateFromEncryptedPemFile(file, password);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new HsmException(HsmFailure.WrongCredential, $"The client certificate {file} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>An idle connection whose other end lost power is noticed within a minute.</summary>
    private static void NoticeADeadPeer(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }

    private SslClientAuthenticationOptions Options(RemoteCertificateValidationCallback checkPin) => new()
    {
        TargetHost = _host,
        EnabledSslProtocols = SslProtocols.Tls13,
        ClientCertificateContext = _certificate,
        RemoteCertificateValidationCallback = checkPin,
        AllowTlsResume = false,

        // SslStream builds a chain before it asks us: let it look for nothing outside.
        CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
    };
}
