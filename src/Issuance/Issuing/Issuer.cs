using System.Formats.Asn1;
using System.Runtime.CompilerServices;
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

    /// <summary>A profile that nobody holds any more is forgotten.</summary>
    private readonly ConditionalWeakTable<Profile, ConstantExtensions> _constants = [];

    private readonly SignatureCheck _check;

    /// <param name="certificate">Of the CA; its key is the signer's.</param>
    /// <param name="signer">Stays the caller's.</param>
    /// <exception cref="ArgumentException">
    /// The certificate is not one of a CA, has no key identifier, limits names or policies below it, its key is another than the signer's, or its name and the policy arc do not
    /// agree whether this is a demonstration.
    /// </exception>
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
        if (Publication.HasDemoMark(name) != publication.IsDemo)
        {
            throw new ArgumentException($"The names of a demonstration's CAs contain \"{Publication.DemoMark}\", and no others.", nameof(publication));
        }

        _throwaway = ThrowawayKey.Like(signer.AlgorithmIdentifier);
        _check = new SignatureCheck(signer.SubjectPublicKeyInfo, signer.AlgorithmIdentifier).Prepare();
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
    /// <exception cref="RefusalException"><see cref="Prepare"/> would not have made it.</exception>
    /// <exception cref="LintException">It breaks a rule.</exception>
    public PreparedCertificate PrepareAgain(ReadOnlyMemory<byte> tbsBytes, Profile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);

        // A copy: what is judged and what is signed later must not differ by what the caller does with his buffer.
        byte[] bytes = tbsBytes.ToArray();
        TbsCertificate tbs = Der.Decode<TbsCertificate>(bytes);
        if (tbs.Issuer != Name || tbs.Signature != Algorithm)
        {
            throw new ArgumentException("The TBSCertificate is of another issuer or algorithm.", nameof(tbsBytes));
        }

        CertificateBuilder.RequireBuilt(this, profile, tbs);
        return Judge(tbs, bytes, profile);
    }

    /// <summary>Whether two that were prepared make a pair: before either is recorded or signed.</summary>
    /// <exception cref="ArgumentException">Not a signing and an encryption certificate, of another issuer, or of two editions.</exception>
    /// <exception cref="LintException">They break a rule of pairs: subject, validity, key …</exception>
    public void RequirePair(PreparedCertificate signing, PreparedCertificate encryption)
    {
        ArgumentNullException.ThrowIfNull(signing);
        ArgumentNullException.ThrowIfNull(encryption);
        if (signing.Profile.Half != PairHalf.Signing || encryption.Profile.Half != PairHalf.Encryption)
        {
            throw new ArgumentException("A pair is a signing and an encryption certificate.", nameof(encryption));
        }

        if (!signing.IsOf(this) || !encryption.IsOf(this))
        {
            throw new ArgumentException("A pair is prepared by one issuer.", nameof(encryption));
        }

        if (signing.Profile.Options.Edition != encryption.Profile.Options.Edition)
        {
            throw new ArgumentException("A pair is of one edition of GM/T 0015.", nameof(encryption));
        }

        RequireClean(Linter.Check(signing.Judged, new LintContext { Profile = signing.Profile, Issuer = this, Other = encryption.Judged }));
        RequireClean(Linter.Check(encryption.Judged, new LintContext { Profile = encryption.Profile, Issuer = this, Other = signing.Judged }));
    }

    /// <summary>Signs what was prepared.</summary>
    /// <exception cref="InvalidOperationException">Prepared by another issuer, or redeemed before.</exception>
    /// <exception cref="HsmException">
    /// The device refused, failed or is away, or its signature does not hold: nothing leaves. The token is spent: see <see cref="PrepareAgain"/>.
    /// </exception>
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

        // A copy: what is redeemed and what is signed must not differ by what the caller does with his list.
        PreparedCertificate[] all = [.. prepared];
        foreach (PreparedCertificate each in all)
        {
            each.Redeem(this);
        }

        IReadOnlyList<byte[]> signatures = await _signer.SignManyAsync([.. all.Select(each => each.TbsBytes)], cancellationToken);
        return [.. all.Select((each, i) => Finish(each, signatures[i]))];
    }

    internal ConstantExtensions ConstantExtensionsOf(Profile profile) => _constants.GetValue(profile, key => new ConstantExtensions(this, key));

    /// <summary>For CRLs and OCSP responses, which are built elsewhere here.</summary>
    internal HsmSigner Signer => _signer;

    private static Certificate Require(Certificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        bool isAuthority = certificate.Tbs.Extensions is { } extensions && extensions.Find<BasicConstraints>() is { IsCa: true }
            && extensions.Find<KeyUsage>() is { } usage && usage.Usages.HasFlag(KeyUsages.KeyCertSign);
        if (!isAuthority)
        {
            throw new ArgumentException("The certificate is not one of a CA that signs certificates.", nameof(certificate));
        }

        // Nothing here heeds such limits when it issues, so what it issued might be valid for nobody.
        Extension? limit = certificate.Tbs.Extensions!.FirstOrDefault(
            extension => extension.Id is Oids.NameConstraints or Oids.PolicyConstraints or Oids.InhibitAnyPolicy);
        return limit is null ? certificate : throw new ArgumentException($"The certificate limits what is below it: {limit.Id}.", nameof(certificate));
    }

    private static ReadOnlyMemory<byte> KeyIdentifierOf(Certificate certificate) =>
        certificate.Tbs.Extensions!.Find<SubjectKeyIdentifier>()?.KeyIdentifier
        ?? throw new ArgumentException("The certificate has no SubjectKeyIdentifier, which its CRLs' and certificates' URLs need.", nameof(certificate));

    private PreparedCertificate Judge(TbsCertificate tbs, byte[] tbsBytes, Profile profile)
    {
        // The final DER, but signed with a key that nobody has after this process and no certificate names.
        var judged = CertificateView.Read(Assemble(tbsBytes, _throwaway.Sign(tbsBytes)));
        RequireClean(Linter.Check(judged, new LintContext { Profile = profile, Issuer = this }));
        return new PreparedCertificate(this, profile, tbs, tbsBytes, judged);
    }

    private static void RequireClean(IReadOnlyList<Finding> findings)
    {
        if (findings.Any(finding => finding.Severity == Severity.Error))
        {
            throw new LintException(findings);
        }
    }

    private Certificate Finish(PreparedCertificate prepared, byte[] signature)
    {
        // What leaves has the very bytes that were prepared: read back from what will be stored and sent.
        Certificate read = Der.Decode<Certificate>(Assemble(prepared.TbsBytes.Span, signature));
        if (!read.TbsBytes.Span.SequenceEqual(prepared.TbsBytes.Span) || !read.AlgorithmsAgree)
        {
            throw new InvalidOperationException($"The certificate {prepared.SerialNumber} is not the one that was prepared.");
        }

        // A device that fails may answer with anything; of an RSA key a wrong signature gives the private key away (Boneh, DeMillo, Lipton 1997).
        return _check.Holds(read.TbsBytes.Span, read.Signature)
            ? read
            : throw new HsmException(HsmFailure.DeviceError, $"The device's signature of the certificate {prepared.SerialNumber} does not hold. The device is to be looked at.");
    }

    private byte[] Assemble(ReadOnlySpan<byte> tbs, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER, tbs.Length + signature.Length + 128);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(tbs);
            Algorithm.Write(writer);
            writer.WriteBitString(signature);
        }

        return writer.Encode();
    }
}

/// <summary>What was to be issued breaks rules.</summary>
public sealed class LintException(IReadOnlyList<Finding> findings)
    : Exception(string.Join("; ", findings.Where(finding => finding.Severity == Severity.Error).Select(finding => $"{finding.Rule}: {finding.Detail} ({finding.Source})")))
{
    public IReadOnlyList<Finding> Findings { get; } = findings;
}
