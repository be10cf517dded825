using System.Security.Cryptography;
using ZwCa.Asn1;
using ZwCa.Asn1.Ocsp;
using ZwCa.Asn1.Pkix;
using ZwCa.Interop.Authorities;

namespace ZwCa.Interop.Ocsp;

/// <summary>Our responses before openssl, which is the client.</summary>
public class OcspResponseTests
{
    /// <summary><see cref="TestAuthority.ResponderName"/> as <c>openssl ocsp</c> prints it, which has no -nameopt.</summary>
    private const string ResponderNameText = @"C = CN, O = \E6\94\BF\E5\8A\A1, CN = OCSP\E5\93\8D\E5\BA\94";

    private static readonly Time RevokedAt = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public static MatrixTheoryData<KeyKind, CertIdHash, string, bool> Responses =>
        new(Enum.GetValues<KeyKind>(), Enum.GetValues<CertIdHash>(), ["good", "revoked", "unknown"], [false, true]);

    [Theory]
    [MemberData(nameof(Responses))]
    public void Response_IsReadAndVerified(KeyKind kind, CertIdHash hash, string status, bool byKey)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        CertId certId = CertIds.Of(authority.Signing, authority.Issuing, hash);
        byte[] response = Respond(authority, authority.Responder, authority.Responder.Key, certId, Status(status), byKey);

        OpenSsl.Output output = openssl.Run(Ask(openssl, authority, response, hash, kind == KeyKind.Sm2 ? ["-noverify"] : []));

