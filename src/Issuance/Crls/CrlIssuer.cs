using ZwCa.Asn1.Pkix;
using ZwCa.Hsm;

namespace ZwCa.Issuance;

/// <summary>
/// Makes CRLs of any size in constant memory. As with certificates, what is signed was prepared and judged before, and only its digest goes to the device.
/// <code>
/// using PreparedCrl prepared = CrlIssuer.Prepare(issuer, request, entries, file);
/// // … record prepared.Digest as the intention …
/// IssuedCrl crl = await CrlIssuer.SignAsync(prepared);
/// </code>
/// </summary>
public static class CrlIssuer
{
    /// <summary><see cref="Prepare"/> and <see cref="SignAsync"/>, where nothing happens between them. After a failure nothing is left in the output.</summary>
    /// <inheritdoc cref="Prepare"/>
    /// <exception cref="HsmException">The device refused, failed or is away.</exception>
    public static async Task<IssuedCrl> IssueAsync(
        Issuer issuer, CrlRequest request, IEnumerable<CrlEntry> entries, Stream output, CancellationToken cancellationToken = default)
    {
        using PreparedCrl prepared = Prepare(issuer, request, entries, output);
        return await SignAsync(prepared, cancellationToken);
    }

    /// <summary>Writes the CRL without its signature, and judges it.</summary>
    /// <param name="entries">Enumerated twice and the same both times, such as a query in one read transaction; in this order on the wire.</param>
    /// <param name="output">Seekable, readable and writable, positioned at its end, such as a new file. Nobody else uses it until the result is disposed of.</param>
    /// <exception cref="ArgumentException">The issuer may not sign CRLs, or the request does not fit it or itself.</exception>
    /// <exception cref="InvalidOperationException">The second enumeration of the entries differed from the first.</exception>
    /// <exception cref="LintException">It would break a rule, such as a serial number twice.</exception>
    public static PreparedCrl Prepare(Issuer issuer, CrlRequest request, IEnumerable<CrlEntry> entries, Stream output)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(output);

        // Step 1: may this issuer issue it, and does the request make sense?
        var thisUpdate = Time.Truncate(request.ThisUpdate);
        var nextUpdate = Time.Truncate(request.NextUpdate);
        RequireIssuer(issuer, thisUpdate);
        RequireNumbers(request);
        if (request.IssuerKeyIdentifier is { } identifier && !identifier.Span.SequenceEqual(issuer.KeyIdentifier.Span))
        {
            throw new ArgumentException("The distribution point is that of another key's certificates.", nameof(request));
        }

        var writer = new CrlWriter(issuer.Algorithm, issuer.Name, thisUpdate, nextUpdate, BuildExtensions(issuer, request));

