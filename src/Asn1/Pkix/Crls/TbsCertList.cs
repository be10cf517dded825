using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// TBSCertList ::= SEQUENCE {
///     version             Version OPTIONAL,           -- v2 (1)
///     signature           AlgorithmIdentifier,
///     issuer              Name,
///     thisUpdate          Time,
///     nextUpdate          Time OPTIONAL,
///     revokedCertificates SEQUENCE OF RevokedCertificate OPTIONAL,
///     crlExtensions   [0] EXPLICIT Extensions OPTIONAL }
/// </code>
/// RFC 5280 §5.1, GM/T 0015-2012 §5.3. Only v2: a v1 CRL has no number and no key identifier. What we build has nextUpdate, the
/// AuthorityKeyIdentifier and the CRL number, as both documents demand of an issuer; a CRL of others may lack them.
/// For many entries use <see cref="CrlWriter"/>.
/// </summary>
public sealed record TbsCertList : IDer<TbsCertList>, IBoundedDer
{
    /// <param name="revokedCertificates">Empty: the field is absent.</param>
    /// <exception cref="ArgumentException">
    /// The issuer is empty, nextUpdate is not after thisUpdate, crlExtensions are not those of a CRL (see <see cref="CheckExtensions"/>), or
    /// removeFromCRL occurs outside a delta CRL.
    /// </exception>
    /// <exception cref="DerException">An extension is not what its identifier says.</exception>
    public TbsCertList(
        AlgorithmIdentifier signature,
        Name issuer,
        Time thisUpdate,
        Time nextUpdate,
        IReadOnlyList<RevokedCertificate> revokedCertificates,
        Extensions crlExtensions)
        : this(signature, issuer, thisUpdate, (Time?)nextUpdate, Require.NoNull(revokedCertificates), crlExtensions)
    {
        CheckIssuable(issuer, thisUpdate, nextUpdate, crlExtensions);
        if (!IsDelta(crlExtensions)
            && RevokedCertificates.Any(r => r.CrlEntryExtensions?.Find<ReasonCode>()?.Reason == RevocationReason.RemoveFromCrl))
        {
            throw new ArgumentException("removeFromCRL occurs only in delta CRLs.", nameof(revokedCertificates));
        }
    }

    private TbsCertList(
        AlgorithmIdentifier signature,
        Name issuer,
        Time thisUpdate,
        Time? nextUpdate,
        IReadOnlyList<RevokedCertificate> revokedCertificates,
        Extensions? crlExtensions)
    {
        Signature = Require.NotNull(signature);
        Issuer = Require.NotNull(issuer);
        ThisUpdate = thisUpdate;
        NextUpdate = nextUpdate;
        RevokedCertificates = revokedCertificates;
        CrlExtensions = crlExtensions;
    }

    /// <summary>Must be byte-identical to the outer one: <see cref="CertificateList.AlgorithmsAgree"/>.</summary>
    public AlgorithmIdentifier Signature { get; }

    public Name Issuer { get; }

    public Time ThisUpdate { get; }

    public Time? NextUpdate { get; }

    /// <summary>Empty when the field is absent.</summary>
    public IReadOnlyList<RevokedCertificate> RevokedCertificates { get; }

    public Extensions? CrlExtensions { get; }

    int IBoundedDer.MaxEncodedLength =>
        DerHeader.MaxLength + 3 + Signature.MaxEncodedLength + Issuer.Encoded.Length + (2 * CrlEntry.GeneralizedTimeLength)
        + DerHeader.MaxLength + RevokedCertificates.Sum(r => r.MaxEncodedLength)
        + DerHeader.MaxLength + (CrlExtensions?.MaxEncodedLength ?? 0);

    public static TbsCertList Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        sequence.ReadVersion(1);
        AlgorithmIdentifier signature = AlgorithmIdentifier.Read(sequence);
        Name issuer = Name.Read(sequence);
        Time thisUpdate = Time.Read(sequence);

