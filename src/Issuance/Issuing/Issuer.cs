using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Contracts;
using ZwCa.Hsm;

namespace ZwCa.Issuance;

/// <summary>
/// A CA's name, key and certificate, able to sign: the only place where certificates are made. What is signed was prepared first: built by a profile, signed with a
/// throwaway key, and judged by all rules. Safe for concurrent use.
/// </summary>
public sealed class Issuer
{
    private readonly HsmSigner _signer;
    private readonly ThrowawayKey _throwaway;

    /// <param name="certificate">Of the CA; its key is the signer's.</param>
    /// <param name="signer">Stays the caller's.</param>
    /// <exception cref="ArgumentException">The certificate is not one of a CA, has no key identifier, or its key is another than the signer's.</exception>
    public Issuer(Certificate certificate, HsmSigner signer, Publication publication)
        : this(Require(certificate).Tbs.Subject, signer, publication, KeyIdentifierOf(certificate))
    {
        Certificate = certificate;
        PathLength = certificate.Tbs.Extensions!.Find<BasicConstraints>()!.PathLength;
        if (certificate.Tbs.SubjectPublicKeyInfo != signer.SubjectPublicKeyInfo)
        {
            throw new ArgumentException("The certificate is for another key than the signer's.", nameof(signer));
        }
    }

