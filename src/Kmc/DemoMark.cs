using ZwCa.Asn1.Pkix;

namespace ZwCa.Kmc;

/// <summary>Demo material never grows into production: its names say what it is (docs/CEREMONY.md).</summary>
internal static class DemoMark
{
    private const string Mark = "演示 DEMO";

    /// <returns>Whether its subject or its issuer is of a demonstration.</returns>
    public static bool IsOn(Certificate certificate) => IsIn(certificate.Tbs.Subject) || IsIn(certificate.Tbs.Issuer);

    private static bool IsIn(Name name) => name.Rdns.Any(rdn => rdn.Attributes.Any(attribute => attribute.Text?.Contains(Mark, StringComparison.Ordinal) == true));
}