        // Found by CertID, within its validity; verified down to the issuing CA where openssl can.
        output.HasLines($"signing.pem: {status}");
        Assert.Equal(kind != KeyKind.Sm2, output.Error.Contains("Response verify OK", StringComparison.Ordinal));
        output.HasLines("OCSP Response Status: successful (0x0)");
        output.HasLines($"Responder Id: {(byKey ? KeyHash(authority.Responder) : ResponderNameText)}");
        output.HasLines($"Cert Status: {status}");
        Assert.Equal(status == "revoked", output.Lines.Contains("Revocation Reason: superseded (0x4)"));
        Assert.Equal(status == "revoked", output.Lines.Contains("Revocation Time: Jan  2 03:04:05 2026 GMT"));
        openssl.VerifiesSigned(kind, authority.Responder.Key.PublicKey, BasicResponse(openssl, response));
    }

    /// <summary>The CA answers itself: no responder certificate.</summary>
    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void ResponseOfTheIssuerItself_IsVerified(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        CertId certId = CertIds.Of(authority.Signing, authority.Issuing, CertIdHash.Sha1);
        byte[] response = Respond(authority, authority.Issuing, authority.Issuing.Key, certId, new Good(), byKey: true);

        OpenSsl.Output output = openssl.Run(Ask(openssl, authority, response, CertIdHash.Sha1, kind == KeyKind.Sm2 ? ["-noverify"] : []));

        output.HasLines("signing.pem: good");
        Assert.Equal(kind != KeyKind.Sm2, output.Error.Contains("Response verify OK", StringComparison.Ordinal));
        openssl.VerifiesSigned(kind, authority.Issuing.Key.PublicKey, BasicResponse(openssl, response));
    }

    /// <summary>The control: a signature of another key, and a responder that is not authorized.</summary>
    [Theory]
    [InlineData(KeyKind.P256)]
    [InlineData(KeyKind.Rsa)]
    public void ResponseOfAnother_IsRefused(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        CertId certId = CertIds.Of(authority.Signing, authority.Issuing, CertIdHash.Sha1);
        byte[] forged = Respond(authority, authority.Responder, authority.Stranger, certId, new Good(), byKey: true);
        byte[] unauthorized = Respond(authority, authority.Encryption, authority.Encryption.Key, certId, new Good(), byKey: true);

        openssl.Refuses("signature failure", Ask(openssl, authority, forged, CertIdHash.Sha1));
        openssl.Refuses("missing ocspsigning usage", Ask(openssl, authority, unauthorized, CertIdHash.Sha1));
    }

    /// <summary>openssl asks; we read the request, and answer with its CertIDs and its nonce as they came.</summary>
    [Theory]
    [MemberData(nameof(KeyKinds.All), MemberType = typeof(KeyKinds))]
    public void AnswerToARequestOfOpenSsl_MatchesItsCertIdAndNonce(KeyKind kind)
    {
        using var openssl = new OpenSsl();
        TestAuthority authority = TestAuthority.Of(kind);
        string[] question =
        [
            "-issuer", authority.Issuing.WriteTo(openssl, "issuing.pem"), "-sm3", "-cert", authority.Signing.WriteTo(openssl, "signing.pem"),
        ];
        openssl.Run(["ocsp", .. question, "-nonce", "-reqout", "request.der"]);
        OcspRequest request = Der.Decode<OcspRequest>(openssl.Read("request.der"));
        Nonce nonce = request.Tbs.RequestExtensions!.Find<Nonce>()!;
        openssl.Write("response.der", Answer(nonce));
        openssl.Write("other.der", Answer(new Nonce(new byte[32])));
        string[] ask = ["ocsp", "-reqin", "request.der", "-no_nonce", "-partial_chain", "-CAfile", "issuing.pem", "-respin"];

        // openssl compares the nonces, then verifies the signature, which fails for SM2; -noverify would leave out both. With -no_nonce it
        // leaves the request's nonce alone instead of making a new one.
        OpenSsl.Output output = openssl.Try([.. ask, "response.der"]);
        Assert.False(output.Says("Nonce Verify error"), output.ToString());
        Assert.False(output.Says("WARNING"), output.ToString());
        Assert.True(kind == KeyKind.Sm2 || output.Says("Response verify OK"), output.ToString());
        openssl.Refuses("Nonce Verify error", [.. ask, "other.der"]);
        openssl.Run(["ocsp", .. question, "-no_nonce", "-noverify", "-respin", "response.der"]).HasLines("signing.pem: good");

        byte[] Answer(Nonce echoed) => Respond(
            authority, authority.Responder, authority.Responder.Key, request.Tbs.RequestList[0].ReqCert, new Good(), byKey: true, echoed);
    }

    [Theory]
    [InlineData(ResponseStatus.MalformedRequest, "malformedrequest (1)")]
    [InlineData(ResponseStatus.InternalError, "internalerror (2)")]
    [InlineData(ResponseStatus.TryLater, "trylater (3)")]
    [InlineData(ResponseStatus.SigRequired, "sigrequired (5)")]
    [InlineData(ResponseStatus.Unauthorized, "unauthorized (6)")]
    public void ErrorResponse_IsUnderstood(ResponseStatus status, string text)
    {
        using var openssl = new OpenSsl();
        openssl.Write("response.der", Der.Encode(OcspResponse.Error(status)));

        openssl.Refuses($"Responder Error: {text}", "ocsp", "-respin", "response.der", "-noverify");
    }

    private static CertStatus Status(string status) => status switch
    {
        "good" => new Good(),
        "revoked" => new Revoked(new RevokedInfo(RevokedAt, RevocationReason.Superseded)),
        _ => new Unknown(),
    };

    internal static byte[] Respond(
        TestAuthority authority, Holder responder, TestKey signer, CertId certId, CertStatus status, bool byKey, Nonce? nonce = null)
    {
        Time now = TestAuthority.In(TimeSpan.FromMinutes(-1));
        var data = new ResponseData(
            byKey ? new ResponderByKey(SHA1.HashData(responder.Key.PublicKey.PublicKey.Span)) : new ResponderByName(responder.Name),
            now,
            [new SingleResponse(certId, status, now, TestAuthority.In(TimeSpan.FromHours(1)))],
            nonce is null ? null : new Extensions(Extension.Create(nonce, critical: false)));
        byte[] tbs = Der.Encode(data);
        var basic = BasicOcspResponse.Assemble(
            tbs, signer.Kind.SignatureAlgorithm(), signer.Sign(tbs), responder == authority.Issuing ? null : [responder.Certificate]);
        return Der.Encode(OcspResponse.Successful(basic));
    }

    /// <summary>The command that reads the response as a client does.</summary>
    internal static string[] Ask(OpenSsl openssl, TestAuthority authority, byte[] response, CertIdHash hash, params string[] options) =>
    [
        "ocsp", "-respin", openssl.Write("response.der", response), "-resp_text", "-no_nonce", .. options,
        "-issuer", authority.Issuing.WriteTo(openssl, "issuing.pem"), hash.Option(), "-cert", authority.Signing.WriteTo(openssl, "signing.pem"),
        "-partial_chain", "-CAfile", "issuing.pem",
    ];

    /// <summary>Out of SEQUENCE { ENUMERATED, [0] { SEQUENCE { OID, OCTET STRING { BasicOCSPResponse } } } }, opened by openssl.</summary>
    internal static byte[] BasicResponse(OpenSsl openssl, byte[] response)
    {
        ParsedDer parsed = ParsedDer.Of(openssl, response);
        return parsed.Content(parsed.Elements.Single(e => e is { Depth: 3, Type: "OCTET STRING" }));
    }

    private static string KeyHash(Holder holder) => Convert.ToHexString(SHA1.HashData(holder.Key.PublicKey.PublicKey.Span));
}
