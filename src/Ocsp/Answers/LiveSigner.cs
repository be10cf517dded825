using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Ocsp.Answers;

/// <summary>
/// A key of this node, and the certificate that a CA has given it, which is renewed every few days. The file is read at the start, and by <see cref="Look"/>; who answers never waits for the disk.
/// Safe for concurrent use.
/// </summary>
internal sealed partial class LiveSigner
{
    private readonly string _file;
    private readonly HsmSigner _signer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Held while the file is read or written, however long that takes; taken before the other one.</summary>
    private readonly Lock _disk = new();
    private DateTime _written;

    /// <summary>Of what follows, for moments.</summary>
    private readonly Lock _lock = new();
    private Certificate? _certificate;
    private (Certificate Issuer, Certificate Own, OcspResponder Responder)? _made;

    /// <summary>CAs that the certificate is not of, though they have the name: after a rollover there are two.</summary>
    private readonly HashSet<Certificate> _others = new(ReferenceEqualityComparer.Instance);

    /// <param name="file">PEM. Where it is missing, or none, nothing is signed until it is there.</param>
    public LiveSigner(string file, HsmSigner signer, TimeProvider time, ILogger logger)
    {
        (_file, _signer, _time, _logger) = (file, signer, time, logger);
        Look();
    }

    public string File => _file;

    /// <summary>Null: the file is none, or not there.</summary>
    public Certificate? Certificate
    {
        get
        {
            lock (_lock)
            {
                return _certificate;
            }
        }
    }

    /// <returns>Null: it does not sign for this CA, or not now.</returns>
    public (OcspResponder Responder, Validity Validity)? Find(ServedAuthority authority)
    {
        lock (_lock)
        {
            if (_certificate is not { } own || own.Tbs.Issuer != authority.Certificate.Tbs.Subject || _others.Contains(authority.Certificate))
            {
                return null;
            }

            DateTimeOffset now = _time.GetUtcNow();
            if (now < own.Tbs.Validity.NotBefore.Value || now >= own.Tbs.Validity.NotAfter.Value)
            {
                return null;
            }

            if (_made is not { } made || made.Issuer != authority.Certificate || made.Own != own)
            {
                if (Make(authority.Certificate, own) is not { } responder)
                {
                    return null;
                }

                _made = made = (authority.Certificate, own, responder);
            }

            return (made.Responder, own.Tbs.Validity);
        }
    }

    /// <returns>DER of a PKCS #10 request for the key, with an empty subject.</returns>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public async Task<byte[]> MakeRequestAsync(CancellationToken cancellationToken)
    {
        byte[] info = Der.Encode(new CertificationRequestInfo(Name.Create(), _signer.SubjectPublicKeyInfo, []));
        return Der.Encode(CertificationRequest.Assemble(info, _signer.AlgorithmIdentifier, await _signer.SignAsync(info, cancellationToken)));
    }

    /// <summary>From now on it signs with this certificate, also after the next start.</summary>
    /// <returns>False: somebody has put another one there meanwhile that lasts as long, and it stays.</returns>
    /// <exception cref="IOException">The file cannot be written; the old one stays.</exception>
    public bool Replace(Certificate next)
    {
        lock (_disk)
        {
            Look();
            if (Certificate is { } now && now.Tbs.SubjectPublicKeyInfo == next.Tbs.SubjectPublicKeyInfo && now.Tbs.Validity.NotAfter >= next.Tbs.Validity.NotAfter)
            {
                return false;
            }

            CopyFolder.Write(Path.GetFullPath(_file), System.Text.Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(next))));
            Take(next, System.IO.File.GetLastWriteTimeUtc(_file));
            return true;
        }
    }

    /// <summary>Reads the file, where it has changed. One that is none, or went away, changes nothing.</summary>
    public void Look()
    {
        lock (_disk)
        {
            try
            {
                DateTime written = System.IO.File.GetLastWriteTimeUtc(_file);
                if (written != _written)
                {
                    Take(Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, System.IO.File.ReadAllText(_file))), written);
                }
            }
            catch (Exception e) when (e is DerException or IOException or UnauthorizedAccessException)
            {
                LogUnfit(_logger, _file, e.Message);
            }
        }
    }

    private void Take(Certificate certificate, DateTime written)
    {
        _written = written;
        lock (_lock)
        {
            _certificate = certificate;
            _others.Clear();
        }
    }

    private OcspResponder? Make(Certificate issuer, Certificate own)
    {
        try
        {
            return OcspResponder.Delegated(issuer, own, _signer);
        }
        catch (Exception e) when (e is ArgumentException or DerException)
        {
            // Of another key of a CA of that name, or not fit to answer: said once for each CA.
            LogUnfit(_logger, _file, e.Message);
            _others.Add(issuer);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "With {File} nothing is signed: {Reason}")]
    private static partial void LogUnfit(ILogger logger, string file, string reason);
}
