using System.Security.Cryptography;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Ocsp;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Doctor;

/// <summary>OCSP responders: they answer, and the answer is one that a relying party can rely on (RFC 6960 §3.2), young, and not *good* for what nobody has issued.</summary>
/// <param name="responders">Nodes that are asked, instead of the addresses that certificates name. Empty: those addresses.</param>
internal sealed class OcspChecks(Installation installation, IReadOnlyList<Uri> responders, Web web, DoctorReport report, TimeProvider time)
{
    private const string Kind = "ocsp";
    private const string Advice = "see whether the responder runs; relying parties fall back on the CRL";
    private const string AdviceToSign = "see feed and answers of its /health/ready, and whether it has a key for this CA (Ocsp:Live); what is signed ahead it gives out without one";

    /// <summary>Of what was signed ahead a successor comes before half of its time has passed.</summary>
    private const double Amber = 0.5;
    private const double Red = 0.8;

    private const int NonceLength = 32;

    /// <summary>Each responder, about a serial number that no CA of subscribers has issued.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (Uri responder in responders)
        {
            foreach (Authority authority in installation.Authorities.Where(each => each.IsForSubscribers))
            {
                await report.LookAsync(Kind, $"{responder} {authority.Id}", () => AskAboutNobodyAsync(responder, authority, cancellationToken));
            }
        }

        if (responders.Count == 0 && installation.HasOcsp)
        {
            report.Warn(Kind, "responders", "no OCSP responder was looked at but those that certificates name", "name each node with --ocsp");
        }
    }

    /// <param name="places">As the certificate names them; none: it is not asked about.</param>
    /// <param name="issuer">Of the certificate.</param>
    /// <returns>What can be relied on of what was said of the certificate. Lines say the rest.</returns>
    public async Task<IReadOnlyList<SingleResponse>> AskAsync(IReadOnlyList<string> places, Certificate issuer, SerialNumber serialNumber, CancellationToken cancellationToken)
    {
        var answers = new List<SingleResponse>();
        foreach ((string place, Uri? url) in places.Count > 0 && responders.Count > 0 ? responders.Select(each => (each.ToString(), (Uri?)each)) : places.Select(each => (each, installation.Reach(each))))
        {
            if (url is null)
            {
                report.Warn(Kind, place, "not an http(s) address, and was not looked at", "look at it with a client of its kind");
            }
            else if (await AskOneAsync(place, new OcspQuestion(issuer, serialNumber, CertIdHash.Sha1, nonce: null), url, Advice, cancellationToken) is { } verdict)
            {
                TellStatus(place, serialNumber, verdict.Single!);
                answers.Add(verdict.Single!);
            }
        }

        return answers;
    }

    /// <param name="advice">Where it answers, and not with a status.</param>
    /// <returns>Null: nothing that can be relied on; a line says why.</returns>
    private async Task<OcspVerdict?> AskOneAsync(string place, OcspQuestion question, Uri url, string advice, CancellationToken cancellationToken)
    {
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
            report.Warn(Kind, place, verdict.Fault!, advice);
            return null;
        }

        if (verdict.Fault is { } fault)
        {
            report.Fault(Kind, place, fault, "relying parties refuse it: find out who answers there, and with which key and clock");
            return null;
        }

        return verdict;
    }

    private void TellStatus(string place, SerialNumber serialNumber, SingleResponse single)
    {
        if (single.CertStatus is Unknown)
        {
            report.Warn(Kind, place, $"the OCSP responder does not know serial number {serialNumber}, which the CA has issued", "see whether the responder gets what the CA issues");
            return;
        }

        string said = $"says of serial number {serialNumber}: {(single.CertStatus is Good ? "good" : "revoked")}; the signature holds";
        if (single.NextUpdate is not { } next)
        {
            report.Ok(Kind, place, said);
            return;
        }

        const string NotRenewed = "see check ocsp of the CA's /health/ready, and feed of the responder's: responses are signed anew long before";
        DateTimeOffset now = time.GetUtcNow();
        double passed = (now - single.ThisUpdate.Value) / (next.Value - single.ThisUpdate.Value);
        string until = $"{said}, good until {PlainText.Of(next.Value)}";
        if (passed >= Red)
        {
            report.Fault(Kind, place, $"{until}, for {PlainText.Of(next.Value - now)} more, and has no successor", NotRenewed);
        }
        else if (passed >= Amber)
        {
            report.Warn(Kind, place, $"{until}, for {PlainText.Of(next.Value - now)} more, and has no successor yet", NotRenewed);
        }
        else
        {
            report.Ok(Kind, place, until);
        }
    }

    private async Task AskAboutNobodyAsync(Uri responder, Authority authority, CancellationToken cancellationToken)
    {
        // With a nonce: so it has to sign now, which it does only while it hears the CA.
        string subject = $"{responder} {authority.Id}";
        SerialNumber serialNumber = SerialNumbers.Create();
        var nonce = new Nonce(RandomNumberGenerator.GetBytes(NonceLength));
        if (await AskOneAsync(subject, new OcspQuestion(authority.Certificate, serialNumber, CertIdHash.Sha1, nonce), responder, AdviceToSign, cancellationToken) is not { } verdict)
        {
            return;
        }

        SingleResponse single = verdict.Single!;
        if (single.CertStatus is Good)
        {
            report.Fault(Kind, subject, $"says good of serial number {serialNumber}, which nobody has issued", "take it out of service: a forged certificate would be good too");
        }
        else if (verdict.Nonce is null)
        {
            report.Warn(Kind, subject, "the answer has no nonce: it may be an old one", "see what stands between here and the responder");
        }
        else
        {
            report.Ok(Kind, subject, $"signs by itself, as of {PlainText.Of(single.ThisUpdate.Value)}; what nobody has issued is {(single.CertStatus is Unknown ? "unknown" : "revoked")}");
        }
    }
}
