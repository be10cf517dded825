using System.Globalization;
using ZwCa.Admin.Token;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Crls;

/// <summary>Words for a person at a terminal.</summary>
internal static class PlainText
{
    /// <summary>What somebody else wrote, so that it cannot steer the terminal, in one line.</summary>
    public static string Of(string foreign) => LabelText.Shown(foreign.ReplaceLineEndings(" "));

    /// <summary>Two units: <c>3 days 4 h</c>.</summary>
    /// <param name="span">Negative: its length.</param>
    public static string Of(TimeSpan span)
    {
        TimeSpan length = span.Duration();
        return length.TotalDays >= 1 ? Text($"{length.Days} {(length.Days == 1 ? "day" : "days")} {length.Hours} h")
            : length.TotalHours >= 1 ? Text($"{length.Hours} h {length.Minutes} min")
            : length.TotalMinutes >= 1 ? Text($"{length.Minutes} min {length.Seconds} s")
            : Text($"{length.TotalSeconds:0.#} s");
    }

    /// <summary>UTC.</summary>
    public static string Of(DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>UTC, and what a clock on the wall says.</summary>
    public static string Of(DateTimeOffset instant, TimeZoneInfo zone)
    {
        DateTimeOffset local = TimeZoneInfo.ConvertTime(instant, zone);
        return $"{Of(instant)} ({local.ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture)} local)";
    }

    /// <summary>Of a signature.</summary>
    public static string Of(AlgorithmIdentifier algorithm) =>
        algorithm == AlgorithmIdentifier.Sm3WithSm2 ? "SM2 with SM3"
        : algorithm == AlgorithmIdentifier.EcdsaWithSha256 ? "ECDSA with SHA-256"
        : algorithm == AlgorithmIdentifier.Sha256WithRsa ? "RSA with SHA-256"
        : algorithm == AlgorithmIdentifier.Sha384WithRsa ? "RSA with SHA-384"
        : algorithm == AlgorithmIdentifier.Sha512WithRsa ? "RSA with SHA-512"
        : algorithm.Algorithm == Oids.RsaPss ? "RSA-PSS"
        : algorithm.Algorithm;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
