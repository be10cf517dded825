using System.Net.Http.Headers;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>A certificate that somebody holds: does all that it points to answer, and what is its status?</summary>
internal sealed class CertificateChecks(
    Installation installation, Web web, AuthorityChecks authorities, CrlChecks crls, DoctorReport report, TimeProvider time)
{
    private const string Kind = "certificate";

    /// <summary>Bytes. An OCSP response with the responder's certificate takes a few thousand.</summary>
    private const int MaxOcspLength = 64 << 10;

    /// <param name="name">For the lines.</param>
    public async Task RunAsync(string name, Certificate certificate, CancellationToken cancellationToken)
    {
        // Step 1: one of our CAs signed it.
        TbsCertificate tbs = certificate.Tbs;
        Authority? issuer = installation.Authorities.FirstOrDefault(authority => !authority.IsCross && IsSignedBy(certificate, authority.Certificate));
        if (issuer is null)
        {
            report.Fault(Kind, name, $"no CA of the ceremony signed it; it says that {tbs.Issuer} did", "compare it with the CA's records: it is another installation's, or a forgery");
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
            report.Warn(Kind, name, "it does not say where the CA's certificate is (AIA)", "see its profile: clients without the CA's certificate cannot build the path");
        }

        foreach (string place in Places(access, Oids.OcspAccess))
        {
            await CheckOcspAsync(place, issuer.Certificate, tbs.SerialNumber, cancellationToken);
        }

        // Step 3: its CRL, and what that says of it.
        string? status = null;
        IReadOnlyList<DistributionPoint> points = tbs.Extensions?.Find<CrlDistributionPoints>()?.Points ?? [];
        foreach (DistributionPoint point in points)
        {
            foreach (UniformResourceIdentifier uri in (point.Name as FullName)?.Names.OfType<UniformResourceIdentifier>() ?? [])
            {
                CrlPlace place = issuer.Places.FirstOrDefault(each => each.Url == uri.Uri && each.Point.DerEquals(point.Name!)) ?? new CrlPlace(uri.Uri, point.Name!, false, null);
                status = await crls.CheckAsync(issuer, place, tbs, cancellationToken) ?? status;
            }
        }

        if (points.Count == 0)
        {
            report.Warn(Kind, name, "it names no CRL", "see its profile: only an OCSP responder can say that it was revoked");
        }

        // Step 4: in words.
        DateTimeOffset now = time.GetUtcNow();
        string dates = tbs.Validity.NotAfter.Value < now ? $"expired on {PlainText.Of(tbs.Validity.NotAfter.Value)}"
            : tbs.Validity.NotBefore.Value > now ? $"not valid before {PlainText.Of(tbs.Validity.NotBefore.Value)}"
            : $"valid until {PlainText.Of(tbs.Validity.NotAfter.Value)}";
        string words = $"serial number {tbs.SerialNumber} of {issuer.Id}, {dates}, ";
        if (status is not null)
        {
            report.Ok(Kind, name, words + status);
        }
        else
        {
            report.Fault(Kind, name, words + "of unknown status: no CRL that it names can be relied on", "see the lines of its CRL");
        }
    }

    private static bool IsSignedBy(Certificate certificate, Certificate issuer) =>
        certificate.Tbs.Issuer == issuer.Tbs.Subject && certificate.AlgorithmsAgree
        && SignatureCheck.Holds(issuer.Tbs.SubjectPublicKeyInfo, certificate.SignatureAlgorithm, certificate.TbsBytes, certificate.Signature);

    private static IEnumerable<string> Places(AuthorityInfoAccess? access, string method) =>
        (access?.Descriptions ?? []).Where(each => each.AccessMethod == method).Select(each => each.AccessLocation).OfType<UniformResourceIdentifier>().Select(each => each.Uri);

    /// <summary>Whether there is a responder that knows of the certificate. What it says, its clients judge.</summary>
    private async Task CheckOcspAsync(string place, Certificate issuer, SerialNumber serialNumber, CancellationToken cancellationToken)
    {
        const string Check = "ocsp";
        const string Advice = "see whether the responder runs; relying parties fall back on the CRL";
        if (installation.Reach(place) is not { } url)
        {
            report.Warn(Check, place, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            return;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, url);
        request.Content = new ByteArrayContent(Der.Encode(new OcspRequest(new TbsRequest([new Request(CertIds.Of(issuer, serialNumber, CertIdHash.Sha1))]))));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        try
        {
            using Downloaded answer = Downloader.RequireFound(await web.SendAsync(request, MaxOcspLength, cancellationToken));
            byte[] bytes = new byte[answer.Content.Length];
            answer.Content.ReadExactly(bytes);
            OcspResponse response = Der.Decode<OcspResponse>(bytes);
            if (response.ResponseStatus == ResponseStatus.Successful)
            {
                report.Ok(Check, place, "the OCSP responder answers");
            }
            else
            {
                report.Warn(Check, place, $"the OCSP responder answers {response.ResponseStatus}", Advice);
            }
        }
        catch (Exception e) when (e is DownloadException or DerException)
        {
            report.Warn(Check, place, $"no OCSP responder answers: {e.Message.TrimEnd('.')}", Advice);
        }
    }
}
