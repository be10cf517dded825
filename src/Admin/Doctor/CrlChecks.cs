using System.Numerics;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Cryptography;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <param name="Words">For a line.</param>
/// <param name="AsOf">The CRL's thisUpdate.</param>
/// <param name="IsHold">Revoked for the time being.</param>
internal sealed record CrlStatus(bool IsRevoked, string Words, DateTimeOffset AsOf, bool IsHold = false);

/// <summary>Published CRLs, as relying parties and as their caches meet them. It holds their files, for certificates lead to them again.</summary>
internal sealed class CrlChecks(Installation installation, Web web, KeptState state, DoctorReport report, TimeProvider time) : IDisposable
{
    private const string Kind = "crl";

    /// <summary>Of two clocks that both are right enough.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <summary>What was looked at; null: it vouches for nothing. Certificates of a CA's same name and key, renewed, have the same CRLs.</summary>
    private readonly Dictionary<(Name Issuer, string KeyIdentifier, string Url, string Point), CrlFile?> _looked = [];

    private readonly List<Downloaded> _answers = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (Authority authority in installation.Authorities)
        {
            foreach (CrlPlace place in authority.Places)
            {
                await LookAsync(authority, place, cancellationToken);
            }
        }
    }

    /// <summary>What the CRL at a place says of a certificate.</summary>
    /// <returns>Null: nothing that can be relied on. A line says why.</returns>
    public async Task<CrlStatus?> FindStatusAsync(Authority authority, CrlPlace place, TbsCertificate certificate, CancellationToken cancellationToken)
    {
        if (await LookAsync(authority, place, cancellationToken) is not { } crl)
        {
            return null;
        }

        bool isAuthority = certificate.Extensions?.Find<BasicConstraints>() is { IsCa: true };
        string? fault = crl.Kind == CrlKind.Authorities && !isAuthority ? "it speaks of CA certificates only, and a user's certificate names it"
            : crl.Scope is { OnlyContainsUserCerts: true } && isAuthority ? "it does not speak of CA certificates, and one names it"
            : null;
        if (fault is not null)
        {
            report.Fault(Kind, place.Url, fault, "put the CRL there that was made for this place");
            return null;
        }

        return StatusOf(crl, certificate.SerialNumber);
    }

    public void Dispose()
    {
        foreach (Downloaded answer in _answers)
        {
            answer.Dispose();
        }
    }

    /// <summary>Each place once.</summary>
    /// <returns>Null: it vouches for nothing: it is not there, or a line about it is bad.</returns>
    private async Task<CrlFile?> LookAsync(Authority authority, CrlPlace place, CancellationToken cancellationToken)
    {
        (Name, string, string, string) key = (authority.Certificate.Tbs.Subject, authority.KeyIdentifier, place.Url, Convert.ToHexString(Der.Encode(place.Point)));
        if (!_looked.TryGetValue(key, out CrlFile? crl))
        {
            int bad = report.Count(Health.Bad);
            await report.LookAsync(Kind, place.Url, async () => crl = await ExamineAsync(authority, place, cancellationToken));
            crl = report.Count(Health.Bad) == bad ? crl : null;
            _looked[key] = crl;
        }

        return crl;
    }

    /// <returns>Null: there is none, or it is not this CA's.</returns>
    private async Task<CrlFile?> ExamineAsync(Authority authority, CrlPlace place, CancellationToken cancellationToken)
    {
        int before = report.Lines.Count;
        void fault(string found, string advice) => report.Fault(Kind, place.Url, found, advice);

        // Step 1: it is there, and it is one.
        if (installation.Reach(place.Url) is not { } url)
        {
            report.Warn(Kind, place.Url, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            return null;
        }

        if (await FetchAsync(url, place, cancellationToken) is not { } answer)
        {
            return null;
        }

        _answers.Add(answer);
        if (Read(answer, place) is not { } crl)
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

        // Step 3: it speaks of the certificates that name this place, and is not older than one that was seen before here. Another place's number says nothing of this one's.
        if (FaultOfScope(crl, place) is { } scope)
        {
            fault(scope, "put the CRL there that was made for this place");
        }
        else
        {
            CheckNumber(crl, answer, place);
        }

        // Step 4: times, rules, and what clients and caches make of the answer.
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

        HeadChecks.CheckType(HeadChecks.TypeOf(answer), HeadChecks.CrlType, Kind, place.Url, report);
        HeadChecks.CheckCaching(answer, crl, place.Url, report, time.GetUtcNow());
        if (report.Lines.Count == before)
        {
            report.Ok(Kind, place.Url, $"number {crl.Number} of {authority.Id}, {crl.Length} bytes, still good for {PlainText.Of(crl.NextUpdate!.Value.Value - time.GetUtcNow())}");
        }

        return crl;
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

    private static string? FaultOfScope(CrlFile crl, CrlPlace place)
    {
        DistributionPointName? named = crl.Scope?.DistributionPoint;
        return crl.BaseNumber is not null ? "it is a delta, and certificates name a full CRL here"
            : named is not null && !named.DerEquals(place.Point) ? $"it is for another place: {string.Join(" ", ShownCrl.NamesOf(named))}"
            : named is null && place.IsPartition ? "it names no distribution point, and this is a partition's place"
            : place.IsComplete && crl.Kind == CrlKind.Authorities ? "it speaks of CA certificates only (an ARL), and this CA issues others"
            : place.IsComplete && crl.Kind != CrlKind.Complete ? "it is a part of the CA's CRLs, and this is the place of the complete one"
            : place.IsPartition && crl.Kind == CrlKind.Authorities ? "it speaks of CA certificates only, and this is a partition's place"
            : named is null && crl.Kind == CrlKind.Partition ? "it is a part of the CA's CRLs and names no distribution point"
            : crl.Scope is { OnlySomeReasons: not ReasonFlags.None } ? "it speaks of some reasons only"
            : null;
    }

    /// <summary>Numbers rise, and a number has one CRL.</summary>
    private void CheckNumber(CrlFile crl, Downloaded answer, CrlPlace place)
    {
        const string Advice = "look for a restored backup of the database or of the published files before anything else is issued";
        void fault(string found, string advice) => report.Fault(Kind, place.Url, found, advice);
        SeenCrl? seen = state.FindCrl(place.Url);
        if (crl.Number is not { } number)
        {
            fault("it has no number", "find out what made it: ours have one");
            return;
        }

        BigInteger? floor = seen is not null && (place.Number is null || seen.Number > place.Number) ? seen.Number : place.Number;
        var found = new SeenCrl(number, crl.ThisUpdate.Value, HashOf(answer.Content));
        if (number < floor)
        {
            fault($"number {number}, but {floor} was there before: it went back", Advice);
        }
        else if (number == seen?.Number && found != seen)
        {
            fault($"another CRL with number {number} was there before, of {PlainText.Of(seen.ThisUpdate)} (this one is of {PlainText.Of(found.ThisUpdate)})", "find out how two CRLs came to one number: two databases, two CAs with one key, or a restored backup");
        }
        else if (found.ThisUpdate < seen?.ThisUpdate)
        {
            fault($"number {number} is of {PlainText.Of(found.ThisUpdate)}, and the one before of {PlainText.Of(seen.ThisUpdate)}: its thisUpdate went back", Advice);
        }
        else
        {
            state.Keep(place.Url, found);
        }
    }

    private static string HashOf(Stream content)
    {
        using var sm3 = new Sm3();
        byte[] buffer = new byte[1 << 16];
        content.Position = 0;
        while (content.Read(buffer) is var count and > 0)
        {
            sm3.Append(buffer.AsSpan(0, count));
        }

        byte[] hash = new byte[Sm3.HashSizeInBytes];
        sm3.GetHashAndReset(hash);
        return Convert.ToHexStringLower(hash);
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

    private static CrlStatus StatusOf(CrlFile crl, SerialNumber serialNumber)
    {
        foreach (CrlEntryView entry in crl.ReadEntries())
        {
            if (entry.Fault is null && entry.SerialNumber.SequenceEqual(serialNumber.Content))
            {
                string since = entry.RevokedAt is { } date ? PlainText.Of((DateTimeOffset)date) : "a date that cannot be read";
                bool isHold = entry.Reason == RevocationReason.CertificateHold;
                return new CrlStatus(true, isHold ? $"suspended (certificateHold) since {since}" : $"revoked on {since}, reason {CrlText.Word(entry.Reason)}", crl.ThisUpdate.Value, isHold);
            }
        }

        return new CrlStatus(false, $"not revoked, says CRL number {crl.Number} of {PlainText.Of(crl.ThisUpdate.Value)}", crl.ThisUpdate.Value);
    }
}
