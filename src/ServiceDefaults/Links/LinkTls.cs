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
        return Create(address, own, trust, timeout, outer, at);
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
                CertificateChainPolicy = NothingFromOutside(),
                AllowRenegotiation = false,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
            }),
        });
    }

    private static HttpClient Create(Uri address, Func<X509Certificate2>? own, LinkTrust trust, TimeSpan timeout, DelegatingHandler? outer, IPEndPoint? at)
    {
        HttpMessageHandler handler = CreateHandler(address, own is null ? null : new ClientContext(own), trust, at);
        if (outer is not null)
        {
            outer.InnerHandler = handler;
            handler = outer;
        }

        return new HttpClient(handler) { BaseAddress = address, Timeout = timeout, MaxResponseContentBufferSize = MaxAnswerLength };
    }

    private static SocketsHttpHandler CreateHandler(Uri address, ClientContext? own, LinkTrust trust, IPEndPoint? at) => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(10),

        // A renewed certificate is used within this time.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),

        // With the handler's own handshake the issuers of a client certificate that is chosen for each connection are looked for outside.
        ConnectCallback = async (context, cancellationToken) => await ConnectAsync(
            at ?? (EndPoint)context.DnsEndPoint,
            new SslClientAuthenticationOptions
            {
                TargetHost = address.IdnHost,
                EnabledSslProtocols = Protocols,
                ClientCertificateContext = own?.Current,
                CertificateChainPolicy = NothingFromOutside(),
                RemoteCertificateValidationCallback = (_, certificate, _, errors) => certificate is X509Certificate2 server
                    && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0
                    && trust.WhyNot(server, LinkTrust.ServerAuthentication) is null,
            },
            cancellationToken),
    };

    private static async ValueTask<SslStream> ConnectAsync(EndPoint at, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        try
        {
            await socket.ConnectAsync(at, cancellationToken);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return tls;
        }
        catch
        {
            if (tls is not null)
            {
                await tls.DisposeAsync();
            }

            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// SslStream builds a chain before it asks us: without this it fetches issuers from wherever the other's certificate says, which makes a request that he chooses and waits for an answer.
    /// </summary>
    private static X509ChainPolicy NothingFromOutside() => new() { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };

    /// <summary>One for all connections with one certificate, so that sessions can be resumed. Safe for concurrent use.</summary>
    private sealed class ClientContext(Func<X509Certificate2> own)
    {
        private SslStreamCertificateContext? _last;

        public SslStreamCertificateContext Current
        {
            get
            {
                X509Certificate2 certificate = own();
                SslStreamCertificateContext? last = _last;
                return ReferenceEquals(last?.TargetCertificate, certificate) ? last! : _last = SslStreamCertificateContext.Create(certificate, null, offline: true);
            }
        }
    }
}
