using ZwCa.Admin.Crls;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Doctor;

/// <summary>What to look at.</summary>
internal sealed record ExaminationPlan
{
    public required Installation Installation { get; init; }

    /// <summary>Base addresses of management listeners.</summary>
    public IReadOnlyList<Uri> Management { get; init; } = [];

    /// <summary>By file name.</summary>
    public IReadOnlyList<(string Name, Certificate Certificate)> Certificates { get; init; } = [];

    public required NumberRecord Numbers { get; init; }

    /// <summary>With a server that is silent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>One visit of the doctor: from outside, without secrets, changing nothing there.</summary>
internal static class Examination
{
    private static readonly TimeSpan ClockWarning = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ClockFault = TimeSpan.FromSeconds(60);

    /// <exception cref="IOException">There is no room for a temporary file.</exception>
    public static async Task<DoctorReport> RunAsync(ExaminationPlan plan, TimeProvider time, CancellationToken cancellationToken)
    {
        var report = new DoctorReport();
        using var web = new Web(time, plan.Patience);
        var authorities = new AuthorityChecks(plan.Installation, web, report, time);
        var crls = new CrlChecks(plan.Installation, web, plan.Numbers, report, time);
        var certificates = new CertificateChecks(plan.Installation, web, authorities, crls, report, time);
        var services = new ServiceChecks(web, report);

        await authorities.RunAsync(cancellationToken);
        await crls.RunAsync(cancellationToken);
        foreach ((string name, Certificate certificate) in plan.Certificates)
        {
            await certificates.RunAsync(name, certificate, cancellationToken);
        }

        foreach (Uri management in plan.Management)
        {
            await services.RunAsync(management, cancellationToken);
        }

        TellClocks(web, report);
        return report;
    }

    /// <summary>Last, for every answer said something of them.</summary>
    private static void TellClocks(Web web, DoctorReport report)
    {
        const string Kind = "clock";
        const string Advice = "set the clocks by one source (NTP): CRLs, OCSP and the log depend on them";
        foreach ((string server, TimeSpan? ahead) in web.Clocks)
        {
            if (ahead is not { } difference)
            {
                report.Warn(Kind, server, "the server does not say its time (no Date in its answers)", "let it send Date, as RFC 9110 demands");
                continue;
            }

            string found = difference == TimeSpan.Zero ? "agrees with the clock here" : $"{PlainText.Of(difference)} {(difference > TimeSpan.Zero ? "ahead of" : "behind")} the clock here";
            if (difference.Duration() > ClockFault)
            {
                report.Fault(Kind, server, found, Advice);
            }
            else if (difference.Duration() > ClockWarning)
            {
                report.Warn(Kind, server, found, Advice);
            }
            else
            {
                report.Ok(Kind, server, found);
            }
        }
    }
}
