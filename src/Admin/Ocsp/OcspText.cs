using ZwCa.Admin.Crls;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Ocsp;

/// <summary>What an OCSP answer says, written for a person.</summary>
internal static class OcspText
{
    /// <param name="isFresh">An answer that is signed just now was asked for.</param>
    public static void Write(TextWriter output, Uri place, SerialNumber serialNumber, OcspVerdict verdict, bool isFresh, TimeSpan took, DateTimeOffset now, TimeZoneInfo zone)
    {
        void line(string name, string value) => output.WriteLine($"{name,-14}{PlainText.Of(value)}");
        line("Responder", $"{place} (after {PlainText.Of(took)})");
        line("Certificate", serialNumber.ToString());
        if (verdict.Basic is { } basic)
        {
            // Step 1: what it says.
            line("Status", StatusOf(verdict.Single, zone));

            // Step 2: how long it is good.
            line("Made", PlainText.Of(basic.Tbs.ProducedAt.Value, zone));
            if (verdict.Single is { } single)
            {
                line("As of", PlainText.Of(single.ThisUpdate.Value, zone));
                line("Good until", single.NextUpdate is { } next
                    ? $"{PlainText.Of(next.Value, zone)}, {(next.Value <= now ? $"expired {PlainText.Of(now - next.Value)} ago" : $"for {PlainText.Of(next.Value - now)}")}"
                    : "not said: newer information is always there");
            }

            // Step 3: who says so.
            line("Signed by", verdict.Signer is null ? "nobody whom the CA has certified for it" : $"{verdict.Signer.Tbs.Subject}; {PlainText.Of(basic.SignatureAlgorithm)}");
            line("Nonce", verdict.Nonce is not null ? "came back" : isFresh ? "did not come back: the answer was signed ahead of time" : "none was sent");
        }

        output.WriteLine(verdict.Fault is { } fault ? $"WRONG: {PlainText.Of(fault)}." : "The answer may be relied on.");
    }

    private static string StatusOf(SingleResponse? single, TimeZoneInfo zone) => single?.CertStatus switch
    {
        Good => "good",
        Revoked { Info: var info } => $"REVOKED since {PlainText.Of(info.RevocationTime.Value, zone)}, {CrlText.Word(info.RevocationReason ?? RevocationReason.Unspecified)}",
        Unknown => "UNKNOWN: the responder knows of no such certificate",
        _ => "not told",
    };
}
