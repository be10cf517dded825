using ZwCa.Asn1;

namespace ZwCa.Issuance;

internal sealed class CertificateStructure : CertificateRule
{
    public override string Id => "certificate-structure";

    public override string Source => "RFC 5280 §4.1";

    public override string Demand => "The bytes are one Certificate with its fields in their places.";

    public override string? Check(CertificateView certificate, LintContext context) => certificate.Fault;
}

internal sealed class LengthMinimal : CertificateRule
{
    public override string Id => "der-length-minimal";

    public override string Source => "X.690 §10.1, RFC 5280 §4.1";

    public override string Demand => "Every length takes the fewest octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerFaults.Tell(certificate.Tree, DerFaultKind.LengthNotMinimal);
}

internal sealed class TagMinimal : CertificateRule
{
    public override string Id => "der-tag-minimal";

    public override string Source => "X.690 §8.1.2.4, §10.1";

    public override string Demand => "Every tag takes the fewest octets.";

    public override string? Check(CertificateView certificate, LintContext context) => DerFaults.Tell(certificate.Tree, DerFaultKind.TagNotMinimal);
}

internal sealed class IntegerMinimal : CertificateRule
{
    public override string Id => "der-integer-minimal";

    public override string Source => "X.690 §8.3.2";

    public override string Demand => "Every INTEGER takes the fewest octets.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerFaults.Tell(certificate.Tree, DerFaultKind.IntegerNotMinimal);
}

internal sealed class BooleanCanonical : CertificateRule
{
    public override string Id => "der-boolean";

    public override string Source => "X.690 §11.1";

    public override string Demand => "TRUE is FF and FALSE is 00.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerFaults.Tell(certificate.Tree, DerFaultKind.BooleanNotCanonical);
}

internal sealed class UnusedBitsZero : CertificateRule
{
    public override string Id => "der-unused-bits";

    public override string Source => "X.690 §11.2.1";

    public override string Demand => "The unused bits of a BIT STRING are at most seven, and zero.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerFaults.Tell(certificate.Tree, DerFaultKind.UnusedBitsNotZero);
}

internal sealed class StringPrimitive : CertificateRule
{
    public override string Id => "der-string-primitive";

    public override string Source => "X.690 §10.2";

    public override string Demand => "No string is in constructed form.";

    public override string? Check(CertificateView certificate, LintContext context) =>
        DerFaults.Tell(certificate.Tree, DerFaultKind.ConstructedString);
}

internal sealed class SetSorted : CertificateRule
{
    public override string Id => "der-set-order";

    public override string Source => "X.690 §11.6";

    public override string Demand => "The elements of a SET OF are in the order of their encodings.";

    public override string? Check(CertificateView certificate, LintContext context) => DerFaults.Tell(certificate.Tree, DerFaultKind.SetNotSorted);
}

internal sealed class OidCanonical : CertificateRule
{
    public override string Id => "der-object-identifier";

    public override string Source => "X.690 §8.19.2";

    public override string Demand => "Every arc of an OBJECT IDENTIFIER takes the fewest octets.";

    public override string? Check(CertificateView certificate, LintContext context) => DerFaults.Tell(certificate.Tree, DerFaultKind.OidNotCanonical);
}

internal sealed class NullEmpty : CertificateRule
{
    public override string Id => "der-null";

    public override string Source => "X.690 §8.8.2";

    public override string Demand => "NULL has no content.";

    public override string? Check(CertificateView certificate, LintContext context) => DerFaults.Tell(certificate.Tree, DerFaultKind.NullNotEmpty);
}

internal sealed class DefaultOmitted : CertificateRule
{
    public override string Id => "der-default-omitted";

    public override string Source => "X.690 §11.5";

    public override string Demand => "Values that are the default (version 1, critical FALSE, cA FALSE) are not encoded.";

    public override string? Check(CertificateView certificate, LintContext context)
    {
        if (certificate.Version.Content is [0])
        {
            return "version 1 is encoded";
        }

        foreach (ExtensionView extension in certificate.ExtensionList)
        {
            if (extension.CriticalField.Content is [0])
            {
                return $"critical FALSE is encoded in {extension.Id}";
            }
        }

        return certificate.Value(Oids.BasicConstraints).First is { Tag: DerTag.Boolean } cA && cA.Content is [0] ? "cA FALSE is encoded" : null;
    }
}

internal static class DerFaults
{
    public static string? Tell(DerTree tree, DerFaultKind kind)
    {
        foreach (DerFault fault in tree.FaultList)
        {
            if (fault.Kind == kind)
            {
                return $"at offset {fault.Offset}";
            }
        }

        return null;
    }
}
