using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Issuance;

/// <summary>
/// Signs OCSP responses for one CA: with a key that the CA has delegated (RFC 6960 §4.2.2.2), or with the CA's own. It says what it is told; where that comes from is the caller's
/// to know. Safe for concurrent use.
/// </summary>
public sealed class OcspResponder
{
    private readonly CertIdIndex _issuer;
    private readonly HsmSigner _signer;
    private readonly SignatureCheck _check;
    private readonly Certificate _certificate;
    private readonly IReadOnlyList<Certificate>? _included;
    private readonly ResponderId _id;

    private OcspResponder(Certificate issuer, Certificate certificate, HsmSigner signer, bool byName)
    {
        _issuer = new CertIdIndex(issuer);
        _signer = signer;
        _check = new SignatureCheck(signer.SubjectPublicKeyInfo, signer.AlgorithmIdentifier).Prepare();
        _certificate = certificate;
        _included = ReferenceEquals(issuer, certificate) ? null : [certificate];
        _id = byName ? new ResponderByName(certificate.Tbs.Subject) : new ResponderByKey(SHA1.HashData(signer.SubjectPublicKeyInfo.PublicKey.Span));
        if (certificate.Tbs.SubjectPublicKeyInfo != signer.SubjectPublicKeyInfo)
        {
            throw new ArgumentException("The certificate is for another key than the signer's.", nameof(signer));
        }
    }

    /// <summary>Of the signatures: that of the responder's key.</summary>
    public AlgorithmIdentifier Algorithm => _signer.AlgorithmIdentifier;

