namespace ZwCa.Issuance;

/// <summary>All rules of certificates.</summary>
internal static class CertificateRuleSet
{
    public static CertificateRule Structure { get; } = new CertificateStructure();

    public static CertificateRule[] All { get; } =
    [
        Structure,
        new LengthMinimal(),
    ];
}