        // Step 2: everything but the signature, to the output and the digest at once.
        long start = output.Position;
        HsmMessage message = issuer.Signer.BeginMessage();
        UnsignedCrl? unsigned = null;
        try
        {
            unsigned = writer.WriteTbs(output, entries, message.Append);

            // Step 3: judge what is in the output, with the signature of a key that certifies nothing in place of the real one.
            Judge(issuer, request, output, unsigned.TbsLength, message.GetDigest().Span);
            return new PreparedCrl(issuer, request, output, start, unsigned, message);
        }
        catch
        {
            unsigned?.Dispose();
            message.Dispose();
            throw;
        }
    }

    /// <summary>Signs what was prepared, and reads it back. The caller makes the output last: flush to disk, close, rename.</summary>
    /// <exception cref="InvalidOperationException">Used before, or what was read back is not what was signed.</exception>
    /// <exception cref="HsmException">The device refused, failed or is away, or its signature does not hold.</exception>
    public static async Task<IssuedCrl> SignAsync(PreparedCrl prepared, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        prepared.Redeem();
        byte[] signature = await prepared.Issuer.Signer.SignAsync(prepared.Message, cancellationToken);
        long length = prepared.Complete(signature);
        CrlRequest request = prepared.Request;
        return new IssuedCrl(request.Number, Time.Truncate(request.ThisUpdate), Time.Truncate(request.NextUpdate), length, prepared.Digest);
    }

    private static void Judge(Issuer issuer, CrlRequest request, Stream output, long tbsLength, ReadOnlySpan<byte> digest)
    {
        // The form of a signature is judged, and that does not depend on what was signed: the digest stands for a TBSCertList too long to be held.
        byte[] tail = CrlReadBack.Tail(issuer.Algorithm, ThrowawayKey.Like(issuer.Algorithm).Sign(digest));
        long end = output.Position;
        var bytes = new CrlBytes(output, end - tbsLength, tbsLength, DerCursor.SequenceHeader(tbsLength + tail.Length), tail);
        IReadOnlyList<Finding> findings = CrlLint.Check(
            CrlView.Read(bytes), new CrlLintContext { Issuer = issuer.Certificate, DistributionPoint = request.DistributionPoint });
        output.Position = end;
        if (findings.Any(finding => finding.Severity == Severity.Error))
        {
            throw new LintException(findings);
        }
    }

    private static void RequireIssuer(Issuer issuer, Time thisUpdate)
    {
        TbsCertificate tbs = issuer.Certificate?.Tbs ?? throw new ArgumentException("A root that has no certificate yet issues no CRL.", nameof(issuer));
        if (tbs.Extensions?.Find<KeyUsage>() is not { } usage || !usage.Usages.HasFlag(KeyUsages.CrlSign))
        {
            throw new ArgumentException("The issuer's certificate does not allow it to sign CRLs (RFC 5280 §4.2.1.3: cRLSign).", nameof(issuer));
        }

        if (thisUpdate < tbs.Validity.NotBefore || thisUpdate > tbs.Validity.NotAfter)
        {
            throw new ArgumentException($"thisUpdate {thisUpdate} lies outside the issuer's validity.", nameof(thisUpdate));
        }
    }

    private static void RequireNumbers(CrlRequest request)
    {
        // RFC 5280 §5.2.3: monotonically increasing, else relying parties that keep the newest keep an old one.
        if (request.PreviousNumber is { } previous && request.Number <= previous)
        {
            throw new ArgumentException($"The number {request.Number} is not above {previous}, that of an earlier CRL.", nameof(request));
        }

        bool hasPoint = request.DistributionPoint is not null;
        bool fits = request.Kind switch
        {
            CrlKind.Complete => !hasPoint && !request.OnlyUserCertificates,
            CrlKind.Partition => hasPoint,
            CrlKind.Authorities => !request.OnlyUserCertificates,
            _ => false,
        };
        if (!fits)
        {
            throw new ArgumentException("A partition has a distribution point, a complete CRL has none, and only a partition is of user certificates alone.", nameof(request));
        }
    }

    /// <summary>GM/T 0015-2012 §5.3: AuthorityKeyIdentifier and CRLNumber in every CRL, then what gives it its scope.</summary>
    private static Extensions BuildExtensions(Issuer issuer, CrlRequest request)
    {
        var extensions = new List<Extension>(5)
        {
            Extension.Create(new AuthorityKeyIdentifier(issuer.KeyIdentifier), critical: false),
            Extension.Create(new CrlNumber(request.Number), critical: false),
        };
        if (request.BaseNumber is { } number)
        {
            extensions.Add(Extension.Create(new DeltaCrlIndicator(number), critical: true));
        }

        if (request.Kind != CrlKind.Complete)
        {
            extensions.Add(Extension.Create(
                new IssuingDistributionPoint(
                    request.DistributionPoint, onlyContainsUserCerts: request.OnlyUserCertificates, onlyContainsCaCerts: request.Kind == CrlKind.Authorities),
                critical: true));
        }

        if (request.Deltas is { } deltas)
        {
            extensions.Add(Extension.Create(new FreshestCrl(new DistributionPoint(deltas)), critical: false));
        }

        return new Extensions(extensions);
    }
}
