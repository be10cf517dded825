using System.Net.Http.Headers;
using System.Security.Cryptography;
using ZwCa.Admin.Crls;
using ZwCa.Admin.Doctor;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Issuance;

namespace ZwCa.Admin.Ocsp;

/// <summary>What a responder answered, judged as a relying party judges it (RFC 6960 §3.2).</summary>
/// <param name="Status">Not successful: an unsigned word, and the rest is null.</param>
internal sealed record OcspVerdict(ResponseStatus Status)
{
    public BasicOcspResponse? Basic { get; init; }

    /// <summary>About the certificate; null: the answer does not speak of it.</summary>
    public SingleResponse? Single { get; init; }

    /// <summary>Whose signature holds: the CA's certificate, or the responder's.</summary>
    public Certificate? Signer { get; init; }

    /// <summary>Why nobody relies on it, in English; null: it may be relied on.</summary>
    public string? Fault { get; init; }

    /// <summary>Null: none was asked for, or none came back.</summary>
    public Nonce? Nonce { get; init; }
}

/// <summary>Whether a certificate is good, asked of an OCSP responder (RFC 6960 §4.1).</summary>
internal sealed class OcspQuestion(Certificate issuer, SerialNumber serialNumber, CertIdHash hash, Nonce? nonce)
{
    /// <summary>Bytes. An OCSP response with the responder's certificate takes a few thousand.</summary>
    public const int MaxLength = 64 << 10;

    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private readonly CertId _asked = CertIds.Of(issuer, serialNumber, hash);

    /// <summary>By POST.</summary>
    public HttpRequestMessage ToMessage(Uri url)
    {
        Extensions? extensions = nonce is null ? null : new Extensions(Extension.Create(nonce, critical: false));
        var message = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new ByteArrayContent(Der.Encode(new OcspRequest(new TbsRequest([new Request(_asked)], requestExtensions: extensions)))),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        return message;
    }

    /// <param name="answer">Of status 200.</param>
    /// <exception cref="DerException">It is no OCSP response.</exception>
    public OcspVerdict Judge(Downloaded answer, DateTimeOffset now)
    {
        byte[] bytes = new byte[answer.Content.Length];
        answer.Content.ReadExactly(bytes);
        OcspResponse response = Der.Decode<OcspResponse>(bytes);
        if (response.ResponseStatus != ResponseStatus.Successful)
        {
            return new OcspVerdict(response.ResponseStatus) { Fault = $"the OCSP responder answers {response.ResponseStatus}" };
        }

        BasicOcspResponse basic = response.DecodeBasic();
        SingleResponse? single = basic.Tbs.Responses.FirstOrDefault(each => each.CertId == _asked);
        (Certificate? signer, string? fault) = FindSigner(basic, now);
        Nonce? echoed = basic.Tbs.ResponseExtensions?.Find<Nonce>();
        return new OcspVerdict(response.ResponseStatus)
        {
            Basic = basic,
            Single = single,
            Signer = signer,
            Nonce = echoed,
            Fault = fault ?? FaultOfTimes(basic.Tbs, single, now) ?? (nonce is not null && echoed is not null && echoed != nonce ? "the answer has another nonce than the question" : null),
        };
    }

    /// <returns>The CA itself, or a responder with a certificate of it, signed these bytes; else the fault.</returns>
    private (Certificate? Signer, string? Fault) FindSigner(BasicOcspResponse response, DateTimeOffset now)
    {
        Certificate[] named = [.. (response.Certificates ?? []).Prepend(issuer).Where(each => IsNamed(response.Tbs.ResponderId, each))];
        if (named.Length == 0)
        {
            return (null, "the answer has no certificate of the responder that it names");
        }

        if (named.FirstOrDefault(each => SignatureCheck.Holds(each.Tbs.SubjectPublicKeyInfo, response.SignatureAlgorithm, response.TbsBytes, response.Signature)) is not { } signer)
        {
            return (null, "the signature of the answer does not hold");
        }

        TbsCertificate tbs = signer.Tbs;
        string? fault = tbs.SubjectPublicKeyInfo == issuer.Tbs.SubjectPublicKeyInfo && tbs.Subject == issuer.Tbs.Subject ? null
            : !Installation.IsSignedBy(signer, issuer) ? "the answer is signed by a responder whose certificate is not of the CA"
            : tbs.Extensions?.Find<ExtendedKeyUsage>()?.Purposes.Contains(Oids.OcspSigning) != true ? "the answer is signed with a certificate that is not for OCSP"
            : tbs.Validity.NotBefore.Value > now || tbs.Validity.NotAfter.Value < now ? "the responder's certificate has expired, or is not yet valid"
            : null;
        return (signer, fault);
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
