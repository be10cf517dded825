using ZwCa.Asn1.Pkix;

namespace ZwCa.Issuance;

/// <summary>A rule of CRLs.</summary>
public abstract class CrlRule : Rule
{
    // Closed: of the CRL, or of each entry.
    private protected CrlRule()
    {
    }

    internal Finding Tell(string detail) => Broken(detail);
}

/// <summary>A rule of a CRL as a whole.</summary>
public abstract class CrlFieldRule : CrlRule
{
    /// <returns>What is wrong, in English; null: the rule holds, or does not apply.</returns>
    public abstract string? Check(CrlView crl, CrlLintContext context);
}

/// <summary>A rule of each entry, all of which are asked in one walk; told is the first that breaks it.</summary>
public abstract class CrlEntryRule : CrlRule
{
    /// <returns>What is wrong, in English; null: the rule holds, or does not apply.</returns>
    public abstract string? Check(in CrlEntryView entry, CrlView crl);

    /// <summary>It judges entries that cannot be taken apart. Others do not see them.</summary>
    internal virtual bool JudgesFaults => false;
}

/// <summary>A rule of each entry's extensions. It looks at nothing else of the entry: of a million entries, most of which have the same few extensions, it is asked once for each of those.</summary>
public abstract class CrlEntryExtensionRule : CrlEntryRule;

/// <summary>What is known besides the CRL. Rules that need what is not known do not apply.</summary>
public sealed record CrlLintContext
{
    /// <summary>Nothing is known: somebody's CRL.</summary>
    public static CrlLintContext None { get; } = new();

    /// <summary>The certificate of the CA that issues it.</summary>
    public Certificate? Issuer { get; init; }

    /// <summary>What the certificates that it covers name.</summary>
    public DistributionPointName? DistributionPoint { get; init; }

    /// <summary>The longest time from thisUpdate to nextUpdate.</summary>
    public TimeSpan? MaximumValidity { get; init; }
}
