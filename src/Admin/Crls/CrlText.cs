using System.Globalization;
using System.Text.Json;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Crls;

/// <summary>What a CRL says, written for a person.</summary>
internal static class CrlText
{
    public static void WriteText(TextWriter output, ShownCrl crl, DateTimeOffset now, TimeZoneInfo zone)
    {
        void line(string name, string value) => output.WriteLine($"{name,-20}{PlainText.Of(value)}");

        // Step 1: what it is.
        line("Issuer", crl.Issuer);
        line("Issuer's key", crl.AuthorityKeyIdentifier ?? "not named");
        line("Number", crl.Number ?? "none");
        line("Scope", Scope(crl));
        foreach (string name in crl.DistributionPoint)
        {
            line("Distribution point", name);
        }

        line("Size", string.Create(CultureInfo.InvariantCulture, $"{crl.Length} bytes"));

        // Step 2: how long it is good.
        line("thisUpdate", $"{PlainText.Of(crl.ThisUpdate, zone)}, {Distance(crl.ThisUpdate, now)}");
        line("nextUpdate", crl.NextUpdate is { } next ? $"{PlainText.Of(next, zone)}, {(next <= now ? "expired" : "still good for")} {PlainText.Of(next - now)}{(next <= now ? " ago" : "")}" : "none");
        line("Signature", $"{crl.SignatureAlgorithm}; {crl.SignatureHolds switch { null => "not looked at: name the CA's certificate with --issuer", true => "holds", false => "DOES NOT HOLD" }}");

        // Step 3: what is on it.
        line("Entries", crl.Entries.ToString(CultureInfo.InvariantCulture));
        foreach ((RevocationReason reason, long count) in crl.ByReason)
        {
            line($"  {Word(reason)}", count.ToString(CultureInfo.InvariantCulture));
        }

        WriteEntries(output, "Newest revocations", crl.Newest, zone);
        WriteEntries(output, "First entries", crl.First, zone);
        if (crl.AskedSerialNumber is not null)
        {
            line("Certificate", $"{crl.AskedSerialNumber} {Answer(crl, zone)}");
        }

        // Step 4: what is wrong with it.
        line("Rules", crl.Findings.Count == 0 ? "every rule holds" : $"{crl.Findings.Count} do not hold");
        WriteFindings(output, crl.Findings);
        if (crl.Faults.Count == 0)
        {
            output.WriteLine("All is well.");
        }

        foreach (string fault in crl.Faults)
        {
            output.WriteLine($"WRONG: {fault}");
        }
    }

    public static void WriteFindings(TextWriter output, IReadOnlyList<Finding> findings)
    {
        foreach (Finding finding in findings)
        {
            output.WriteLine($"  {finding.Severity.ToString().ToLowerInvariant(),-7}  {finding.Rule}  [{finding.Source}]  {PlainText.Of(finding.Detail)}");
        }
    }

    /// <summary>As RFC 5280 §5.3.1 writes it.</summary>
    public static string Word(RevocationReason? reason) => reason switch
    {
        null => "a reason that does not exist",
        RevocationReason.CaCompromise => "cACompromise",
        RevocationReason.AaCompromise => "aACompromise",
        RevocationReason.RemoveFromCrl => "removeFromCRL",
        _ => JsonNamingPolicy.CamelCase.ConvertName(reason.Value.ToString()),
    };

    private static void WriteEntries(TextWriter output, string title, IReadOnlyList<ShownEntry> entries, TimeZoneInfo zone)
    {
        if (entries.Count > 0)
        {
            output.WriteLine(title);
            foreach (ShownEntry entry in entries)
            {
                output.WriteLine($"  {entry.SerialNumber,-40}  {Date(entry, zone)}  {Word(entry.Reason)}");
            }
        }
    }

    private static string Scope(ShownCrl crl)
    {
        string what = crl.Kind switch
        {
            CrlKind.Complete => "complete: all certificates of the issuer",
            CrlKind.Authorities => "the issuer's CA certificates only (an ARL)",
            _ when crl.DistributionPoint.Count == 0 => "a part of the issuer's certificates",
            _ => "a partition: the issuer's certificates that name the distribution point",
        };
        string users = crl.OnlyUserCertificates ? ", no CA certificates" : "";
        return crl.BaseNumber is null ? what + users : $"a delta to number {crl.BaseNumber}; {what}{users}";
    }

    private static string Answer(ShownCrl crl, TimeZoneInfo zone) =>
        crl.Asked is not { } entry ? $"is not on this CRL{(crl.Kind == CrlKind.Complete ? "" : "; if it is of the CRL's scope, it was not revoked at thisUpdate")}."
        : entry.Reason == RevocationReason.CertificateHold ? $"is suspended (certificateHold) since {Date(entry, zone)}."
        : entry.Reason == RevocationReason.RemoveFromCrl ? $"left the CRL (removeFromCRL) on {Date(entry, zone)}."
        : $"was revoked on {Date(entry, zone)}, reason {Word(entry.Reason)}.";

    private static string Date(ShownEntry entry, TimeZoneInfo zone) => entry.RevokedAt is { } date ? PlainText.Of(date, zone) : "a date that cannot be read";

    private static string Distance(DateTime instant, DateTimeOffset now) => instant <= now ? $"{PlainText.Of(now - instant)} ago" : $"{PlainText.Of(instant - now)} ahead";
}
