using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.Ocsp;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Ocsp;
using Org.BouncyCastle.X509;

namespace ZwCa.Tests.Stories.Ocsp;

/// <summary>What an agency was told about a certificate.</summary>
/// <param name="Word">good, revoked, unknown; or what the responder said instead: tryLater, unauthorized.</param>
internal sealed record Heard(string Word)
{
    public const string Good = "good";
    public const string Revoked = "revoked";
    public const string Unknown = "unknown";
    public const string TryLater = "tryLater";
    public const string Unauthorized = "unauthorized";

    /// <summary>CRLReason. Null: none was said.</summary>
    public int? Reason { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public DateTimeOffset ThisUpdate { get; init; }

    public DateTimeOffset NextUpdate { get; init; }

    /// <summary>Of whoever signed.</summary>
    public byte[] SignerSerial { get; init; } = [];

    /// <summary>The nonce of the question came back.</summary>
    public bool IsFresh { get; init; }
}

/// <summary>
/// An agency's system that checks certificates: requests and answers by BouncyCastle, which shares no code with CA and responder. It relies on nothing that it has not verified: an answer that says
/// something which a relying party has to refuse fails the test. Safe for concurrent use.
/// </summary>
/// <param name="responder">Where it asks.</param>
/// <param name="issuer">DER of the CA's certificate.</param>
internal sealed class Agency(Uri responder, byte[] issuer, TimeProvider time) : IDisposable
{
    public const string Sha1 = "1.3.14.3.2.26";
    public const string Sha256 = "2.16.840.1.101.3.4.2.1";
    public const string Sm3 = "1.2.156.10197.1.401";

    private const string OcspSigning = "1.3.6.1.5.5.7.3.9";

    /// <summary>The machine's clock is read on both sides of a second's end.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>CA/Browser Forum, Baseline Requirements §4.9.10; whoever relies on one is to hear of a revocation at last.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(10);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };
    private readonly X509Certificate _issuer = new X509CertificateParser().ReadCertificate(issuer);
    private readonly ConcurrentDictionary<string, bool> _responders = [];

    /// <param name="serial">Hexadecimal.</param>
    /// <param name="isFresh">Asks with a nonce, for an answer that is signed now.</param>
    /// <param name="hash">Of the CertID; object identifier.</param>
    /// <exception cref="HttpRequestException">The responder is away.</exception>
    public async Task<Heard> AskAsync(string serial, bool isFresh = false, string hash = Sha1)
    {
        var asked = new CertificateID(hash, _issuer, new BigInteger(serial, 16));
        byte[]? nonce = isFresh ? RandomNumberGenerator.GetBytes(16) : null;
        var generator = new OcspReqGenerator();
        generator.AddRequest(asked);
        if (nonce is not null)
        {
            var extensions = new X509ExtensionsGenerator();
            extensions.AddExtension(OcspObjectIdentifiers.PkixOcspNonce, false, new DerOctetString(nonce));
            generator.SetRequestExtensions(extensions.Generate());
        }

        using var content = new ByteArrayContent(generator.Generate().GetEncoded()) { Headers = { ContentType = new MediaTypeHeaderValue("application/ocsp-request") } };
        using HttpResponseMessage answer = await _http.PostAsync(responder, content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return Judge(new OcspResp(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)), asked, nonce);
    }

    public void Dispose() => _http.Dispose();

    private Heard Judge(OcspResp response, CertificateID asked, byte[]? nonce)
    {
        if (response.Status != OcspRespStatus.Successful)
        {
            return new Heard(response.Status switch
            {
                OcspRespStatus.TryLater => Heard.TryLater,
                OcspRespStatus.Unauthorized => Heard.Unauthorized,
                var other => $"error {other}",
            });
        }

        // Whoever signed was certified for that by the CA itself, and signed this.
        var basic = (BasicOcspResp)response.GetResponseObject();
        X509Certificate signer = Assert.Single(basic.GetCerts());
        Assert.True(_responders.GetOrAdd(Convert.ToHexString(signer.GetEncoded()), _ => IsResponder(signer)), "The answer is signed by somebody whom the CA has not certified for it.");
        Assert.True(basic.Verify(signer.GetPublicKey()), "The signature of the answer does not hold.");

        // About what was asked, echoed as it was asked, and in time.
        SingleResp single = Assert.Single(basic.Responses);
        Assert.True(asked.Equals(single.GetCertID()), "The answer is about another certificate.");
        DateTimeOffset thisUpdate = Utc(single.ThisUpdate), nextUpdate = Utc(single.NextUpdate.Value), now = time.GetUtcNow();
        Assert.True(signer.IsValid(now.UtcDateTime), $"The responder's certificate is not valid at {now:u}.");
        Assert.True(thisUpdate <= now + Tolerance && Utc(basic.ProducedAt) <= now + Tolerance, $"At {now:u} the answer is of {thisUpdate:u}.");
        Assert.True(nextUpdate >= now - Tolerance, $"At {now:u} the answer is over since {nextUpdate:u}.");
        Assert.True(nextUpdate - thisUpdate <= Longest, $"The answer holds from {thisUpdate:u} to {nextUpdate:u}.");

        byte[]? echoed = basic.GetExtensionValue(OcspObjectIdentifiers.PkixOcspNonce) is { } value ? Asn1OctetString.GetInstance(value.GetOctets()).GetOctets() : null;
        Assert.Equal(nonce, echoed);
        var heard = new Heard(Heard.Good) { ThisUpdate = thisUpdate, NextUpdate = nextUpdate, SignerSerial = signer.SerialNumber.ToByteArray(), IsFresh = nonce is not null };
        return single.GetCertStatus() switch
        {
            null => heard,
            RevokedStatus revoked => heard with { Word = Heard.Revoked, RevokedAt = Utc(revoked.RevocationTime), Reason = revoked.HasRevocationReason ? revoked.RevocationReason : null },
            UnknownStatus => heard with { Word = Heard.Unknown },
            var other => throw new InvalidOperationException($"{other}"),
        };
    }

    private bool IsResponder(X509Certificate certificate)
    {
        certificate.Verify(_issuer.GetPublicKey());
        return certificate.IssuerDN.Equivalent(_issuer.SubjectDN, inOrder: true) && certificate.GetExtendedKeyUsage().Cast<object>().Any(each => each.ToString() == OcspSigning);
    }

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
