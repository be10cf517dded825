using System.CommandLine;
using ZwCa.Admin.Lint;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Crls;

/// <summary>
/// <c>zwca crl show</c>: tells a person what a CRL says and whether it may be relied on (docs/OPERATIONS.md). Exit code 0: it may; 1: it has expired, breaks a rule or is not
/// signed by the CA that was named; 2: there is nothing to show. Whether a certificate is on it makes no difference.
/// </summary>
internal static class CrlVerbs
{
    private const int Wrong = 1;
    private const int Unreadable = 2;

    /// <param name="time">Null: the system's clock.</param>
    public static Command Crl(TimeProvider? time = null) => new("crl", "Looks at certificate revocation lists.") { Show(time ?? TimeProvider.System) };

    private static Command Show(TimeProvider time)
    {
        var place = new Argument<string>("place") { Description = "A file, or an http(s) address; DER or PEM, of any size." };
        var issuer = new Option<string?>("--issuer") { Description = "The certificate of the CA: is the CRL its, and does the signature hold?" };
        var entries = new Option<int>("--entries") { Description = "How many of the entries to list, from the first." };
        var serial = new Option<string?>("--serial") { Description = "A certificate's serial number, hexadecimal: is it on the CRL, since when, and why?" };
        var json = new Option<bool>("--json") { Description = "For programs." };
        var command = new Command("show", "Explains a CRL: whose it is, for which certificates, how long it is good, what is on it, and what is wrong with it.")
        {
            place, issuer, entries, serial, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(entries) < 0)
            {
                result.AddError("--entries is not below 0.");
            }

            if (result.GetValue(serial) is { } text && ParseSerial(text) is null)
            {
                result.AddError("--serial is hexadecimal, with or without colons.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            try
            {
                Certificate? ca = parsed.GetValue(issuer) is { } file ? Der.Decode<Certificate>(LintFile.ReadCertificate(file).Bytes) : null;
                using CrlSource source = await CrlSource.OpenAsync(parsed.GetRequiredValue(place), time, cancellationToken);
                var view = CrlView.Read(source.Stream);
                return view.Fault is null
                    ? Show(output, view, ca, parsed.GetValue(entries), ParseSerial(parsed.GetValue(serial)), parsed.GetValue(json), time)
                    : throw new DerException($"Not a CRL: {view.Fault}.");
            }
            catch (Exception e) when (e is DownloadException or DerException or IOException or UnauthorizedAccessException)
            {
                parsed.InvocationConfiguration.Error.WriteLine($"{PlainText.Of(parsed.GetRequiredValue(place))}: {PlainText.Of(e.Message)}");
                return Unreadable;
            }
        });
        return command;
    }

    private static int Show(TextWriter output, CrlView view, Certificate? issuer, int entries, byte[]? serial, bool asJson, TimeProvider time)
    {
        CrlFile crl;
        try
        {
            crl = CrlFile.Read(view);
        }
        catch (DerException e)
        {
            // It is one, but some field of it says nothing that could be shown: the rules say which.
            IReadOnlyList<Finding> findings = CrlLint.Check(view, new CrlLintContext { Issuer = issuer });
            if (asJson)
            {
                ShownJson.Write(output, new { Findings = findings, Faults = (string[])[e.Message] });
            }
            else
            {
                CrlText.WriteFindings(output, findings);
                output.WriteLine($"WRONG: {PlainText.Of(e.Message)}");
            }

            return Wrong;
        }

        DateTimeOffset now = time.GetUtcNow();
        var shown = ShownCrl.Of(crl, issuer, entries, serial, now);
        if (asJson)
        {
            ShownJson.Write(output, shown);
        }
        else
        {
            CrlText.WriteText(output, shown, now, time.LocalTimeZone);
        }

        return shown.Faults.Count == 0 ? 0 : Wrong;
    }

    /// <summary>As certificates are printed everywhere: upper or lower case, with colons or blanks, with 0x.</summary>
    /// <returns>Octets without leading zeros; null: no serial number.</returns>
    private static byte[]? ParseSerial(string? text)
    {
        string digits = (text ?? "").Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
        digits = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? digits[2..] : digits;
        digits = digits.TrimStart('0');
        return digits.Length is > 0 and <= 2 * SerialNumber.MaxOctets && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits.Length % 2 == 0 ? digits : "0" + digits)
            : null;
    }
}
