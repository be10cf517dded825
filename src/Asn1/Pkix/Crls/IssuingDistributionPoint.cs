using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// IssuingDistributionPoint ::= SEQUENCE {
///     distributionPoint          [0] EXPLICIT DistributionPointName OPTIONAL,
///     onlyContainsUserCerts      [1] IMPLICIT BOOLEAN DEFAULT FALSE,
///     onlyContainsCACerts        [2] IMPLICIT BOOLEAN DEFAULT FALSE,
///     onlySomeReasons            [3] IMPLICIT ReasonFlags OPTIONAL,
///     indirectCRL                [4] IMPLICIT BOOLEAN DEFAULT FALSE,
///     onlyContainsAttributeCerts [5] IMPLICIT BOOLEAN DEFAULT FALSE }
/// </code>
/// RFC 5280 §5.2.5; critical: the scope of a partitioned CRL or an ARL. Never empty, and at most one of the three "only contains".
/// A distribution point must equal the one in the certificates that it covers.
/// </summary>
public sealed record IssuingDistributionPoint : IExtensionValue<IssuingDistributionPoint>
{
    /// <exception cref="ArgumentException">Nothing is said, or two of the three "only contains" are.</exception>
    public IssuingDistributionPoint(
        DistributionPointName? distributionPoint = null,
        bool onlyContainsUserCerts = false,
        bool onlyContainsCaCerts = false,
        ReasonFlags onlySomeReasons = ReasonFlags.None,
        bool indirectCrl = false,
        bool onlyContainsAttributeCerts = false)
    {
        DistributionPoint = distributionPoint;
        OnlyContainsUserCerts = onlyContainsUserCerts;
        OnlyContainsCaCerts = onlyContainsCaCerts;
        OnlySomeReasons = ReasonFlagsField.Check(onlySomeReasons);
        IndirectCrl = indirectCrl;
        OnlyContainsAttributeCerts = onlyContainsAttributeCerts;
        if (Fault(distributionPoint, onlyContainsUserCerts, onlyContainsCaCerts, onlySomeReasons, indirectCrl, onlyContainsAttributeCerts) is { } fault)
        {
            throw new ArgumentException(fault);
        }
    }

    public static string Id => Oids.IssuingDistributionPoint;

    public static bool? Critical => true;

    public DistributionPointName? DistributionPoint { get; }

    public bool OnlyContainsUserCerts { get; }

    /// <summary>An authority revocation list (ARL).</summary>
    public bool OnlyContainsCaCerts { get; }

    /// <summary>None: the field is absent, and the CRL covers all reasons.</summary>
    public ReasonFlags OnlySomeReasons { get; }

    public bool IndirectCrl { get; }

    public bool OnlyContainsAttributeCerts { get; }

    public static IssuingDistributionPoint Read(AsnReader reader)
    {
        AsnReader sequence = reader.ReadSequence();
        var distributionPoint = sequence.ReadOptionalExplicit<DistributionPointName>(Tags.Context0);
        bool onlyContainsUserCerts = sequence.ReadDefaultFalse(Tags.Context1);
        bool onlyContainsCaCerts = sequence.ReadDefaultFalse(Tags.Context2);
        ReasonFlags onlySomeReasons = ReasonFlagsField.ReadOptional(sequence, Tags.Context3);
        bool indirectCrl = sequence.ReadDefaultFalse(Tags.Context4);
        bool onlyContainsAttributeCerts = sequence.ReadDefaultFalse(Tags.Context5);
        sequence.ThrowIfNotEmpty();
        return Fault(distributionPoint, onlyContainsUserCerts, onlyContainsCaCerts, onlySomeReasons, indirectCrl, onlyContainsAttributeCerts) is { } fault
            ? throw new AsnContentException(fault)
            : new IssuingDistributionPoint(
                distributionPoint, onlyContainsUserCerts, onlyContainsCaCerts, onlySomeReasons, indirectCrl, onlyContainsAttributeCerts);
    }

    public void Write(AsnWriter writer)
    {
        using (writer.PushSequence())
        {
            writer.WriteOptionalExplicit(DistributionPoint, Tags.Context0);
            writer.WriteDefaultFalse(OnlyContainsUserCerts, Tags.Context1);
            writer.WriteDefaultFalse(OnlyContainsCaCerts, Tags.Context2);
            ReasonFlagsField.WriteOptional(writer, OnlySomeReasons, Tags.Context3);
            writer.WriteDefaultFalse(IndirectCrl, Tags.Context4);
            writer.WriteDefaultFalse(OnlyContainsAttributeCerts, Tags.Context5);
        }
    }

    /// <summary>RFC 5280 §5.2.5.</summary>
    private static string? Fault(DistributionPointName? distributionPoint, bool user, bool ca, ReasonFlags reasons, bool indirect, bool attribute)
    {
        if ((user && ca) || (user && attribute) || (ca && attribute))
        {
            return "At most one of onlyContainsUserCerts, onlyContainsCACerts and onlyContainsAttributeCerts.";
        }

        return distributionPoint is null && !user && !ca && !attribute && !indirect && reasons == ReasonFlags.None
            ? "An IssuingDistributionPoint must not be empty."
            : null;
    }
}
