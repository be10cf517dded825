using System.Numerics;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>Published CRLs, as relying parties and as their caches meet them.</summary>
internal sealed class CrlChecks(Installation installation, Web web, NumberRecord numbers, DoctorReport report, TimeProvider time)
{
    private const string Kind = "crl";

    /// <summary>Of two clocks that both are right enough.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <summary>Places of which it was said that all is well: certificates lead to them again.</summary>
    private readonly HashSet<string> _told = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (Authority authority in installation.Authorities)
        {
            foreach (CrlPlace place in authority.Places)
            {
                await CheckAsync(authority, place, null, cancellationToken);
            }
        }
    }

    /// <param name="certificate">Whose status is told; null: nobody's.</param>
    /// <returns>The status in words; null: nobody asked, or the CRL cannot be relied on.</returns>
    public async Task<string?> CheckAsync(Authority authority, CrlPlace place, TbsCertificate? certificate, CancellationToken cancellationToken)
    {
        int before = report.Lines.Count;
        void fault(string found, string advice) => report.Fault(Kind, place.Url, found, advice);

        // Step 1: it is there, and it is one.
        if (installation.Reach(place.Url) is not { } url)
        {
            report.Warn(Kind, place.Url, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            return null;
        }

        using Downloaded? answer = await FetchAsync(url, place, cancellationToken);
        if (answer is null || Read(answer, place) is not { } crl)
        {
            return null;
        }

        // Step 2: it is this CA's and no other's (incident 6), and nobody changed it.
        Certificate issuer = authority.Certificate;
        if (crl.AuthorityKeyIdentifier is null)
        {
            fault("it does not name its issuer's key (no AuthorityKeyIdentifier)", "find out what made it: ours do");
            return null;
        }

        if (!crl.IsOf(issuer))
        {
            string whose = installation.Authorities.FirstOrDefault(each => !each.IsCross && crl.IsOf(each.Certificate)) is { } other
                ? $"it is the CRL of {other.Id}, not of {authority.Id}"
                : $"it is not of the name and the key of {authority.Id}, but of {crl.Issuer}";
            fault(whose, "put this CA's own CRL there, and find out how the other came there");
            return null;
        }

        if (!crl.IsSignedBy(issuer))
        {
            fault($"the signature of {authority.Id} does not hold", "publish it anew; find out who changed it on its way");
            return null;
        }

        // Step 3: it speaks of the certificates that name this place.
        if (FaultOfScope(crl, place, certificate) is { } scope)
        {
            fault(scope, "put the CRL there that was made for this place");
        }

        // Step 4: it is not older than one that was seen before.
        BigInteger? floor = numbers.Find(place.Url) is { } seen && (place.Number is null || seen > place.Number) ? seen : place.Number;
        if (crl.Number is not { } number)
        {
            fault("it has no number", "find out what made it: ours have one");
        }
        else if (number < floor)
        {
            fault($"number {number}, but {floor} was there before: it went back", "look for a restored backup of the database or of the published files before anything else is issued");
        }
        else
        {
            numbers.Raise(place.Url, number);
        }

        // Step 5: times, rules, and what caches make of it.
        CheckTimes(crl, place);
        foreach (Finding finding in CrlLint.Check(crl.View, new CrlLintContext { Issuer = issuer }).Where(finding => finding.Severity != Severity.Notice))
        {
            const string Advice = "zwca crl show explains it; what made it has a defect";
            if (finding.Severity == Severity.Error)
            {
                fault($"{finding.Rule} ({finding.Source}): {finding.Detail}", Advice);
            }
            else
            {
                report.Warn(Kind, place.Url, $"{finding.Rule} ({finding.Source}): {finding.Detail}", Advice);
            }
        }

        CacheChecks.Run(answer, crl, place.Url, report, time.GetUtcNow());
        if (report.Lines.Count == before && _told.Add(place.Url))
        {
            report.Ok(Kind, place.Url, $"number {crl.Number} of {authority.Id}, {crl.Length} bytes, still good for {PlainText.Of(crl.NextUpdate!.Value.Value - time.GetUtcNow())}");
        }

        return certificate is null ? null : StatusOf(crl, certificate.SerialNumber);
    }

    private async Task<Downloaded?> FetchAsync(Uri url, CrlPlace place, CancellationToken cancellationToken)
    {
        try
        {
            return await web.GetAsync(url, DownloadLimits.CrlBytes, cancellationToken);
        }
        catch (DownloadException e)
        {
            report.Fault(Kind, place.Url, $"the CRL is not there: {e.Message}", "see whether it was made and whether publication works: /health/ready of the CA says why not");
            return null;
        }
    }

    private CrlFile? Read(Downloaded answer, CrlPlace place)
    {
        try
        {
            return CrlFile.Read(answer.Content);
        }
        catch (DerException e)
        {
            report.Fault(Kind, place.Url, $"what is there cannot be read as a CRL: {e.Message.TrimEnd('.')}", "publish it anew as DER");
            return null;
        }
    }

    private static string? FaultOfScope(CrlFile crl, CrlPlace place, TbsCertificate? certificate)
    {
        bool isAuthority = certificate?.Extensions?.Find<BasicConstraints>() is { IsCa: true };
        DistributionPointName? named = crl.Scope?.DistributionPoint;
        return crl.BaseNumber is not null ? "it is a delta, and certificates name a full CRL here"
            : named is not null && !named.DerEquals(place.Point) ? $"it is for another place: {string.Join(" ", ShownCrl.NamesOf(named))}"
            : named is null && place.IsPartition ? "it names no distribution point, and this is a partition's place"
            : named is null && crl.Kind == CrlKind.Partition ? "it is a part of the CA's CRLs and names no distribution point"
            : crl.Scope is { OnlySomeReasons: not ReasonFlags.None } ? "it speaks of some reasons only"
            : certificate is not null && crl.Kind == CrlKind.Authorities && !isAuthority ? "it speaks of CA certificates only"
            : certificate is not null && isAuthority && crl.Scope is { OnlyContainsUserCerts: true } ? "it does not speak of CA certificates"
            : null;
    }

    private void CheckTimes(CrlFile crl, CrlPlace place)
    {
        const string Advice = "see why the CA made none since: /health/ready of the CA says it";
        DateTimeOffset now = time.GetUtcNow();
        if (crl.ThisUpdate.Value > now + Skew)
        {
            report.Fault(Kind, place.Url, $"its thisUpdate {PlainText.Of(crl.ThisUpdate.Value)} lies {PlainText.Of(crl.ThisUpdate.Value - now)} ahead", "compare the clocks of the CA and of this machine");
        }

        if (crl.NextUpdate is not { } next)
        {
            // A rule of severity error says so.
            return;
        }

        // An ARL is made by hand in a ceremony and for half a year, so that what is left of it is counted in days; of what a job makes, half or a fifth.
        TimeSpan left = next.Value - now;
        double passed = (now - crl.ThisUpdate.Value) / (next.Value - crl.ThisUpdate.Value);
        string validity = $"number {crl.Number} is good until {PlainText.Of(next.Value)}, for {PlainText.Of(left)}";
        if (left <= TimeSpan.Zero)
        {
            report.Fault(Kind, place.Url, $"it expired on {PlainText.Of(next.Value)}, {PlainText.Of(left)} ago", "relying parties refuse every certificate of the CA: make and publish a CRL at once");
        }
        else if (crl.Kind == CrlKind.Authorities ? left < TimeSpan.FromDays(14) : passed >= 0.8)
        {
            report.Fault(Kind, place.Url, $"{validity} more, and has no successor", crl.Kind == CrlKind.Authorities ? "hold the ceremony that makes the next ARL now" : Advice);
        }
        else if (crl.Kind == CrlKind.Authorities ? left < TimeSpan.FromDays(60) : passed >= 0.5)
        {
            report.Warn(Kind, place.Url, $"{validity} more, and has no successor yet", crl.Kind == CrlKind.Authorities ? "plan the ceremony that makes the next ARL" : Advice);
        }
    }

    private static string StatusOf(CrlFile crl, SerialNumber serialNumber)
    {
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            if (entry.Fault is null && entry.SerialNumber.SequenceEqual(serialNumber.Content))
            {
                string since = entry.RevokedAt is { } date ? PlainText.Of((DateTimeOffset)date) : "a date that cannot be read";
                return entry.Reason == RevocationReason.CertificateHold
                    ? $"suspended (certificateHold) since {since}"
                    : $"revoked on {since}, reason {CrlText.Word(entry.Reason)}";
            }
        }

        return $"not revoked, says CRL number {crl.Number} of {PlainText.Of(crl.ThisUpdate.Value)}";
    }
}