    /// <param name="issuer">Of the certificates that are asked for.</param>
    /// <param name="certificate">The responder's, issued by that CA with that key: it is sent with every response.</param>
    /// <param name="byName">ResponderID is the subject of the certificate; else the SHA-1 of its key, which is shorter and belongs to it alone.</param>
    /// <exception cref="ArgumentException">The certificate is not a responder's of this CA, or not the signer's.</exception>
    /// <exception cref="DerException">One of the certificate's extensions is not what its identifier says.</exception>
    public static OcspResponder Delegated(Certificate issuer, Certificate certificate, HsmSigner signer, bool byName = false)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(signer);
        return Fault(issuer, certificate.Tbs, certificate) is { } fault
            ? throw new ArgumentException($"The OCSP responder's certificate {fault}.", nameof(certificate))
            : new OcspResponder(issuer, certificate, signer, byName);
    }

    /// <summary>
    /// The CA answers itself (RFC 6960 §4.2.2.2 (1)); its certificate is not sent along. Its key usage is not asked: clients that heed it (RFC 5280 §4.2.1.3) want digitalSignature,
    /// which the shipped profiles of CAs do not give, because there responders are delegated.
    /// </summary>
    /// <exception cref="ArgumentException">A root that has no certificate yet.</exception>
    public static OcspResponder Of(Issuer issuer, bool byName = false)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        Certificate certificate = issuer.Certificate ?? throw new ArgumentException("A root that has no certificate yet has issued nothing.", nameof(issuer));
        return new OcspResponder(certificate, certificate, issuer.Signer, byName);
    }

    /// <exception cref="ArgumentException">The answer is about certificates of another CA, its times do not fit, or it says what cannot be.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away, or its signature does not hold: nothing leaves.</exception>
    public async Task<OcspResponse> RespondAsync(OcspAnswer answer, CancellationToken cancellationToken = default)
    {
        byte[] tbs = Build(answer);
        return Finish(tbs, await _signer.SignAsync(tbs, cancellationToken));
    }

    /// <summary>Signs what <see cref="OcspTemplate"/> has written, in one call to the device, all or none. What it says, and whether the signatures hold, is for the caller to judge.</summary>
    /// <param name="tbs">DER of ResponseData, of each.</param>
    /// <returns>Signatures in their order, as a response has them.</returns>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public Task<IReadOnlyList<byte[]>> SignManyAsync(IReadOnlyList<ReadOnlyMemory<byte>> tbs, CancellationToken cancellationToken = default) => _signer.SignManyAsync(tbs, cancellationToken);

    /// <summary>Whether a response is this responder's: its name, its certificate where it is sent along, and its signature.</summary>
    public bool Holds(BasicOcspResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return response.Tbs.ResponderId == _id
            && (_included is [{ } own]
                ? response.Certificates is [{ } sent] && sent.TbsBytes.Span.SequenceEqual(own.TbsBytes.Span) && sent.Signature.Span.SequenceEqual(own.Signature.Span)
                : response.Certificates is null)
            && response.SignatureAlgorithm == Algorithm
            && _check.Holds(response.TbsBytes.Span, response.Signature);
    }

    /// <returns>What is wrong with the certificate, to follow "The OCSP responder's certificate"; null: nothing.</returns>
    private static string? Fault(Certificate issuer, TbsCertificate tbs, Certificate certificate)
    {
        // RFC 6960 §4.2.2.2: issued directly by the CA that is asked about, with the same key.
        if (tbs.Issuer != issuer.Tbs.Subject || !IsSignedBy(certificate, issuer.Tbs.SubjectPublicKeyInfo))
        {
            return "was not issued by the CA that it answers for";
        }

        if (tbs.SubjectPublicKeyInfo.Algorithm != issuer.Tbs.SubjectPublicKeyInfo.Algorithm)
        {
            return "has a key of another algorithm than the CA's: who verifies the one need not know the other";
        }

        if (tbs.Extensions?.Find<ExtendedKeyUsage>()?.Purposes.Contains(Oids.OcspSigning) != true)
        {
            return "lacks the key purpose OCSPSigning";
        }

        if (tbs.Extensions.Find<KeyUsage>() is not { } usage || (usage.Usages & (KeyUsages.DigitalSignature | KeyUsages.NonRepudiation)) == 0)
        {
            return "lacks the key usage digitalSignature";
        }

        if (tbs.Extensions.Find<BasicConstraints>() is { IsCa: true })
        {
            return "is one of a CA";
        }

        // §4.2.2.2.1: else a client has to ask somebody about the responder, which is the responder.
        return tbs.Extensions.Find<OcspNoCheck>() is null ? "lacks id-pkix-ocsp-nocheck" : null;
    }

    private byte[] Build(OcspAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Validity validity = _certificate.Tbs.Validity;
        if (answer.ProducedAt < validity.NotBefore || answer.ProducedAt > validity.NotAfter)
        {
            throw new ArgumentException($"producedAt {answer.ProducedAt} lies outside the validity of the responder's certificate.", nameof(answer));
        }

        return Der.Encode(new ResponseData(
            _id,
            answer.ProducedAt,
            [.. answer.Statements.Select(statement => Build(statement, answer.ProducedAt))],
            answer.Nonce is null ? null : new Extensions(Extension.Create(answer.Nonce, critical: false))));
    }

    private SingleResponse Build(OcspStatement statement, Time producedAt)
    {
        // Incident 3: nothing is said about certificates of others, whoever asks.
        if (_issuer.Find(statement.CertId) is null)
        {
            throw new ArgumentException("The CertID is of another CA, or of a hash that is not answered for.", nameof(statement));
        }

        // RFC 6960 §4.2.2.1, and incident 7: no status lives longer than the certificate that vouches for it.
        if (statement.ThisUpdate > producedAt
            || statement.NextUpdate is { } nextUpdate && (nextUpdate <= statement.ThisUpdate || nextUpdate > _certificate.Tbs.Validity.NotAfter))
        {
            throw new ArgumentException(
                $"The times {statement.ThisUpdate} and {statement.NextUpdate} are not in order, or beyond the end of the responder's certificate.", nameof(statement));
        }

        if (statement.Status is Revoked { Info.RevocationReason: RevocationReason.Unspecified or RevocationReason.RemoveFromCrl })
        {
            throw new ArgumentException("An unspecified reason is left out, and removeFromCRL is for delta CRLs.", nameof(statement));
        }

        Extensions? extensions = statement.ArchiveCutoff is { } cutoff
            ? new Extensions(Extension.Create(new ArchiveCutoff(cutoff), critical: false))
            : null;
        return new SingleResponse(statement.CertId, statement.Status, statement.ThisUpdate, statement.NextUpdate, extensions);
    }

    private static bool IsSignedBy(Certificate certificate, SubjectPublicKeyInfo key) =>
        certificate.AlgorithmsAgree && SignatureCheck.Holds(key, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature);

    private OcspResponse Finish(byte[] tbs, byte[] signature) =>
        _check.Holds(tbs, signature)
            ? OcspResponse.Successful(BasicOcspResponse.Assemble(tbs, _signer.AlgorithmIdentifier, signature, _included))
            : throw new HsmException(HsmFailure.DeviceError, "The device's signature of an OCSP response does not hold. The device is to be looked at.");
}
