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
public sealed record TbsCertList : IDer<TbsCertList>
{
    /// <param name="revokedCertificates">Empty: the field is absent.</param>
    /// <exception cref="ArgumentException">
    /// nextUpdate is not after thisUpdate, crlExtensions lacks AuthorityKeyIdentifier or CRLNumber, or removeFromCRL occurs outside a delta CRL.
    /// </exception>
    public TbsCertList(
        AlgorithmIdentifier signature,
        Name issuer,
        Time thisUpdate,
        Time nextUpdate,
        IReadOnlyList<RevokedCertificate> revokedCertificates,
        Extensions crlExtensions)
        : this(signature, issuer, thisUpdate, (Time?)nextUpdate, revokedCertificates, crlExtensions)
    {
        CheckIssuable(thisUpdate, nextUpdate, crlExtensions);
        if (!IsDelta(crlExtensions)
            && revokedCertificates.Any(r => r.CrlEntryExtensions?.Find<ReasonCode>()?.Reason == RevocationReason.RemoveFromCrl))
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
        Signature = signature;
        Issuer = issuer;
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
    internal static void CheckIssuable(Time thisUpdate, Time nextUpdate, Extensions crlExtensions)
    {
        ArgumentNullException.ThrowIfNull(crlExtensions);
        if (nextUpdate <= thisUpdate)
        {
            throw new ArgumentException("nextUpdate must be after thisUpdate.", nameof(nextUpdate));
        }

        if (crlExtensions.Find(Oids.AuthorityKeyIdentifier) is null || crlExtensions.Find(Oids.CrlNumber) is null)
        {
            throw new ArgumentException("Every CRL has AuthorityKeyIdentifier and CRLNumber (GM/T 0015-2012 §5.3).", nameof(crlExtensions));
        }
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
