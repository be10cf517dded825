namespace ZwCa.Issuance;

/// <summary>Judges CRLs of any size by all rules: one walk through the entries, and another to look for serial numbers that occur twice.</summary>
public static class CrlLint
{
    private static readonly CrlStructure Structure = new();

    /// <summary>Every rule of CRLs, each once, in the order of docs/LINT.md.</summary>
    public static IReadOnlyList<CrlRule> Rules { get; } =
    [
        Structure,
        new CrlLengthMinimal(),
        new CrlValuesCanonical(),
        new CrlVersion(),
        new CrlAlgorithmsAgree(),
        new CrlSm2Parameters(),
        new CrlRsaParameters(),
        new CrlWeakHash(),
        new CrlSignatureForm(),
        new CrlIssuerPresent(),
        new CrlIssuerIsSubject(),
        new CrlIssuerKeyUsage(),
        new CrlThisUpdateForm(),
        new CrlNextUpdatePresent(),
        new CrlNextUpdateForm(),
        new CrlNextUpdateLater(),
        new CrlValidityBound(),
        new CrlWithinIssuer(),
        new CrlExtensionsPresent(),
        new CrlExtensionUnique(),
        new CrlExtensionKnown(),
        new CrlDefaultCriticality(),
        new CrlKeyIdentifierPresent(),
        new CrlKeyIdentifierEqual(),
        new CrlKeyIdentifierCriticality(),
        new CrlNumberPresent(),
        new CrlNumberForm(),
        new CrlNumberCriticality(),
        new CrlDeltaCriticality(),
        new CrlDeltaBase(),
        new CrlFreshestCriticality(),
        new CrlFreshestInDelta(),
        new CrlScopeCriticality(),
        new CrlScopeNotEmpty(),
        new CrlScopeOne(),
        new CrlScopeAttributeCertificates(),
        new CrlScopeIndirect(),
        new CrlScopePoint(),
        new CrlEntriesNotEmpty(),
        new CrlEntryStructure(),
        new CrlEntryDer(),
        new CrlEntrySerialNumber(),
        new CrlEntryUnique(),
        new CrlEntryDateForm(),
        new CrlEntryDatePast(),
        new CrlEntryExtensionUnique(),
        new CrlEntryExtensionKnown(),
        new CrlEntryReasonCriticality(),
        new CrlEntryReasonValue(),
        new CrlEntryReasonUnspecified(),
        new CrlEntryReasonRemove(),
        new CrlEntryInvalidityDate(),
        new CrlEntryIssuerCriticality(),
        new CrlEntryIssuerIndirect(),
    ];

    /// <param name="crl">DER, or what claims to be.</param>
    /// <returns>What does not hold, in the order of the rules; empty: all is well.</returns>
    public static IReadOnlyList<Finding> Check(ReadOnlyMemory<byte> crl, CrlLintContext context) => Check(CrlView.Read(crl), context);

    /// <inheritdoc cref="Check(ReadOnlyMemory{byte}, CrlLintContext)"/>
    public static IReadOnlyList<Finding> Check(CrlView crl, CrlLintContext context)
    {
        ArgumentNullException.ThrowIfNull(crl);
        ArgumentNullException.ThrowIfNull(context);
        if (crl.Fault is not null)
        {
            // Nothing stands where the other rules look for it.
            return [Structure.Tell(crl.Fault)];
        }

        Finding?[] findings = new Finding?[Rules.Count];
        for (int i = 0; i < Rules.Count; i++)
        {
            if (Rules[i] is CrlFieldRule rule && rule.Check(crl, context) is { } detail)
            {
                findings[i] = rule.Tell(detail);
            }
        }

        CheckEntries(crl, findings);
        return [.. findings.OfType<Finding>()];
    }

    private static void CheckEntries(CrlView crl, Finding?[] findings)
    {
        List<(int Index, CrlEntryRule Rule)> all = [.. Rules.Index().Where(each => each.Item is CrlEntryRule).Select(each => (each.Index, (CrlEntryRule)each.Item))];
        List<(int Index, CrlEntryRule Rule)> ofEntries = [.. all.Where(each => each.Rule is not CrlEntryExtensionRule)];
        List<(int Index, CrlEntryRule Rule)> ofExtensions = [.. all.Where(each => each.Rule is CrlEntryExtensionRule)];
        var known = new KnownExtensions();
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            CheckEntry(entry, crl, ofEntries, findings);
            if (entry.Fault is null && !known.Contains(entry.ExtensionsField) && CheckEntry(entry, crl, ofExtensions, findings))
            {
                known.Add(entry.ExtensionsField);
            }
        }
    }

    /// <param name="left">Rules that no entry has broken yet; one that this one breaks is taken out.</param>
    /// <returns>It breaks none of them.</returns>
    private static bool CheckEntry(in CrlEntryView entry, CrlView crl, List<(int Index, CrlEntryRule Rule)> left, Finding?[] findings)
    {
        int before = left.Count;
        for (int i = left.Count - 1; i >= 0; i--)
        {
            (int index, CrlEntryRule rule) = left[i];
            if ((entry.Fault is null || rule.JudgesFaults) && rule.Check(entry, crl) is { } detail)
            {
                findings[index] = rule.Tell($"entry {entry.Number} at offset {entry.Offset}: {detail}");
                left.RemoveAt(i);
            }
        }

        return left.Count == before;
    }

    /// <summary>Extensions of entries that broke no rule: the last ones for each value of their last octet, which of most is the reason.</summary>
    private sealed class KnownExtensions
    {
        private readonly byte[]?[] _known = new byte[]?[16];

        public bool Contains(ReadOnlySpan<byte> extensions) => _known[Slot(extensions)] is { } there && extensions.SequenceEqual(there);

        public void Add(ReadOnlySpan<byte> extensions) => _known[Slot(extensions)] = extensions.ToArray();

        private int Slot(ReadOnlySpan<byte> extensions) => extensions.IsEmpty ? 0 : extensions[^1] % _known.Length;
    }
}
