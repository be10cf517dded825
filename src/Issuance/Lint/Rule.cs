using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>How bad it is when a rule does not hold.</summary>
public enum Severity
{
    /// <summary>Unusual, or advice.</summary>
    Notice,

    /// <summary>A standard recommends otherwise.</summary>
    Warning,

    /// <summary>A standard forbids it: we do not issue it.</summary>
    Error,
}

/// <summary>A rule that does not hold.</summary>
/// <param name="Rule">Its id.</param>
/// <param name="Source">Standard and clause.</param>
/// <param name="Detail">What is wrong here, in English; no personal data.</param>
public sealed record Finding(string Rule, Severity Severity, string Source, string Detail);

/// <summary>One thing that a standard demands of a certificate or a CRL. Stateless; safe for concurrent use.</summary>
public abstract class Rule
{
    /// <summary>Lower-case words with hyphens, unique; it stays the same for good, because reports refer to it.</summary>
    public abstract string Id { get; }

    /// <summary>Standard and clause: "RFC 5280 §4.1.2.2".</summary>
    public abstract string Source { get; }

    public virtual Severity Severity => Severity.Error;

    /// <summary>What it demands, one English sentence; docs/LINT.md is made of these.</summary>
    public abstract string Demand { get; }

    private protected Finding Broken(string detail) => new(Id, Severity, Source, detail);
}

/// <summary>A rule of certificates.</summary>
public abstract class CertificateRule : Rule
{
    /// <returns>What is wrong, in English; null: the rule holds, or does not apply.</returns>
    public abstract string? Check(CertificateView certificate, LintContext context);

    /// <summary>Of a certificate that is meant to follow a profile: what is only advice to others we keep ourselves.</summary>
    public virtual Severity OwnSeverity => Severity;

    internal Finding? Run(CertificateView certificate, LintContext context) =>
        Check(certificate, context) is { } detail ? Broken(detail) with { Severity = context.Profile is null ? Severity : OwnSeverity } : null;
}

/// <summary>What is known besides the certificate. Rules that need what is not known do not apply.</summary>
public sealed record LintContext
{
    /// <summary>Nothing is known: somebody's certificate.</summary>
    public static LintContext None { get; } = new();

    /// <summary>What the certificate is meant to follow.</summary>
    public Profile? Profile { get; init; }

    /// <summary>Who issues it.</summary>
    public Issuer? Issuer { get; init; }

    /// <summary>The other one of the pair: rules of consistency compare the two.</summary>
    public CertificateView? Other { get; init; }

    /// <summary>The issuer's certificate, where <see cref="Issuer"/> is not at hand: <c>zwca lint --issuer</c>.</summary>
    public Certificate? IssuerCertificate { get; init; }
}