        // Tolerance: RFC 5280 asks it of issuers, the syntax leaves it optional; likewise crlExtensions.
        Time? nextUpdate = sequence.NextIs(Asn1Tag.UtcTime) || sequence.NextIs(Asn1Tag.GeneralizedTime) ? Time.Read(sequence) : null;
        IReadOnlyList<RevokedCertificate> revoked = sequence.NextIs(Asn1Tag.Sequence) ? RevokedCertificate.ReadList(sequence) : [];
        var extensions = sequence.ReadOptionalExplicit<Extensions>(Tags.Context0);
        sequence.ThrowIfNotEmpty();
        return new TbsCertList(signature, issuer, thisUpdate, nextUpdate, revoked, extensions);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            WriteUntilEntries(writer, Signature, Issuer, ThisUpdate, NextUpdate);
            if (RevokedCertificates.Count > 0)
            {
                writer.WriteSequenceOf(RevokedCertificates);
            }

            writer.WriteOptionalExplicit(CrlExtensions, Tags.Context0);
        }
    }

    /// <summary>What an issuer may sign.</summary>
    internal static void CheckIssuable(Name issuer, Time thisUpdate, Time nextUpdate, Extensions crlExtensions)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        ArgumentNullException.ThrowIfNull(crlExtensions);
        if (issuer.Rdns.Count == 0)
        {
            throw new ArgumentException("The issuer of a CRL has a name (RFC 5280 §5.1.2.3).", nameof(issuer));
        }

        if (nextUpdate <= thisUpdate)
        {
            throw new ArgumentException("nextUpdate must be after thisUpdate.", nameof(nextUpdate));
        }

        CheckExtensions(crlExtensions);
    }

    /// <summary>
    /// RFC 5280 §5.2, GM/T 0015-2012 §5.3: AuthorityKeyIdentifier and CRLNumber are there, criticality is as demanded. A delta CRL points to no
    /// other and has a number above its base, for between them lies the full CRL that it amends: base ≤ full &lt; delta (§5.2.4 c, d).
    /// </summary>
    private static void CheckExtensions(Extensions crlExtensions)
    {
        AuthorityKeyIdentifier? authorityKeyIdentifier = Find<AuthorityKeyIdentifier>(crlExtensions);
        CrlNumber? crlNumber = Find<CrlNumber>(crlExtensions);
        DeltaCrlIndicator? delta = Find<DeltaCrlIndicator>(crlExtensions);
        FreshestCrl? freshestCrl = Find<FreshestCrl>(crlExtensions);
        IssuingDistributionPoint? scope = Find<IssuingDistributionPoint>(crlExtensions);
        Find<AuthorityInfoAccess>(crlExtensions);
        if (authorityKeyIdentifier is null || crlNumber is null)
        {
            throw new ArgumentException("Every CRL has AuthorityKeyIdentifier and CRLNumber.", nameof(crlExtensions));
        }

        if (delta is not null && (delta.BaseCrlNumber >= crlNumber.Number || freshestCrl is not null))
        {
            throw new ArgumentException("A delta CRL has a number above its base and no FreshestCRL.", nameof(crlExtensions));
        }

        if (scope is { OnlyContainsAttributeCerts: true })
        {
            throw new ArgumentException("CRLs of attribute certificates are not issued (RFC 5280 §5.2.5).", nameof(crlExtensions));
        }
    }

    private static T? Find<T>(Extensions crlExtensions)
        where T : class, IExtensionValue<T>
    {
        Extension? extension = crlExtensions.Find(T.Id);
        return extension is null || extension.Critical == T.Critical
            ? extension?.Decode<T>()
            : throw new ArgumentException($"{typeof(T).Name} is {(extension.Critical ? "never" : "always")} critical.", nameof(crlExtensions));
    }

    internal static bool IsDelta(Extensions crlExtensions) => crlExtensions.Find(Oids.DeltaCrlIndicator) is not null;

    internal static void WriteUntilEntries(AsnWriter writer, AlgorithmIdentifier signature, Name issuer, Time thisUpdate, Time? nextUpdate)
    {
        writer.WriteInteger(1);
        signature.Write(writer);
        issuer.Write(writer);
        thisUpdate.Write(writer);
        nextUpdate?.Write(writer);
    }
}
