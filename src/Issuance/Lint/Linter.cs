namespace ZwCa.Issuance;

/// <summary>Judges certificates by all rules. Rules are pure, and so is this.</summary>
public static class Linter
{
    /// <summary>Every rule of certificates, each once, in the order of docs/LINT.md.</summary>
    public static IReadOnlyList<CertificateRule> CertificateRules { get; } = CertificateRuleSet.All;

    /// <param name="certificate">DER, or what claims to be.</param>
    /// <returns>What does not hold; empty: all is well.</returns>
    public static IReadOnlyList<Finding> Check(ReadOnlyMemory<byte> certificate, LintContext context) => Check(CertificateView.Read(certificate), context);

    /// <inheritdoc cref="Check(ReadOnlyMemory{byte}, LintContext)"/>
    public static IReadOnlyList<Finding> Check(CertificateView certificate, LintContext context)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(context);
        if (certificate.Fault is not null)
        {
            // Nothing stands where the other rules look for it.
            return [CertificateRuleSet.Structure.Run(certificate, context)!];
        }

        List<Finding>? findings = null;
        foreach (CertificateRule rule in CertificateRules)
        {
            if (rule.Run(certificate, context) is { } finding)
            {
                (findings ??= []).Add(finding);
            }
        }

        return (IReadOnlyList<Finding>?)findings ?? [];
    }
}
