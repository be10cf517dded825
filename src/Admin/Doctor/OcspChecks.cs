using System.Net.Http.Headers;
using System.Security.Cryptography;
using ZwCa.Admin.Crls;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>Responders that certificates name: they answer, and the answer is one that a relying party can rely on (RFC 6960 §3.2).</summary>
internal sealed class OcspChecks(Installation installation, Web web, DoctorReport report, TimeProvider time)
{
    private const string Kind = "ocsp";

    /// <summary>Bytes. An OCSP response with the responder's certificate takes a few thousand.</summary>
    private const int MaxLength = 64 << 10;

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    /// <param name="issuer">Of the certificate.</param>
    /// <returns>What it says of the certificate; null: nothing that can be relied on. A line says why.</returns>
    public async Task<CertStatus?> AskAsync(string place, Certificate issuer, SerialNumber serialNumber, CancellationToken cancellationToken)
    {
        const string Advice = "see whether the responder runs; relying parties fall back on the CRL";
        if (installation.Reach(place) is not { } url)
        {
            report.Warn(Kind, place, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            return null;
        }

        CertId asked = CertIds.Of(issuer, serialNumber, CertIdHash.Sha1);
        using var request = new HttpRequestMessage(HttpMethod.Post, url);
        request.Content = new ByteArrayContent(Der.Encode(new OcspRequest(new TbsRequest([new Request(asked)]))));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        BasicOcspResponse basic;
        try
        {
            using Downloaded answer = Downloader.RequireFound(await web.SendAsync(request, MaxLength, cancellationToken));
            byte[] bytes = new byte[answer.Content.Length];
            answer.Content.ReadExactly(bytes);
            OcspResponse response = Der.Decode<OcspResponse>(bytes);
            if (response.ResponseStatus != ResponseStatus.Successful)
            {
                report.Warn(Kind, place, $"the OCSP responder answers {response.ResponseStatus}", Advice);
                return null;
            }

            basic = response.DecodeBasic();
        }
        catch (Exception e) when (e is DownloadException or DerException)
        {
            report.Warn(Kind, place, $"no OCSP responder answers: {e.Message.TrimEnd('.')}", Advice);
            return null;
        }

        SingleResponse? single = basic.Tbs.Responses.FirstOrDefault(each => each.CertId == asked);
        DateTimeOffset now = time.GetUtcNow();
        if ((FaultOfSigner(basic, issuer, now) ?? FaultOfTimes(basic.Tbs, single, now)) is { } fault)
        {
            report.Fault(Kind, place, fault, "relying parties refuse it: find out who answers there, and with which key and clock");
            return null;
        }

        string until = single!.NextUpdate is { } next ? $", good until {PlainText.Of(next.Value)}" : "";
        if (single.CertStatus is Unknown)
        {
            report.Warn(Kind, place, $"the OCSP responder does not know serial number {serialNumber}, which the CA has issued", "see whether the responder gets what the CA issues");
        }
        else
        {
            report.Ok(Kind, place, $"says of serial number {serialNumber}: {(single.CertStatus is Good ? "good" : "revoked")}; the signature holds{until}");
        }

        return single.CertStatus;
    }

    /// <returns>Null: the CA itself, or a responder with a certificate of it, signed these bytes.</returns>
    private static string? FaultOfSigner(BasicOcspResponse response, Certificate issuer, DateTimeOffset now)
    {
        Certificate[] named = [.. (response.Certificates ?? []).Prepend(issuer).Where(each => IsNamed(response.Tbs.ResponderId, each))];
        if (named.Length == 0)
        {
            return "the answer has no certificate of the responder that it names";
        }

        if (named.FirstOrDefault(each => SignatureCheck.Holds(each.Tbs.SubjectPublicKeyInfo, response.SignatureAlgorithm, response.TbsBytes, response.Signature)) is not { } signer)
        {
            return "the signature of the answer does not hold";
        }

        TbsCertificate tbs = signer.Tbs;
        return tbs.SubjectPublicKeyInfo == issuer.Tbs.SubjectPublicKeyInfo && tbs.Subject == issuer.Tbs.Subject ? null
            : !Installation.IsSignedBy(signer, issuer) ? "the answer is signed by a responder whose certificate is not of the CA"
            : tbs.Extensions?.Find<ExtendedKeyUsage>()?.Purposes.Contains(Oids.OcspSigning) != true ? "the answer is signed with a certificate that is not for OCSP"
            : tbs.Validity.NotBefore.Value > now || tbs.Validity.NotAfter.Value < now ? "the responder's certificate has expired, or is not yet valid"
            : null;
    }

    private static bool IsNamed(ResponderId id, Certificate certificate) => id switch
    {
        ResponderByName { Name: var name } => name == certificate.Tbs.Subject,
        ResponderByKey { KeyHash: var hash } => hash.Span.SequenceEqual(SHA1.HashData(certificate.Tbs.SubjectPublicKeyInfo.PublicKey.Span)),
        _ => false,
    };

    private static string? FaultOfTimes(ResponseData data, SingleResponse? single, DateTimeOffset now) =>
        single is null ? "the answer does not speak of the certificate that was asked about"
        : data.ProducedAt.Value > now + Skew || single.ThisUpdate.Value > now + Skew ? $"the answer is of {PlainText.Of(single.ThisUpdate.Value)}, made {PlainText.Of(data.ProducedAt.Value)}, which lies ahead"
        : single.NextUpdate is { } next && next.Value <= now ? $"the answer expired on {PlainText.Of(next.Value)}"
        : null;
}
