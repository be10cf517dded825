using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>Mutual TLS of both ends: 1.3 and 1.2, P-256 certificates, HTTP/1.1.</summary>
public static class LinkTls
{
    /// <summary>The longest answer that is read into memory, in bytes.</summary>
    public const int MaxAnswerLength = 16 * 1024 * 1024;

    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>
    /// A client for one service. The server must have a certificate of the system CA with the name of the address.
    /// Not following redirects, no proxy, no cookies.
    /// </summary>
    /// <param name="own">The link certificate at the time of each connection.</param>
    /// <param name="timeout">Of a whole request.</param>
    /// <param name="outer">What each request passes first, such as a <see cref="Messages.MessageSigningHandler"/>.</param>
    /// <param name="at">Where the server listens. Null: where the name of the address resolves to.</param>
    /// <returns>A client that buffers answers up to <see cref="MaxAnswerLength"/>; larger ones are to be read as streams.</returns>
    public static HttpClient CreateClient(Uri address, Func<X509Certificate2> own, LinkTrust trust, TimeSpan timeout, DelegatingHandler? outer = null, IPEndPoint? at = null)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(trust);
        return Create(address, (_, _, _, _, _) => own(), trust, timeout, outer, at);
    }

    /// <summary>As <see cref="CreateClient"/>, without a certificate of one's own: for what is public.</summary>
    public static HttpClient CreatePublicClient(Uri address, LinkTrust trust, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(trust);
        return Create(address, null, trust, timeout, null, null);
    }

    /// <summary>
    /// Lets the handshake ask for a client certificate and takes any or none: <see cref="LinkAuthentication"/> judges it, so that the answer can
    /// say no.
    /// </summary>
    /// <param name="certificate">Asked at each connection only, so that a service can be built, and say what is wrong, without it.</param>
    internal static void UseLink(this ListenOptions listen, Func<LinkCertificate> certificate, TimeSpan handshakeTimeout)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = handshakeTimeout,
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate().Context,
                EnabledSslProtocols = Protocols,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                AllowRenegotiation = false,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
            }),
        });
    }

    private static HttpClient Create(Uri address, LocalCertificateSelectionCallback? own, LinkTrust trust, TimeSpan timeout, DelegatingHandler? outer, IPEndPoint? at)
    {
        SocketsHttpHandler sockets = CreateHandler(own, trust);
        if (at is not null)
        {
            sockets.ConnectCallback = (_, cancellationToken) => ConnectAsync(at, cancellationToken);
        }

        HttpMessageHandler handler = sockets;
        if (outer is not null)
        {
            outer.InnerHandler = handler;
            handler = outer;
        }

        return new HttpClient(handler) { BaseAddress = address, Timeout = timeout, MaxResponseContentBufferSize = MaxAnswerLength };
    }

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint at, CancellationToken cancellationToken)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(at, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static SocketsHttpHandler CreateHandler(LocalCertificateSelectionCallback? own, LinkTrust trust) => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(10),

        // A renewed certificate is used within this time.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = Protocols,
            LocalCertificateSelectionCallback = own,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => certificate is X509Certificate2 server
                && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0
                && trust.WhyNot(server, LinkTrust.ServerAuthentication) is null,
        },
    };
}
