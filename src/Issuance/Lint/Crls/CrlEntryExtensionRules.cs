namespace ZwCa.Issuance;

/// <summary>Object identifiers of RFC 5280 §5.3, content octets.</summary>
internal static class CrlEntryExtensionId
{
    public static ReadOnlySpan<byte> ReasonCode => [0x55, 0x1d, 0x15];

    public static ReadOnlySpan<byte> InvalidityDate => [0x55, 0x1d, 0x18];

    public static ReadOnlySpan<byte> CertificateIssuer => [0x55, 0x1d, 0x1d];
}

internal sealed class CrlEntryExtensionUnique : CrlEntryExtensionRule
{
    /// <summary>Above it, comparing each with each takes too long: an entry may have thousands.</summary>
    private const int ManyExtensions = 32;

    public override string Id => "crl-entry-extension-unique";

    public override string Source => "RFC 5280 §4.2, §5.3";

    public override string Demand => "No extension of an entry occurs twice.";

    public override string? Check(in CrlEntryView entry, CrlView crl)
    {
        CrlEntryExtensionReader extensions = entry.Extensions;
        for (int count = 1; extensions.MoveNext(); count++)
        {
            if (count > ManyExtensions)
            {
                return HasTwiceOfMany(entry) ? "an extension twice" : null;
            }

            // What follows is what the reader has left.
            CrlEntryExtensionReader others = extensions;
            while (others.MoveNext())
            {
                if (others.Id.SequenceEqual(extensions.Id))
                {
                    return "an extension twice";
                }
            }
        }

        return null;
    }

    private static bool HasTwiceOfMany(in CrlEntryView entry)
    {
        var seen = new HashSet<string>();
        CrlEntryExtensionReader extensions = entry.Extensions;
        while (extensions.MoveNext())
        {
            if (!seen.Add(Convert.ToHexString(extensions.Id)))
            {
                return true;
            }
        }

        return false;
    }
}

internal sealed class CrlEntryExtensionKnown : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-extension-critical-known";

    public override string Source => "RFC 5280 §5.3";

    public override string Demand => "Every critical extension of an entry is one of RFC 5280: with another one nobody may use the CRL.";

    public override string? Check(in CrlEntryView entry, CrlView crl)
    {
        CrlEntryExtensionReader extensions = entry.Extensions;
        while (extensions.MoveNext())
        {
            if (extensions.Critical && !extensions.Id.SequenceEqual(CrlEntryExtensionId.ReasonCode) && !extensions.Id.SequenceEqual(CrlEntryExtensionId.InvalidityDate)
                && !extensions.Id.SequenceEqual(CrlEntryExtensionId.CertificateIssuer))
            {
                return "a critical extension that is none of them";
            }
        }

        return null;
    }
}

internal sealed class CrlEntryReasonCriticality : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-reason-not-critical";

    public override string Source => "RFC 5280 §5.3.1";

    public override string Demand => "reasonCode is not critical.";

    public override string? Check(in CrlEntryView entry, CrlView crl) =>
        entry.TryFind(CrlEntryExtensionId.ReasonCode, out CrlEntryExtensionReader found) && found.Critical ? "it is" : null;
}

internal sealed class CrlEntryReasonValue : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-reason-value";

    public override string Source => "RFC 5280 §5.3.1";

    public override string Demand => "reasonCode is an ENUMERATED from 0 to 10, and not 7.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => CrlReasons.Read(entry) is not { } reason ? null : reason < 0 ? "it is not" : null;
}

internal sealed class CrlEntryReasonUnspecified : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-reason-not-unspecified";

    public override string Source => "RFC 5280 §5.3.1, GM/T 0015-2012 §5.3";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "Where the reason is unspecified, reasonCode is absent.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => CrlReasons.Read(entry) == 0 ? "it says unspecified" : null;
}

internal sealed class CrlEntryReasonRemove : CrlEntryExtensionRule
{
    private const int RemoveFromCrl = 8;

    public override string Id => "crl-entry-remove-in-delta";

    public override string Source => "RFC 5280 §5.3.1";

    public override string Demand => "removeFromCRL occurs only in a delta CRL.";

    public override string? Check(in CrlEntryView entry, CrlView crl) => CrlReasons.Read(entry) == RemoveFromCrl && !crl.IsDelta ? "the CRL is none" : null;
}

internal sealed class CrlEntryInvalidityDate : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-invalidity-date";

    public override string Source => "RFC 5280 §5.3.2";

    public override string Demand => "invalidityDate is a GeneralizedTime YYYYMMDDHHMMSSZ, whatever the year, and not critical.";

    public override string? Check(in CrlEntryView entry, CrlView crl)
    {
        if (!entry.TryFind(CrlEntryExtensionId.InvalidityDate, out CrlEntryExtensionReader found))
        {
            return null;
        }

        var value = new DerCursor(found.Value);
        return found.Critical ? "it is critical"
            : value.Next(DerTag.GeneralizedTime) && value.AtEnd && CrlTime.Read(value.Tag, value.Content) is not null ? null
            : "not such a time";
    }
}

internal sealed class CrlEntryIssuerCriticality : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-issuer-critical";

    public override string Source => "RFC 5280 §5.3.3";

    public override string Demand => "certificateIssuer is critical: who passes over it takes the entry for one of another CA's certificates.";

    public override string? Check(in CrlEntryView entry, CrlView crl) =>
        entry.TryFind(CrlEntryExtensionId.CertificateIssuer, out CrlEntryExtensionReader found) && !found.Critical ? "it is not" : null;
}

internal sealed class CrlEntryIssuerIndirect : CrlEntryExtensionRule
{
    public override string Id => "crl-entry-issuer-in-indirect";

    public override string Source => "RFC 5280 §5.3.3, GM/T 0015-2012 §5.3";

    public override string Demand => "certificateIssuer occurs only in an indirect CRL.";

    public override string? Check(in CrlEntryView entry, CrlView crl) =>
        !crl.IsIndirect && entry.TryFind(CrlEntryExtensionId.CertificateIssuer, out _) ? "the CRL is none" : null;
}

internal static class CrlReasons
{
    private const int Unused = 7;
    private const int Last = 10;

    /// <returns>Null: no reasonCode; -1: one that does not exist.</returns>
    public static int? Read(in CrlEntryView entry)
    {
        if (!entry.TryFind(CrlEntryExtensionId.ReasonCode, out CrlEntryExtensionReader found))
        {
            return null;
        }

        var value = new DerCursor(found.Value);
        return value.Next(DerTag.Enumerated) && value.AtEnd && value.Content is [<= Last and not Unused] ? value.Content[0] : -1;
    }
}
