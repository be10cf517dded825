using ZwCa.Admin.Crls;
using ZwCa.Admin.Ocsp;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>Responders that certificates name: they answer, and the answer is one that a relying party can rely on (RFC 6960 §3.2).</summary>
internal sealed class OcspChecks(Installation installation, Web web, DoctorReport report, TimeProvider time)
{
    private const string Kind = "ocsp";

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

        var question = new OcspQuestion(issuer, serialNumber, CertIdHash.Sha1, nonce: null);
        OcspVerdict verdict;
        try
        {
            using HttpRequestMessage request = question.ToMessage(url);
            using Downloaded answer = Downloader.RequireFound(await web.SendAsync(request, OcspQuestion.MaxLength, cancellationToken));
            verdict = question.Judge(answer, time.GetUtcNow());
        }
        catch (Exception e) when (e is DownloadException or DerException)
        {
            report.Warn(Kind, place, $"no OCSP responder answers: {e.Message.TrimEnd('.')}", Advice);
            return null;
        }

        if (verdict.Status != ResponseStatus.Successful)
        {
            report.Warn(Kind, place, verdict.Fault!, Advice);
            return null;
        }

        if (verdict.Fault is { } fault)
        {
            report.Fault(Kind, place, fault, "relying parties refuse it: find out who answers there, and with which key and clock");
            return null;
        }

        SingleResponse single = verdict.Single!;
        string until = single.NextUpdate is { } next ? $", good until {PlainText.Of(next.Value)}" : "";
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
}
