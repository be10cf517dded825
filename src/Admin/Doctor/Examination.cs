using ZwCa.Admin.Crls;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>What to look at.</summary>
internal sealed record ExaminationPlan
{
    public required Installation Installation { get; init; }

    /// <summary>Base addresses of management listeners.</summary>
    public IReadOnlyList<Uri> Management { get; init; } = [];

    /// <summary>Addresses where applicants look up their numbers, each of an RA's node or of the gateway before it.</summary>
    public IReadOnlyList<Uri> Tracking { get; init; } = [];

    /// <summary>Addresses of OCSP responders, each a node.</summary>
    public IReadOnlyList<Uri> Responders { get; init; } = [];

    /// <summary>By file name.</summary>
    public IReadOnlyList<(string Name, Certificate Certificate)> Certificates { get; init; } = [];

    /// <summary>Files to which logs append their checkpoints.</summary>
    public IReadOnlyList<string> Anchors { get; init; } = [];

    public required KeptState State { get; init; }

    /// <summary>With a server that is silent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of all answers together.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>For all answers together.</summary>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromMinutes(8);
}

/// <summary>One visit of the doctor: from outside, without secrets, changing nothing there.</summary>
internal static class Examination
{
    private static readonly TimeSpan ClockWarning = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ClockFault = TimeSpan.FromSeconds(60);

    public static async Task<DoctorReport> RunAsync(ExaminationPlan plan, TimeProvider time, CancellationToken cancellationToken)
    {
        var report = new DoctorReport();
        var budget = new DownloadBudget(plan.MaxBytes, plan.MaxTime, time);
        using var web = new Web(time, plan.Patience, budget);
        var authorities = new AuthorityChecks(plan.Installation, web, report, time);
        using var crls = new CrlChecks(plan.Installation, web, plan.State, report, time);
        var ocsp = new OcspChecks(plan.Installation, plan.Responders, web, report, time);
        var certificates = new CertificateChecks(plan.Installation, authorities, crls, ocsp, report, time);

        // The services first: what a server of the publication sends does not use up what is for them.
        var services = new ServiceChecks(plan.Installation.HasOcsp, web, report);
        await services.RunAsync(plan.Management, cancellationToken);
        await new TrackingChecks(web, report).RunAsync(plan.Tracking, cancellationToken);
        await ocsp.RunAsync(cancellationToken);
        await new LogChecks(plan.Installation, plan.State, report, time).RunAsync(plan.Anchors, services.Heard, cancellationToken);
        await authorities.RunAsync(cancellationToken);
        TellProfiles(plan.Installation, report);
        await crls.RunAsync(cancellationToken);
        await certificates.RunAsync(cancellationToken);
        foreach ((string name, Certificate certificate) in plan.Certificates)
        {
            await certificates.RunAsync(name, certificate, cancellationToken);
        }

        TellClocks(web, report);
        if (budget.Spent is { } spent)
        {
            report.Fault("limits", "downloads", $"{spent}: not everything was looked at", "look at the server that sends so much or so slowly, or raise --megabytes or --minutes");
        }

        return report;
    }

    /// <summary>Nobody outside knows which partitions there are, but by the profiles.</summary>
    private static void TellProfiles(Installation installation, DoctorReport report)
    {
        string[] others = [.. installation.Profiles.Select(profile => profile.Name).Where(name => ProfileCatalogue.Shipped.Find(name) is null).Distinct()];
        report.Ok(
            "profiles", "places", $"CRLs are looked for where certificates of the {ProfileCatalogue.Shipped.All.Count} shipped profiles{(others.Length == 0 ? "" : $" and of {string.Join(", ", others)}")} name them; other profiles' folder is named with --profiles");
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
