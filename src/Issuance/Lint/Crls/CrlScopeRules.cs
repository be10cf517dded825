using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>IssuingDistributionPoint: which certificates the CRL speaks of.</summary>
internal sealed class CrlScopeCriticality : CrlFieldRule
{
    public override string Id => "crl-scope-critical";

    public override string Source => "RFC 5280 §5.2.5, GM/T 0015-2012 §5.3";

    public override string Demand => "IssuingDistributionPoint is critical.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.Find(Oids.IssuingDistributionPoint)?.Critical == false ? "it is not" : null;
}

internal sealed class CrlScopeNotEmpty : CrlFieldRule
{
    public override string Id => "crl-scope-not-empty";

    public override string Source => "RFC 5280 §5.2.5";

    public override string Demand => "IssuingDistributionPoint is a SEQUENCE, not an empty one, with each field once, in order, and no FALSE.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (crl.Find(Oids.IssuingDistributionPoint) is not { } scope)
        {
            return null;
        }

        if (!scope.Value.Is(DerTag.Sequence) || !scope.Value.First.Exists)
        {
            return scope.Value.Is(DerTag.Sequence) ? "it is empty" : "not a SEQUENCE";
        }

        int last = -1;
        foreach (DerNode field in scope.Value)
        {
            int number = field.Tag & 0x1f;
            bool isConstructed = number == 0;
            if (number > 5 || number <= last || field.Tag != (isConstructed ? DerTag.ContextConstructed(number) : DerTag.Context(number)))
            {
                return "a field that does not belong there";
            }

            if (number is 1 or 2 or 4 or 5 && field.Content.SequenceEqual<byte>([0]))
            {
                return $"[{number}] says FALSE";
            }

            last = number;
        }

        return null;
    }
}

internal sealed class CrlScopeOne : CrlFieldRule
{
    public override string Id => "crl-scope-one";

    public override string Source => "RFC 5280 §5.2.5";

    public override string Demand => "At most one of onlyContainsUserCerts, onlyContainsCACerts and onlyContainsAttributeCerts is TRUE.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        int count = 0;
        foreach (DerNode field in crl.Value(Oids.IssuingDistributionPoint))
        {
            count += field.Tag is 0x81 or 0x82 or 0x85 && !field.Content.SequenceEqual<byte>([0]) ? 1 : 0;
        }

        return count > 1 ? $"{count} are" : null;
    }
}

internal sealed class CrlScopeAttributeCertificates : CrlFieldRule
{
    public override string Id => "crl-scope-no-attribute-certificates";

    public override string Source => "RFC 5280 §5.2.5";

    public override string Demand => "onlyContainsAttributeCerts is FALSE.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        foreach (DerNode field in crl.Value(Oids.IssuingDistributionPoint))
        {
            if (field.Is(DerTag.Context(5)) && !field.Content.SequenceEqual<byte>([0]))
            {
                return "it is TRUE";
            }
        }

        return null;
    }
}

internal sealed class CrlScopeIndirect : CrlFieldRule
{
    public override string Id => "crl-scope-not-indirect";

    public override string Source => "GM/T 0015-2012 §5.3";

    public override Severity Severity => Severity.Warning;

    public override string Demand => "The CRL is not an indirect one.";

    public override string? Check(CrlView crl, CrlLintContext context) => crl.IsIndirect ? "it is" : null;
}

internal sealed class CrlScopePoint : CrlFieldRule
{
    public override string Id => "crl-scope-point-equal";

    public override string Source => "RFC 5280 §5.2.5, §6.3.3 (b) (2) (i)";

    public override string Demand => "The distribution point is the one that the certificates name, octet for octet.";

    public override string? Check(CrlView crl, CrlLintContext context)
    {
        if (context.DistributionPoint is null)
        {
            return null;
        }

        DerNode point = crl.Value(Oids.IssuingDistributionPoint).First;
        return !point.Is(DerTag.ContextConstructed(0)) ? "there is none"
            : point.Content.SequenceEqual(Der.Encode<DistributionPointName>(context.DistributionPoint)) ? null
            : "another name";
    }
}
