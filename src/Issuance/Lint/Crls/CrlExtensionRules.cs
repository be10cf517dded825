using System.Numerics;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

internal sealed class CrlExtensionsPresent : CrlFieldRule
{
    public override string Id => "crl-extensions-present";

    public override string Source => "RFC 5280 §5.1.2.7";

    public override string Demand => "crlExtensions is there, with one extension at least.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Extensions.Count > 0 ? null : "there are none";
}

internal sealed class CrlExtensionUnique : CrlFieldRule
{
    public override string Id => "crl-extension-unique";

    public override string Source => "RFC 5280 §4.2, §5.2";

    public override string Demand => "No extension occurs twice.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        var seen = new HashSet<string>();
        foreach (ExtensionView extension in crl.Extensions)
        {
            if (!seen.Add(extension.Id))
            {
                return extension.Id;
            }
        }

        return null;
    }
}

internal sealed class CrlExtensionKnown : CrlFieldRule
{
    private static readonly HashSet<string> Known =
    [
        Oids.AuthorityKeyIdentifier, Oids.IssuerAltName, Oids.CrlNumber, Oids.DeltaCrlIndicator, Oids.IssuingDistributionPoint, Oids.FreshestCrl, Oids.AuthorityInfoAccess,
    ];

    public override string Id => "crl-extension-critical-known";

    public override string Source => "RFC 5280 §5.2";

    public override string Demand => "Every critical extension is one of RFC 5280: with another one nobody may use the CRL.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        foreach (ExtensionView extension in crl.Extensions)
        {
            if (extension.Critical && !Known.Contains(extension.Id))
            {
                return extension.Id;
            }
        }

        return null;
    }
}

internal sealed class CrlDefaultCriticality : CrlFieldRule
{
    public override string Id => "crl-critical-default-absent";

    public override string Source => "X.690 §11.5, RFC 5280 §4.1";

    public override string Demand => "Where an extension is not critical, the field is absent.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        foreach (ExtensionView extension in crl.Extensions)
        {
            if (extension.CriticalField.Exists && !extension.Critical)
            {
                return $"{extension.Id} says FALSE";
            }
        }

        return null;
    }
}

internal sealed class CrlKeyIdentifierPresent : CrlFieldRule
{
    public override string Id => "crl-key-identifier-present";

    public override string Source => "RFC 5280 §5.2.1, GM/T 0015-2012 §5.3";

    public override string Demand => "AuthorityKeyIdentifier is there, with a keyIdentifier.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        crl.Find(Oids.AuthorityKeyIdentifier) is null ? "it is missing" : CrlKeyIdentifier.Of(crl).Content.IsEmpty ? "it has no keyIdentifier" : null;
}

internal sealed class CrlKeyIdentifierEqual : CrlFieldRule
{
    public override string Id => "crl-key-identifier-equal";

    public override string Source => "RFC 5280 §5.2.1, §6.3.3 (c)";

    public override string Demand => "The keyIdentifier is the SubjectKeyIdentifier of the CA's certificate.";

    public override string? Check(CrlView crl, CrlLintContext context) =>
        context.Issuer?.Tbs.Extensions?.Find<SubjectKeyIdentifier>() is { } subject && CrlKeyIdentifier.Of(crl) is { Exists: true } found
        && !found.Content.SequenceEqual(subject.KeyIdentifier.Span) ? "another key" : null;
}

internal sealed class CrlKeyIdentifierCriticality : CrlFieldRule
{
    public override string Id => "crl-key-identifier-not-critical";

    public override string Source => "RFC 5280 §4.2.1.1";

    public override string Demand => "AuthorityKeyIdentifier is not critical.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.AuthorityKeyIdentifier)?.Critical == true ? "it is" : null;
}

internal sealed class CrlNumberPresent : CrlFieldRule
{
    public override string Id => "crl-number-present";

    public override string Source => "RFC 5280 §5.2.3, GM/T 0015-2012 §5.3";

    public override string Demand => "CRLNumber is there.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.CrlNumber) is null ? "it is missing" : null;
}

internal sealed class CrlNumberForm : CrlFieldRule
{
    public override string Id => "crl-number-form";

    public override string Source => "RFC 5280 §5.2.3, GM/T 0015-2012 §5.3";

    public override string Demand => "CRLNumber is an INTEGER, not negative, of at most 20 octets.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.CrlNumber) is { } number ? CrlNumbers.Fault(number.Value) : null;
}

internal sealed class CrlNumberCriticality : CrlFieldRule
{
    public override string Id => "crl-number-not-critical";

    public override string Source => "RFC 5280 §5.2.3";

    public override string Demand => "CRLNumber is not critical.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.CrlNumber)?.Critical == true ? "it is" : null;
}

internal sealed class CrlDeltaCriticality : CrlFieldRule
{
    public override string Id => "crl-delta-critical";

    public override string Source => "RFC 5280 §5.2.4, GM/T 0015-2012 §5.3";

    public override string Demand => "deltaCRLIndicator is critical: who does not know it must not take the CRL for a complete one.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.DeltaCrlIndicator)?.Critical == false ? "it is not" : null;
}

internal sealed class CrlDeltaBase : CrlFieldRule
{
    public override string Id => "crl-delta-base-lower";

    public override string Source => "RFC 5280 §5.2.4 (c), (d)";

    public override string Demand => "BaseCRLNumber is an INTEGER, not negative, of at most 20 octets, below the CRLNumber.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (crl.Find(Oids.DeltaCrlIndicator) is not { } delta)
        {
            return null;
        }

        DerNode number = crl.Value(Oids.CrlNumber);
        return CrlNumbers.Fault(delta.Value)
            ?? (CrlNumbers.Fault(number) is null && CrlNumbers.Read(delta.Value) >= CrlNumbers.Read(number) ? "it is not below" : null);
    }
}

internal sealed class CrlFreshestCriticality : CrlFieldRule
{
    public override string Id => "crl-freshest-not-critical";

    public override string Source => "RFC 5280 §5.2.6";

    public override string Demand => "FreshestCRL is not critical.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.FreshestCrl)?.Critical == true ? "it is" : null;
}

internal sealed class CrlFreshestInDelta : CrlFieldRule
{
    public override string Id => "crl-freshest-not-in-delta";

    public override string Source => "RFC 5280 §5.2.6";

    public override string Demand => "A delta CRL has no FreshestCRL.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.IsDelta && crl.Find(Oids.FreshestCrl) is not null ? "it has one" : null;
}

internal static class CrlKeyIdentifier
{
    /// <summary>keyIdentifier [0] of AuthorityKeyIdentifier, or none.</summary>
    public static DerNode Of(CrlView crl) => crl.Value(Oids.AuthorityKeyIdentifier).First is { } first && first.Is(DerTag.Context(0)) ? first : default;
}

internal static class CrlNumbers
{
    public static string? Fault(DerNode number) =>
        !number.Is(DerTag.Integer) || number.Content.IsEmpty ? "not an INTEGER"
        : number.Content.Length > CrlInteger.MaxOctets ? $"{number.Content.Length} octets"
        : number.Content[0] >= 0x80 ? "negative"
        : null;

    /// <param name="number">One of which <see cref="Fault"/> says nothing.</param>
    public static BigInteger Read(DerNode number) => new(number.Content, isBigEndian: true);
}
