using System.Net.Http.Headers;
using ZwCa.Admin.Crls;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>What the head of an answer says: of which kind it is, and what caches may do with a CRL: keep it, but never beyond nextUpdate (RFC 9111 §4.2).</summary>
internal static class HeadChecks
{
    /// <summary>RFC 5280 §4.2.1.13.</summary>
    public const string CrlType = "application/pkix-crl";

    /// <summary>One certificate (RFC 5280 §4.2.2.1).</summary>
    public const string CertificateType = "application/pkix-cert";

    private const string Kind = "crl";

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <summary>Clients read what they asked for whatever its type; browsers, and the filters of some networks, do not.</summary>
    /// <param name="found">Null: the answer does not say. Upper-case letters are the same (RFC 9110 §8.3.1).</param>
    /// <returns>Whether it is the expected one; if not, there is a line.</returns>
    public static bool CheckType(string? found, string expected, string kind, string place, DoctorReport report)
    {
        bool isSo = string.Equals(found, expected, StringComparison.OrdinalIgnoreCase);
        if (!isSo)
        {
            report.Warn(kind, place, $"its Content-Type is {found ?? "missing"}, not {expected}", $"let the web server send {expected} with files of this name");
        }

        return isSo;
    }

    /// <returns>Without its parameters; null: the answer does not say.</returns>
    public static string? TypeOf(Downloaded answer) => answer.ContentHeaders.ContentType?.MediaType;

    public static void CheckCaching(Downloaded answer, CrlFile crl, string place, DoctorReport report, DateTimeOffset now)
    {
        const string Advice = "set the headers of the web server right: ETag, Last-Modified, and a Cache-Control that ends before nextUpdate";
        if (answer.Headers.ETag is null)
        {
            report.Warn(Kind, place, "the answer has no ETag: clients fetch anew what they have", Advice);
        }

        if (answer.ContentHeaders.LastModified is not { } modified)
        {
            report.Warn(Kind, place, "the answer has no Last-Modified", Advice);
        }
        else if (modified > now + Skew)
        {
            report.Warn(Kind, place, $"Last-Modified {PlainText.Of(modified)} lies ahead", "compare the clocks");
        }
        else if (modified < crl.ThisUpdate.Value - Skew)
        {
            report.Warn(Kind, place, $"Last-Modified {PlainText.Of(modified)} is older than the CRL: clients that ask for something newer get nothing", Advice);
        }

        DateTimeOffset? until = KeptUntil(answer, now);
        if (answer.Headers.CacheControl is null && until is null)
        {
            report.Warn(Kind, place, "the answer has neither Cache-Control nor Expires: caches keep it as long as they like", Advice);
        }
        else if (until is { } end && crl.NextUpdate is { } next && next.Value > now && end - next.Value > TimeSpan.FromSeconds(1))
        {
            report.Fault(Kind, place, $"caches may keep it until {PlainText.Of(end)}, which is beyond its nextUpdate {PlainText.Of(next.Value)}", Advice);
        }
    }

    /// <returns>Null: the answer does not say.</returns>
    private static DateTimeOffset? KeptUntil(Downloaded answer, DateTimeOffset now)
    {
        CacheControlHeaderValue? control = answer.Headers.CacheControl;
        if (control is { NoStore: true } or { NoCache: true })
        {
            return now;
        }

        TimeSpan? age = control?.SharedMaxAge > control?.MaxAge ? control?.SharedMaxAge : control?.MaxAge ?? control?.SharedMaxAge;
        try
        {
            return age is { } most ? now + most - (answer.Headers.Age ?? TimeSpan.Zero) : answer.ContentHeaders.Expires;
        }
        catch (ArgumentOutOfRangeException)
        {
            // Longer than there are dates.
            return DateTimeOffset.MaxValue;
        }
    }
}
