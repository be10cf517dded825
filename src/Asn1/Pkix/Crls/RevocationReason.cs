using System.Formats.Asn1;

namespace ZwCa.Asn1.Pkix;

/// <summary>
/// <code>
/// CRLReason ::= ENUMERATED { unspecified (0), … aACompromise (10) }   -- 7 is not used
/// </code>
/// RFC 5280 §5.3.1.
/// </summary>
public enum RevocationReason
{
    Unspecified = 0,
    KeyCompromise = 1,
    CaCompromise = 2,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,

    /// <summary>GM/T 0015-2012: how a suspension (挂起) is shown.</summary>
    CertificateHold = 6,

    /// <summary>Only in delta CRLs: the hold has ended, or the certificate has expired.</summary>
    RemoveFromCrl = 8,
    PrivilegeWithdrawn = 9,
    AaCompromise = 10,
}

/// <summary>Reading and writing of CRLReason, which OCSP uses too.</summary>
internal static class CrlReason
{
    public static bool IsDefined(RevocationReason reason) => reason is >= RevocationReason.Unspecified and <= RevocationReason.AaCompromise and not (RevocationReason)7;

    public static RevocationReason Check(RevocationReason reason) =>
        IsDefined(reason) ? reason : throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a CRLReason of RFC 5280.");

    public static RevocationReason Read(AsnReader reader)
    {
        ReadOnlySpan<byte> value = reader.ReadEnumeratedBytes().Span;
        return value.Length == 1 && IsDefined((RevocationReason)value[0])
            ? (RevocationReason)value[0]
            : throw new AsnContentException("Not a CRLReason of RFC 5280.");
    }

    public static void Write(AsnWriter writer, RevocationReason reason) => writer.WriteEnumeratedValue(reason);
}