    private Issuer(Name name, HsmSigner signer, Publication publication, ReadOnlyMemory<byte> keyIdentifier)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(publication);
        _signer = signer;
        _throwaway = ThrowawayKey.Like(signer.AlgorithmIdentifier);
        Name = name;
        Publication = publication;
        KeyIdentifier = keyIdentifier;
    }

    public Name Name { get; }

    public Publication Publication { get; }

    /// <summary>The certificate's SubjectKeyIdentifier; of a root to be, that of its key.</summary>
    public ReadOnlyMemory<byte> KeyIdentifier { get; }

    /// <summary>Null: a root that certifies itself now, and nothing else.</summary>
    public Certificate? Certificate { get; }

    /// <summary>CAs that may follow below; null: no limit.</summary>
    public int? PathLength { get; }

    /// <summary>Of what it signs.</summary>
    public AlgorithmIdentifier Algorithm => _signer.AlgorithmIdentifier;

    public SubjectPublicKeyInfo SubjectPublicKeyInfo => _signer.SubjectPublicKeyInfo;

    /// <summary>The issuer that a root is before its certificate exists: it certifies its own name and key.</summary>
    public static Issuer OfRoot(Name name, HsmSigner signer, Publication publication)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(signer);
        return new Issuer(name, signer, publication, SubjectKeyIdentifier.Of(signer.SubjectPublicKeyInfo).KeyIdentifier);
    }

    /// <summary>The DN that a profile makes: of a root, whose name is needed before it can issue.</summary>
    /// <exception cref="RefusalException"><see cref="Refusal.SubjectNotAllowed"/>.</exception>
    public static Name SubjectOf(Profile profile, IReadOnlyList<SubjectText> subject, IReadOnlyList<SubjectText> place)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(place);
        return SubjectBuilder.Build(profile, subject, place);
    }

    /// <summary>The URL that a profile's template gives.</summary>
    /// <param name="shard">See <see cref="UrlTemplate.ShardName"/>.</param>
    public string Url(string template, string shard = "all")
    {
        ArgumentNullException.ThrowIfNull(template);
        return UrlTemplate.Fill(template, Publication.BaseUrl, Convert.ToHexStringLower(KeyIdentifier.Span), shard);
    }

    /// <summary>The OID that a profile's policy gives.</summary>
    public string Policy(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return template.Replace(UrlTemplate.PolicyArc, Publication.PolicyArc, StringComparison.Ordinal);
    }

    /// <summary>Builds a certificate and judges it.</summary>
    /// <exception cref="RefusalException">
    /// <see cref="Refusal.BadPublicKey"/>, <see cref="Refusal.SubjectNotAllowed"/>, <see cref="Refusal.ValidityTooLong"/>, <see cref="Refusal.OutOfScope"/> (a profile that this issuer
    /// does not issue): the detail says what to change.
    /// </exception>
    /// <exception cref="LintException">It would break a rule: profile or program is wrong.</exception>
    public PreparedCertificate Prepare(IssuanceRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        TbsCertificate tbs = CertificateBuilder.Build(this, request);
        return Judge(tbs, Der.Encode(tbs), request.Profile);
    }

    /// <summary>After a crash: the bytes of an intention, judged anew. Nothing in them changes.</summary>
    /// <param name="tbsBytes">As <see cref="PreparedCertificate.TbsBytes"/> had them.</param>
    /// <exception cref="DerException">No TBSCertificate.</exception>
    /// <exception cref="ArgumentException">Of another issuer.</exception>
    /// <exception cref="LintException">It breaks a rule.</exception>
    public PreparedCertificate PrepareAgain(ReadOnlyMemory<byte> tbsBytes, Profile profile)
    {
        TbsCertificate tbs = Der.Decode<TbsCertificate>(tbsBytes);
        return tbs.Issuer == Name && tbs.Signature == Algorithm
            ? Judge(tbs, tbsBytes, profile)
            : throw new ArgumentException("The TBSCertificate is of another issuer or algorithm.", nameof(tbsBytes));
    }

    /// <summary>Signs what was prepared.</summary>
    /// <exception cref="InvalidOperationException">Prepared by another issuer, or redeemed before.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away. The token is spent: see <see cref="PrepareAgain"/>.</exception>
    public async Task<Certificate> IssueAsync(PreparedCertificate prepared, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        prepared.Redeem(this);
        return Finish(prepared, await _signer.SignAsync(prepared.TbsBytes, cancellationToken));
    }

    /// <summary>Signs many in one call to the device, all or none.</summary>
    /// <inheritdoc cref="IssueAsync"/>
    public async Task<IReadOnlyList<Certificate>> IssueManyAsync(IReadOnlyList<PreparedCertificate> prepared, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        foreach (PreparedCertificate each in prepared)
        {
            each.Redeem(this);
        }

        IReadOnlyList<byte[]> signatures = await _signer.SignManyAsync([.. prepared.Select(each => each.TbsBytes)], cancellationToken);
        return [.. prepared.Select((each, i) => Finish(each, signatures[i]))];
    }

    /// <summary>For CRLs and OCSP responses, which are built elsewhere here.</summary>
    internal HsmSigner Signer => _signer;

    private static Certificate Require(Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return certificate.Tbs.Extensions?.Find<BasicConstraints>() is { IsCa: true } ? certificate : throw new ArgumentException("The certificate is not one of a CA.", nameof(certificate));
    }

    private static ReadOnlyMemory<byte> KeyIdentifierOf(Certificate certificate) =>
        certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>()?.KeyIdentifier
        ?? throw new ArgumentException("The certificate has no SubjectKeyIdentifier, which its CRLs' and certificates' URLs need.", nameof(certificate));

    private PreparedCertificate Judge(TbsCertificate tbs, ReadOnlyMemory<byte> tbsBytes, Profile profile)
    {
        // The final DER, but signed with a key that nobody has after this process and no certificate names.
        byte[] judged = Der.Encode(Asn1.Pkix.Certificate.Assemble(tbsBytes, _throwaway.Sign(tbsBytes.Span)));
        IReadOnlyList<Finding> findings = Linter.Check(judged, new LintContext { Profile = profile, Issuer = this });
        return findings.Any(finding => finding.Severity == Severity.Error) ? throw new LintException(findings) : new PreparedCertificate(this, profile, tbs, tbsBytes);
    }

    private static Certificate Finish(PreparedCertificate prepared, byte[] signature)
    {
        Certificate certificate = Asn1.Pkix.Certificate.Assemble(prepared.TbsBytes, signature);

        // What leaves has the very bytes that were prepared: read back from what will be stored and sent.
        Certificate read = Der.Decode<Certificate>(Der.Encode(certificate));
        return read.TbsBytes.Span.SequenceEqual(prepared.TbsBytes.Span) && read.AlgorithmsAgree
            ? read
            : throw new InvalidOperationException($"The certificate {prepared.SerialNumber} is not the one that was prepared.");
    }
}

/// <summary>What was to be issued breaks rules.</summary>
public sealed class LintException(IReadOnlyList<Finding> findings)
    : Exception(string.Join("; ", findings.Where(finding => finding.Severity == Severity.Error).Select(finding => $"{finding.Rule}: {finding.Detail} ({finding.Source})")))
{
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
