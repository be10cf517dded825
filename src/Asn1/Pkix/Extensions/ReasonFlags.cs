using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// ReasonFlags ::= BIT STRING {
///     unused (0), keyCompromise (1), cACompromise (2), affiliationChanged (3), superseded (4),
///     cessationOfOperation (5), certificateHold (6), privilegeWithdrawn (7), aACompromise (8) }
/// </code>
/// RFC 5280 §4.2.1.13. Bit n of the BIT STRING is the value 2^n here.
/// </summary>
[Flags]
public enum ReasonFlags
{
    None = 0,
    KeyCompromise = 1 << 1,
    CaCompromise = 1 << 2,
    AffiliationChanged = 1 << 3,
    Superseded = 1 << 4,
    CessationOfOperation = 1 << 5,
    CertificateHold = 1 << 6,
    PrivilegeWithdrawn = 1 << 7,
    AaCompromise = 1 << 8,
}

/// <summary>An OPTIONAL ReasonFlags; <see cref="ReasonFlags.None"/> stands for absent.</summary>
internal static class ReasonFlagsField
{
    private const ReasonFlags All = (ReasonFlags)0x1fe;

    public static ReasonFlags Check(ReasonFlags reasons) =>
        (reasons & ~All) == 0 ? reasons : throw new ArgumentOutOfRangeException(nameof(reasons), reasons, "Not a reason of RFC 5280.");

    public static ReasonFlags ReadOptional(AsnReader sequence, Asn1Tag tag)
    {
        if (!sequence.NextIs(tag))
        {
            return ReasonFlags.None;
        }

        var reasons = sequence.ReadNamedBitListValue<ReasonFlags>(tag);
        return reasons != ReasonFlags.None && (reasons & ~All) == 0
            ? reasons
            : throw new AsnContentException("ReasonFlags has at least one bit and only those of RFC 5280.");
    }

    public static void WriteOptional(AsnWriter writer, ReasonFlags reasons, Asn1Tag tag)
    {
        if (reasons != ReasonFlags.None)
        {
            writer.WriteNamedBitList(reasons, tag);
        }
    }
}
