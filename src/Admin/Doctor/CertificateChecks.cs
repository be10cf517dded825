using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;

namespace ZwCa.Admin.Doctor;

/// <summary>A certificate that somebody holds, or a CA's: does all that it points to answer, and what is its status?</summary>
internal sealed class CertificateChecks(
    Installation installation, AuthorityChecks authorities, CrlChecks crls, OcspChecks ocsp, DoctorReport report, TimeProvider time)
{
    /// <summary>Of a certificate of the ceremony: nothing works under it once it is revoked.</summary>
    private const string OfAuthority = "status";

    /// <summary>Of what somebody holds: that one of them is revoked is no fault of the installation.</summary>
    private const string Held = "certificate";

    /// <summary>Between reading what is revoked and dating the CRL.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <summary>Each CA certificate that another CA vouches for. A root has nobody who could revoke it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (Authority authority in installation.Authorities.Where(each => each.Issuer != each.Id))
        {
            await report.LookAsync(OfAuthority, authority.Id, () => ExamineAsync(OfAuthority, authority.Id, authority.Certificate, cancellationToken));
        }
    }

    /// <param name="name">For the lines.</param>
    public Task RunAsync(string name, Certificate certificate, CancellationToken cancellationToken) =>
        report.LookAsync(Held, name, () => ExamineAsync(Held, name, certificate, cancellationToken));

    private async Task ExamineAsync(string kind, string name, Certificate certificate, CancellationToken cancellationToken)
    {
        // Step 1: one of our CAs signed it.
        TbsCertificate tbs = certificate.Tbs;
        Authority? issuer = installation.Authorities.FirstOrDefault(authority => !authority.IsCross && Installation.IsSignedBy(certificate, authority.Certificate));
        if (issuer is null)
        {
            report.Fault(kind, name, $"no CA of the ceremony signed it; it says that {tbs.Issuer} did", "compare it with the CA's records: it is another installation's, or a forgery");
            return;
        }

        // Step 2: the issuer's certificate and the responder that it points to.
        AuthorityInfoAccess? access = tbs.Extensions?.Find<AuthorityInfoAccess>();
        Authority[] sameKey = [.. installation.Authorities.Where(authority => !authority.IsCross && authority.KeyIdentifier == issuer.KeyIdentifier)];
        string[] caIssuers = [.. Places(access, Oids.CaIssuersAccess)];
        foreach (string place in caIssuers)
        {
            await authorities.CheckPublishedAsync(place, sameKey, cancellationToken);
        }

        if (caIssuers.Length == 0)
        {
            report.Warn(kind, name, "it does not say where the CA's certificate is (AIA)", "see its profile: clients without the CA's certificate cannot build the path");
        }

        IReadOnlyList<SingleResponse> answers = await ocsp.AskAsync([.. Places(access, Oids.OcspAccess)], issuer.Certificate, tbs.SerialNumber, cancellationToken);

        // Step 3: its CRLs, and what they say of it. One that has it outweighs all that have not.
        CrlStatus? status = null;
        IReadOnlyList<DistributionPoint> points = tbs.Extensions?.Find<CrlDistributionPoints>()?.Points ?? [];
        foreach (DistributionPoint point in points)
        {
            foreach (UniformResourceIdentifier uri in (point.Name as FullName)?.Names.OfType<UniformResourceIdentifier>() ?? [])
            {
                CrlPlace place = issuer.Places.FirstOrDefault(each => each.Url == uri.Uri && each.Point.DerEquals(point.Name!)) ?? new CrlPlace(uri.Uri, point.Name!, false, false, null);
                CrlStatus? said = await crls.FindStatusAsync(issuer, place, tbs, cancellationToken);
                status = said is null || status is { IsRevoked: true } ? status : said;
            }
        }

        if (points.Count == 0)
        {
            report.Warn(kind, name, "it names no CRL", "see its profile: only an OCSP responder can say that it was revoked");
        }

        // Step 4: in words. A responder hears of a change at once, and a CRL when the next one is made.
        DateTimeOffset now = time.GetUtcNow();
        string dates = tbs.Validity.NotAfter.Value < now ? $"expired on {PlainText.Of(tbs.Validity.NotAfter.Value)}"
            : tbs.Validity.NotBefore.Value > now ? $"not valid before {PlainText.Of(tbs.Validity.NotBefore.Value)}"
            : $"valid until {PlainText.Of(tbs.Validity.NotAfter.Value)}";
        string words = $"serial number {tbs.SerialNumber} of {issuer.Id}, {dates}, ";
        if (status is null)
        {
            report.Fault(kind, name, words + "of unknown status: no CRL that it names can be relied on", "see the lines of its CRL");
        }
        else if (status.IsRevoked && answers.Any(answer => answer.CertStatus is Good && !(status.IsHold && answer.ThisUpdate.Value > status.AsOf)))
        {
            report.Fault(kind, name, $"{words}{status.Words}, and OCSP says that it is good", "see where the responder has its knowledge from: it deceives who asks it");
        }
        else if (!status.IsRevoked && RevokedSince(answers, status.AsOf) is { } since)
        {
            if (since < status.AsOf - Skew)
            {
                report.Fault(kind, name, $"{words}{status.Words}, and OCSP says that it is revoked since {PlainText.Of(since)}, before that", "see why the CRL has it not: it deceives who relies on it");
            }
            else
            {
                report.Ok(kind, name, $"{words}revoked since {PlainText.Of(since)}, says OCSP; the next CRL has it");
            }
        }
        else if (status.IsRevoked && kind == OfAuthority)
        {
            report.Fault(kind, name, words + status.Words, "nothing that it issued is valid any more: take the CA out of service, a ceremony makes its successor");
        }
        else
        {
            report.Ok(kind, name, words + status.Words);
        }
    }

    /// <param name="asOf">A hold may be over since then.</param>
    /// <returns>The earliest of what they say; null: none says that it is revoked.</returns>
    private static DateTimeOffset? RevokedSince(IEnumerable<SingleResponse> answers, DateTimeOffset asOf) => answers
        .Where(answer => answer.CertStatus is Revoked { Info: var info } && (info.RevocationReason != RevocationReason.CertificateHold || answer.ThisUpdate.Value >= asOf))
        .Select(answer => (DateTimeOffset?)((Revoked)answer.CertStatus).Info.RevocationTime.Value).Min();

    private static IEnumerable<string> Places(AuthorityInfoAccess? access, string method) =>
        (access?.Descriptions ?? []).Where(each => each.AccessMethod == method).Select(each => each.AccessLocation).OfType<UniformResourceIdentifier>().Select(each => each.Uri);
}
