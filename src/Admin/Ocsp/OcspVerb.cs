using System.CommandLine;
using System.Security.Cryptography;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Lint;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ocsp;

/// <summary>
/// <c>zwca ocsp</c>: asks an OCSP responder about a certificate, verifies the answer, SM2 too, and tells a person what it says (docs/OPERATIONS.md). Exit code 0: good; 1: revoked, or the
/// responder does not know it; 2: no answer that could be relied on.
/// </summary>
internal static class OcspVerb
{
    private const int NotGood = 1;
    private const int NoAnswer = 2;
    private const int NonceOctets = 32;

    private static readonly DownloadLimits Limits = new(OcspQuestion.MaxLength, TimeSpan.FromSeconds(10)) { Total = TimeSpan.FromSeconds(30) };

    /// <param name="time">Null: the system's clock.</param>
    public static Command Ocsp(TimeProvider? time = null)
    {
        TimeProvider clock = time ?? TimeProvider.System;
        var certificate = new Argument<string>("certificate") { Description = "File with the certificate; DER or PEM." };
        var issuer = new Option<string>("--issuer") { Description = "File with the certificate of the CA that issued it.", Required = true };
        var url = new Option<string?>("--url") { Description = "Of the responder; else the one that the certificate names." };
        var hash = new Option<CertIdHash>("--hash") { Description = "Names the issuer in the question.", DefaultValueFactory = _ => CertIdHash.Sha1 };
        var nonce = new Option<bool>("--nonce") { Description = "Asks for an answer that is signed just now (RFC 9654)." };
        var command = new Command("ocsp", "Asks an OCSP responder whether a certificate is good, verifies what it answers, and explains it.") { certificate, issuer, url, hash, nonce };
        command.Validators.Add(result =>
        {
            if (result.GetValue(url) is { } text && FindUrl(text) is null)
            {
                result.AddError("--url is an http or https address.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output;
            string file = parsed.GetRequiredValue(certificate);
            try
            {
                Certificate ca = Read(parsed.GetRequiredValue(issuer));
                Certificate asked = Read(file);
                if (!Doctor.Installation.IsSignedBy(asked, ca))
                {
                    throw new DerException("The certificate was not issued by the CA of --issuer: its signature does not hold with that key.");
                }

                Uri place = FindUrl(parsed.GetValue(url) ?? FindPlace(asked))
                    ?? throw new DerException("The certificate names no OCSP service that is reached by http: name one with --url.");
                var question = new OcspQuestion(ca, asked.Tbs.SerialNumber, parsed.GetValue(hash), parsed.GetValue(nonce) ? new Nonce(RandomNumberGenerator.GetBytes(NonceOctets)) : null);
                using var downloader = new Downloader(clock);
                using HttpRequestMessage message = question.ToMessage(place);
                using Downloaded answer = Downloader.RequireFound(await downloader.SendAsync(message, Limits, cancellationToken));
                OcspVerdict verdict = question.Judge(answer, clock.GetUtcNow());
                OcspText.Write(output, place, asked.Tbs.SerialNumber, verdict, parsed.GetValue(nonce), answer.Answered - answer.Sent, clock.GetUtcNow(), clock.LocalTimeZone);
                return verdict.Fault is not null ? NoAnswer : verdict.Single!.CertStatus is Good ? 0 : NotGood;
            }
            catch (Exception e) when (e is DownloadException or DerException or IOException or UnauthorizedAccessException)
            {
                parsed.InvocationConfiguration.Error.WriteLine($"{PlainText.Of(file)}: {PlainText.Of(e.Message)}");
                return NoAnswer;
            }
        });
        return command;
    }

    private static Certificate Read(string file) => Der.Decode<Certificate>(LintFile.ReadCertificate(file).Bytes);

    private static string FindPlace(Certificate certificate) => (certificate.Tbs.Extensions?.Find<AuthorityInfoAccess>()?.Descriptions ?? [])
        .Where(each => each.AccessMethod == Oids.OcspAccess).Select(each => each.AccessLocation).OfType<UniformResourceIdentifier>().Select(each => each.Uri).FirstOrDefault() ?? "";

    private static Uri? FindUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) ? url : null;
}
