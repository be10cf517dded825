using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace ZwCa.ServiceDefaults.Links;

/// <summary>
/// The service's own link certificate, server and client in one. When its files are renewed, the next connection uses the new one; while the new files
/// are not a pair (one of them is still to come) or are wrong, the old one stays. Safe for concurrent use.
/// </summary>
public sealed partial class LinkCertificate
{
    private readonly LinkFiles _files;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lookEvery;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private Loaded _loaded;
    private DateTimeOffset _looked;
    private string _stamp;

    /// <param name="lookEvery">How long a renewal may go unnoticed.</param>
    /// <exception cref="LinkCertificateException">The files are not what they should be.</exception>
    public LinkCertificate(LinkFiles files, TimeProvider time, TimeSpan lookEvery, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(time);
        _files = files;
        _time = time;
        _lookEvery = lookEvery;
        _logger = logger;
        _looked = time.GetUtcNow();
        files.FinishRenewal();
        _stamp = Stamp();
        _loaded = new Loaded(files.Load(_looked));
    }

    /// <summary>With its private key. Not to be disposed: connections use it.</summary>
    public X509Certificate2 Current => Look().Certificate;

    /// <summary>Why renewed files are not used; null: there are none, or they are.</summary>
    public string? RenewalFailure { get; private set; }

    internal SslStreamCertificateContext Context => Look().Context;

    internal LinkFiles Files => _files;

    /// <summary>The files have just been renewed.</summary>
    internal void LookNow()
    {
        lock (_lock)
        {
            _looked = _time.GetUtcNow();
            Reload(_looked);
        }
    }

    private Loaded Look()
    {
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (now - _looked >= _lookEvery)
            {
                _looked = now;
                Reload(now);
            }

            return _loaded;
        }
    }

    private void Reload(DateTimeOffset now)
    {
        string stamp = Stamp();
        if (stamp == _stamp)
        {
            return;
        }

        try
        {
            _loaded = new Loaded(_files.Load(now));
            _stamp = stamp;
            RenewalFailure = null;
            LogRenewed(_logger, _loaded.Certificate.NotAfter.ToUniversalTime());
        }
        catch (LinkCertificateException e)
        {
            // Tried again at the next look.
            RenewalFailure = e.Message;
            LogNotRenewed(_logger, e.Message);
        }
    }

    private string Stamp()
    {
        var certificate = new FileInfo(_files.CertificateFile);
        var key = new FileInfo(_files.KeyFile);
        return certificate.Exists && key.Exists
            ? $"{certificate.LastWriteTimeUtc.Ticks} {certificate.Length} {key.LastWriteTimeUtc.Ticks} {key.Length}"
            : "missing";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The link certificate was renewed: valid until {NotAfter}")]
    private static partial void LogRenewed(ILogger logger, DateTime notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The renewed link certificate is not used: {Reason}")]
    private static partial void LogNotRenewed(ILogger logger, string reason);

    private sealed class Loaded(X509Certificate2 certificate)
    {
        public X509Certificate2 Certificate { get; } = certificate;

        /// <summary>One for all connections, so that sessions can be resumed.</summary>
        public SslStreamCertificateContext Context { get; } = SslStreamCertificateContext.Create(certificate, null, offline: true);
    }
}
