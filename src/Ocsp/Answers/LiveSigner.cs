using Microsoft.Extensions.Logging;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;
using ZwCa.Issuance;
using ZwCa.Ocsp.Feed;

namespace ZwCa.Ocsp.Answers;

/// <summary>A key of this node, and the certificate that a CA has given it, which is renewed every few days: the file is looked at again when it has changed. Safe for concurrent use.</summary>
internal sealed partial class LiveSigner(string file, HsmSigner signer, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Certificate? _certificate;
    private (Certificate Issuer, Certificate Own, OcspResponder Responder)? _made;

    /// <summary>CAs that the certificate is not of, though they have the name: after a rollover there are two.</summary>
    private readonly HashSet<Certificate> _others = new(ReferenceEqualityComparer.Instance);
    private DateTime _written;
    private DateTimeOffset _looked;

    public string File => file;

    /// <summary>Null: the file is none, or not there.</summary>
    public Certificate? Certificate
    {
        get
        {
            lock (_lock)
            {
                Look();
                return _certificate;
            }
        }
    }

    /// <returns>Null: it does not sign for this CA, or not now.</returns>
    public (OcspResponder Responder, Validity Validity)? Find(ServedAuthority authority)
    {
        lock (_lock)
        {
            Look();
            if (_certificate is not { } own || own.Tbs.Issuer != authority.Certificate.Tbs.Subject || _others.Contains(authority.Certificate))
            {
                return null;
            }

            DateTimeOffset now = time.GetUtcNow();
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
        byte[] info = Der.Encode(new CertificationRequestInfo(Name.Create(), signer.SubjectPublicKeyInfo, []));
        return Der.Encode(CertificationRequest.Assemble(info, signer.AlgorithmIdentifier, await signer.SignAsync(info, cancellationToken)));
    }

    /// <summary>From now on it signs with this certificate, also after the next start.</summary>
    /// <returns>False: somebody has put another one there meanwhile that lasts as long, and it stays.</returns>
    /// <exception cref="IOException">The file cannot be written; the old one stays.</exception>
    public bool Replace(Certificate next)
    {
        lock (_lock)
        {
            _looked = default;
            Look();
            if (_certificate is { } now && now.Tbs.SubjectPublicKeyInfo == next.Tbs.SubjectPublicKeyInfo && now.Tbs.Validity.NotAfter >= next.Tbs.Validity.NotAfter)
            {
                return false;
            }

            CopyFolder.Write(Path.GetFullPath(file), System.Text.Encoding.ASCII.GetBytes(Pem.Encode(Pem.Certificate, Der.Encode(next))));
            (_certificate, _written) = (next, System.IO.File.GetLastWriteTimeUtc(file));
            _others.Clear();
            return true;
        }
    }

    private OcspResponder? Make(Certificate issuer, Certificate own)
    {
        try
        {
            return OcspResponder.Delegated(issuer, own, signer);
        }
        catch (Exception e) when (e is ArgumentException or DerException)
        {
            // Of another key of a CA of that name, or not fit to answer: said once for each CA.
            LogUnfit(logger, file, e.Message);
            _others.Add(issuer);
            return null;
        }
    }

    private void Look()
    {
        DateTimeOffset now = time.GetUtcNow();
        if ((now - _looked).Duration() < LookEvery)
        {
            return;
        }

        _looked = now;
        try
        {
            DateTime written = System.IO.File.GetLastWriteTimeUtc(file);
            if (written != _written)
            {
                _certificate = Der.Decode<Certificate>(Pem.Decode(Pem.Certificate, System.IO.File.ReadAllText(file)));
                _written = written;
                _others.Clear();
            }
        }
        catch (Exception e) when (e is DerException or IOException or UnauthorizedAccessException)
        {
            LogUnfit(logger, file, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "With {File} nothing is signed: {Reason}")]
    private static partial void LogUnfit(ILogger logger, string file, string reason);
}
