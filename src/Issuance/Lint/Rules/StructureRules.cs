namespace ZwCa.Issuance;

/// <summary>Whether it is a certificate at all, and whether it is DER.</summary>
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

    public override string? Check(CertificateView certificate, LintContext context) => DerFaults.Tell(certificate.Tree, DerFaultKind.LengthNotMinimal);
}

internal static class DerFaults
{
    public static string? Tell(DerTree tree, DerFaultKind kind)
    {
        foreach (DerFault fault in tree.Faults)
        {
            if (fault.Kind == kind)
            {
                return $"at offset {fault.Offset}";
            }
        }

        return null;
    }
}
