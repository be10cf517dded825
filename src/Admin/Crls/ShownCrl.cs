using System.Globalization;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Crls;

/// <param name="RevokedAt">Null: a date that cannot be read.</param>
/// <param name="Reason">Null: one that does not exist.</param>
internal sealed record ShownEntry(string SerialNumber, DateTime? RevokedAt, RevocationReason? Reason)
{
    public static ShownEntry Of(in CrlEntryView entry) => new(ShownCrl.Hex(entry.SerialNumber), entry.RevokedAt, entry.Reason);
}

/// <summary>What a CRL says, for people and for programs; made in one walk through its entries, of which it keeps a handful.</summary>
internal sealed record ShownCrl
{
    private const int NewestCount = 5;

    public required long Length { get; init; }

    public required string Issuer { get; init; }

    /// <summary>Decimal; null: there is none.</summary>
    public required string? Number { get; init; }

    /// <summary>Of the CRL that a delta amends, decimal; null: it is no delta.</summary>
    public required string? BaseNumber { get; init; }

    public required string? AuthorityKeyIdentifier { get; init; }

    public required CrlKind Kind { get; init; }

    public required bool OnlyUserCertificates { get; init; }

    /// <summary>Of the distribution point.</summary>
    public required IReadOnlyList<string> DistributionPoint { get; init; }

    public required DateTime ThisUpdate { get; init; }

    public required DateTime? NextUpdate { get; init; }

    public required string SignatureAlgorithm { get; init; }

    /// <summary>Null: not asked.</summary>
    public required bool? SignatureHolds { get; init; }

    public required long Entries { get; init; }

    /// <summary>By reason; entries whose reason does not exist are under none.</summary>
    public required IReadOnlyDictionary<RevocationReason, long> ByReason { get; init; }

    /// <summary>By revocation date, the newest first.</summary>
    public required IReadOnlyList<ShownEntry> Newest { get; init; }

    /// <summary>In wire order, as many as were asked for.</summary>
    public required IReadOnlyList<ShownEntry> First { get; init; }

    /// <summary>What was asked for, hexadecimal; null: nothing.</summary>
    public required string? AskedSerialNumber { get; init; }

    /// <summary>Its entry; null: it has none, or nothing was asked for.</summary>
    public required ShownEntry? Asked { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>What makes it unfit for use, a sentence each; empty: all is well.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <param name="issuer">Null: the signature is not looked at.</param>
    /// <param name="serialNumber">Content octets without leading zeros; null: nobody asks.</param>
    /// <exception cref="DerException">The issuer's extensions cannot be read, or the file became shorter.</exception>
    public static ShownCrl Of(CrlFile crl, Certificate? issuer, int first, byte[]? serialNumber, DateTimeOffset now)
    {
        // Step 1: the entries.
        long count = 0;
        long[] byReason = new long[(int)RevocationReason.AaCompromise + 1];
        var newest = new List<ShownEntry>(NewestCount + 1);
        var shown = new List<ShownEntry>();
        ShownEntry? asked = null;
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            count++;
            if (entry.Fault is not null)
            {
                // The lint's findings name it.
                continue;
            }

            if (entry.Reason is { } reason)
            {
                byReason[(int)reason]++;
            }

            if (shown.Count < first)
            {
                shown.Add(ShownEntry.Of(entry));
            }

            if (serialNumber is not null && asked is null && entry.SerialNumber.TrimStart((byte)0).SequenceEqual(serialNumber))
            {
                asked = ShownEntry.Of(entry);
            }

            Keep(newest, entry);
        }

        // Step 2: the rules, and the signature.
        IReadOnlyList<Finding> findings = CrlLint.Check(crl.View, new CrlLintContext { Issuer = issuer });
        bool? holds = issuer is null ? null : crl.IsSignedBy(issuer);
        return new ShownCrl
        {
            Length = crl.Length,
            Issuer = crl.Issuer.ToString(),
            Number = crl.Number?.ToString(CultureInfo.InvariantCulture),
            BaseNumber = crl.BaseNumber?.ToString(CultureInfo.InvariantCulture),
            AuthorityKeyIdentifier = crl.AuthorityKeyIdentifier is { } identifier ? Convert.ToHexStringLower(identifier.Span) : null,
            Kind = crl.Kind,
            OnlyUserCertificates = crl.Scope?.OnlyContainsUserCerts ?? false,
            DistributionPoint = [.. NamesOf(crl.Scope?.DistributionPoint)],
            ThisUpdate = crl.ThisUpdate.Value.UtcDateTime,
            NextUpdate = crl.NextUpdate?.Value.UtcDateTime,
            SignatureAlgorithm = PlainText.Of(crl.Algorithm),
            SignatureHolds = holds,
            Entries = count,
            ByReason = Enum.GetValues<RevocationReason>().Where(reason => byReason[(int)reason] > 0).ToDictionary(reason => reason, reason => byReason[(int)reason]),
            Newest = newest,
            First = shown,
            AskedSerialNumber = serialNumber is null ? null : Convert.ToHexStringLower(serialNumber),
            Asked = asked,
            Findings = findings,
            Faults = [.. FaultsOf(crl, issuer, holds, findings, now)],
        };
    }

    /// <summary>Lower-case, without leading zeros, as everywhere.</summary>
    public static string Hex(ReadOnlySpan<byte> serialNumber) => Convert.ToHexStringLower(serialNumber.Length > 1 ? serialNumber.TrimStart((byte)0) : serialNumber);

    /// <summary>URLs, and in words what is none.</summary>
    public static IEnumerable<string> NamesOf(DistributionPointName? point) => point switch
    {
        null => [],
        FullName full => full.Names.Select(name => name switch
        {
            UniformResourceIdentifier uri => uri.Uri,
            DirectoryName directory => directory.Name.ToString(),
            _ => name.GetType().Name,
        }),
        NameRelativeToCrlIssuer relative => [$"relative to the issuer: {relative.Name}"],
        _ => [point.GetType().Name],
    };

    private static IEnumerable<string> FaultsOf(CrlFile crl, Certificate? issuer, bool? signatureHolds, IReadOnlyList<Finding> findings, DateTimeOffset now)
    {
        if (crl.NextUpdate is { } next && next.Value <= now)
        {
            yield return $"It has expired {PlainText.Of(now - next.Value)} ago: relying parties refuse it.";
        }

        if (crl.ThisUpdate.Value > now)
        {
            yield return $"Its thisUpdate lies {PlainText.Of(crl.ThisUpdate.Value - now)} ahead: a clock is wrong, here or there.";
        }

        if (issuer is not null && !crl.IsOf(issuer))
        {
            yield return "It is not of the CA and the key of the certificate that was given.";
        }

        if (signatureHolds == false)
        {
            yield return "Its signature does not hold under the key of the certificate that was given.";
        }

        int errors = findings.Count(finding => finding.Severity == Severity.Error);
        if (errors > 0)
        {
            yield return errors == 1 ? "It breaks a rule of the standards." : $"It breaks {errors} rules of the standards.";
        }
    }

    private static void Keep(List<ShownEntry> newest, in CrlEntryView entry)
    {
        if (entry.RevokedAt is not { } date || (newest.Count == NewestCount && date <= newest[^1].RevokedAt))
        {
            return;
        }

        int at = newest.FindIndex(each => each.RevokedAt < date);
        newest.Insert(at < 0 ? newest.Count : at, ShownEntry.Of(entry));
        if (newest.Count > NewestCount)
        {
            newest.RemoveAt(NewestCount);
        }
    }
}
