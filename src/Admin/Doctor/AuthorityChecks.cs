using ZwCa.Admin.Ceremony;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>CA certificates: the dates, each link of the chains, and that what is published is what the ceremony made.</summary>
internal sealed class AuthorityChecks(Installation installation, Web web, DoctorReport report, TimeProvider time)
{
    /// <summary>A new CA takes a ceremony, and then the time until everybody knows it.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(180);

    /// <summary>Places that were looked at: certificates lead to them again.</summary>
    private readonly HashSet<(string Place, string KeyIdentifier)> _looked = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (Authority authority in installation.Authorities)
        {
            await report.LookAsync("ca", authority.Id, () =>
            {
                CheckCertificate(authority);
                return Task.CompletedTask;
            });
        }

        // One address for each key: cross-certificates are of keys whose own certificates stand there.
        foreach (IGrouping<string, Authority> sameKey in installation.Authorities.GroupBy(authority => authority.KeyIdentifier))
        {
            Authority[] owns = [.. sameKey.Where(authority => !authority.IsCross)];
            foreach (string place in owns.Length == 0 ? [] : installation.CertificatePlaces(owns[0]))
            {
                await CheckPublishedAsync(place, owns, cancellationToken);
            }
        }
    }

    /// <summary>What stands at a place where certificates say that their issuer's certificate is.</summary>
    /// <param name="expected">One of them; all of one key.</param>
    public Task CheckPublishedAsync(string place, IReadOnlyList<Authority> expected, CancellationToken cancellationToken) =>
        _looked.Add((place, expected[0].KeyIdentifier)) ? report.LookAsync("aia", place, () => ExamineAsync(place, expected, cancellationToken)) : Task.CompletedTask;

    private async Task ExamineAsync(string place, IReadOnlyList<Authority> expected, CancellationToken cancellationToken)
    {
        const string Advice = "publish the DER of the certificate that the ceremony made";
        if (installation.Reach(place) is not { } url)
        {
            report.Warn("aia", place, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            return;
        }

        byte[] found;
        string? type;
        try
        {
            using Downloaded answer = await web.GetAsync(url, Lint.LintFile.MaxCertificateLength, cancellationToken);
            found = new byte[answer.Content.Length];
            answer.Content.ReadExactly(found);
            type = HeadChecks.TypeOf(answer);
        }
        catch (DownloadException e)
        {
            report.Fault("aia", place, $"the CA's certificate is not there: {e.Message}", Advice);
            return;
        }

        if (expected.FirstOrDefault(authority => Der.Encode(authority.Certificate).AsSpan().SequenceEqual(found)) is { } authority)
        {
            if (HeadChecks.CheckType(type, HeadChecks.CertificateType, "aia", place, report))
            {
                report.Ok("aia", place, $"the certificate of {authority.Id}, byte for byte");
            }
        }
        else
        {
            Authority? other = installation.Authorities.FirstOrDefault(each => Der.Encode(each.Certificate).AsSpan().SequenceEqual(found));
            report.Fault(
                "aia", place, $"not the certificate of {string.Join(" or ", expected.Select(each => each.Id))}, but {(other is null ? "something else" : $"that of {other.Id}")}", Advice);
        }
    }

    private void CheckCertificate(Authority authority)
    {
        Validity validity = authority.Certificate.Tbs.Validity;
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan left = validity.NotAfter.Value - now;
        int before = report.Lines.Count;
        if (!authority.IsOfInventory)
        {
            report.Fault("ca", authority.Id, $"the file is not the certificate of {Inventory.FileName}", "run zwca ceremony verify, and find out who changed the folder");
        }

        if (validity.NotBefore.Value > now)
        {
            report.Fault("ca", authority.Id, $"not valid before {PlainText.Of(validity.NotBefore.Value)}", "set the clock right");
        }

        if (left <= TimeSpan.Zero)
        {
            report.Fault("ca", authority.Id, $"expired on {PlainText.Of(validity.NotAfter.Value)}", "nothing below it is valid any more: a ceremony makes its successor");
        }
        else if (left < Notice)
        {
            report.Warn("ca", authority.Id, $"expires on {PlainText.Of(validity.NotAfter.Value)}, in {PlainText.Of(left)}", "plan the ceremony that makes its successor");
        }

        if (FaultOfLink(authority) is { } fault)
        {
            report.Fault("ca", authority.Id, fault, "run zwca ceremony verify: the folder is not what a ceremony made");
        }

        if (report.Lines.Count == before)
        {
            report.Ok("ca", authority.Id, $"signed by {(authority.Issuer == authority.Id ? "itself" : authority.Issuer)}, valid until {PlainText.Of(validity.NotAfter.Value)}");
        }
    }

    /// <returns>Null: the issuer's name, key and signature are right.</returns>
    private string? FaultOfLink(Authority authority)
    {
        if (installation.Authorities.FirstOrDefault(each => each.Id == authority.Issuer)?.Certificate is not { } issuer)
        {
            return $"its issuer {authority.Issuer} is not among the CA certificates";
        }

        Certificate certificate = authority.Certificate;
        return certificate.Tbs.Issuer != issuer.Tbs.Subject ? $"it names another issuer than {authority.Issuer}"
            : !SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature) || !certificate.AlgorithmsAgree
                ? $"the signature of {authority.Issuer} does not hold"
            : authority.Issuer != authority.Id && certificate.Tbs.Validity.NotAfter > issuer.Tbs.Validity.NotAfter ? $"it is valid longer than {authority.Issuer}"
            : null;
    }
}
